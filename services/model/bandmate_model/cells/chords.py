"""The requested chords in the model's key: the chord at each tick, and the CHORD tokens of each bar."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from bandmate_shared.contracts.composition import ChordSpan
from numpy.typing import NDArray

from bandmate_model.cells.vocabulary import QUALITY_STEPS, chord_token
from bandmate_model.data.tokens import GRID_PER_TICK, Frame

NONE = -1


@dataclass(frozen=True, slots=True)
class Chord:
    """Pitch classes above the model's tonic: (12,) True for those of the chord; `bass` the lowest wished for."""

    inside: NDArray[np.bool_]
    bass: int
    token: int


@dataclass(frozen=True, slots=True)
class Harmony:
    """`at[tick]` is the index in `chords` of what is asked for there, or NONE."""

    chords: tuple[Chord, ...]
    at: NDArray[np.int64]
    tokens: tuple[tuple[int, ...], ...]
    """The CHORD tokens of each bar."""
    changes: NDArray[np.int64]
    """For each tick, the next tick at which the chord changes (the end of the piece where it does not)."""

    def __bool__(self) -> bool:
        return bool(self.chords)


def harmony_of(spans: Sequence[ChordSpan], frame: Frame, shift: int) -> Harmony:
    """`shift`: semitones from the request's key to the model's."""
    chords = []
    at = np.full(frame.end, NONE, np.int64)
    for number, span in enumerate(spans):
        inside = np.zeros(12, np.bool_)
        inside[[(pitch_class + shift) % 12 for pitch_class in span.pitch_classes]] = True
        root = (span.root + shift) % 12
        bass = root if span.bass is None else (span.bass + shift) % 12
        chords.append(Chord(inside, bass, nearest_token(root, inside)))
        start, end = span.onset // GRID_PER_TICK, (span.onset + span.duration) // GRID_PER_TICK
        at[start:end] = number
    bars = zip(frame.starts, frame.lengths, strict=True)
    tokens = tuple(_bar_tokens(at[start : start + length], chords) for start, length in bars)
    return Harmony(tuple(chords), at, tokens, _next_change(at))


def nearest_token(root: int, inside: NDArray[np.bool_]) -> int:
    """The token on this root whose quality has the fewest tones too many or too few; the plainest of equals."""

    def misfit(quality: int) -> int:
        steps = {(root + step) % 12 for step in QUALITY_STEPS[quality]}
        return len(steps ^ set(np.flatnonzero(inside).tolist()))

    return chord_token(root, min(range(len(QUALITY_STEPS)), key=misfit))


def _bar_tokens(at: NDArray[np.int64], chords: Sequence[Chord]) -> tuple[int, ...]:
    """One token if both halves of the bar have the same chord, or one of them none; two if they differ."""
    half = len(at) // 2
    halves = [_longest_chord(at[:half], chords), _longest_chord(at[half:], chords)]
    tokens = [token for token in halves if token]
    return tuple(tokens[:1] if len(set(tokens)) < 2 else tokens)


def _longest_chord(at: NDArray[np.int64], chords: Sequence[Chord]) -> int:
    """The token of the chord that sounds longest, 0 for none."""
    numbers = at[at != NONE]
    return chords[int(np.bincount(numbers).argmax())].token if len(numbers) else 0


def _next_change(at: NDArray[np.int64]) -> NDArray[np.int64]:
    result = np.full(len(at), len(at), np.int64)
    for tick in range(len(at) - 2, -1, -1):
        result[tick] = result[tick + 1] if at[tick] == at[tick + 1] else tick + 1
    return result
