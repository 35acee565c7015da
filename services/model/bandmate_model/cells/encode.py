"""Encode pieces as tokens, in numpy: every token gets a sort key of its place, and one sort puts all in order."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bandmate_model.cells.pieces import NO_CHORD, NO_REPEAT, Cells, is_drum
from bandmate_model.cells.vocabulary import (
    AHEAD,
    BAR,
    CHORD,
    COUNT,
    COUNT_BOUNDS,
    DRUM,
    DURATION,
    END,
    METRE,
    MODE,
    MONO,
    PHASES,
    PITCH,
    POLY,
    POSITION,
    REGISTER,
    REPEAT,
    REPEAT_BARS,
    RESUME,
    SLOT,
    START,
    STYLE,
    TEMPO,
    VELOCITY,
)
from bandmate_model.data.tokens import remaining_bucket

FORCED, FREE, GIVEN = 0, 1, 2
_AHEAD_SECTION, _BAR_SECTION, _CELL_SECTION = 0, 1, 2
_SECTION_SHIFT, _SLOT_SHIFT = 34, 26

_LAGS = np.array(REPEAT_BARS)
_COUNTS = np.searchsorted(np.array(COUNT_BOUNDS), np.arange(COUNT_BOUNDS[-1] + 1), side="right")
"""The class of so many notes; of more than the last bound, that of the last."""
_BUCKETS = np.array([remaining_bucket(max(1, bars)) for bars in range(18)])
"""The bucket of so many bars to go."""

Tokens = NDArray[np.int16]
_Column = NDArray[np.int64]
_Add = Callable[[_Column, _Column, _Column], None]
"""Takes sort keys, tokens and kinds."""


class Encoded(NamedTuple):
    """`tokens`; `kinds` beside them: FORCED (follows from the rest, or is a condition), FREE (a choice), GIVEN (of
    cells told ahead); `bar_at`: where each bar's BAR stands, for cutting; `notes`: how many the free cells have."""

    tokens: Tokens
    kinds: NDArray[np.uint8]
    bar_at: NDArray[np.int64]
    notes: int


def header(piece: Cells, style: int, *, first: int, registers: bool) -> list[int]:
    """The tokens before the first bar. `style` counts in the model's list of styles."""
    tokens = [START if first == 0 else RESUME, STYLE.token(style), MODE.token(piece.mode), TEMPO.token(piece.tempo)]
    tokens.append(METRE.token(int(piece.metres[first])))
    for slot, mono, register in zip(piece.slots, piece.mono, piece.registers, strict=True):
        tokens += [SLOT.token(slot - 1), MONO if mono else POLY]
        if registers:
            tokens.append(REGISTER.token(register))
    return tokens


def encode(
    piece: Cells,
    style: int,
    *,
    first: int = 0,
    last: int | None = None,
    given: NDArray[np.bool_] | None = None,
    chords: bool = False,
    registers: bool = False,
) -> Encoded:
    """Bars first..last (exclusive; None: to the end, with END).

    `given`: which rows of piece.cells are written ahead of their bar. `chords`, `registers`: whether these are written.
    """
    bars = piece.bars
    end = bars if last is None else min(last, bars)
    chosen = (piece.cells[:, 0] >= first) & (piece.cells[:, 0] < end)
    cells = piece.cells[chosen].astype(np.int64)
    ahead = np.zeros(len(cells), np.int64) if given is None else given[chosen].astype(np.int64)
    keys: list[NDArray[np.int64]] = []
    tokens: list[NDArray[np.int64]] = []
    kinds: list[NDArray[np.int64]] = []

    def add(key: NDArray[np.int64], token: NDArray[np.int64], kind: NDArray[np.int64]) -> None:
        keys.append(key)
        tokens.append(token)
        kinds.append(kind)

    _bars(piece, first, end, chords, add)
    bar, slot, start, count, repeat = cells.T if len(cells) else np.zeros((5, 0), np.int64)
    section = (bar - ahead - first + 1) * 3 + np.where(ahead == 1, _AHEAD_SECTION, _CELL_SECTION)
    base = (section << _SECTION_SHIFT) + (slot << _SLOT_SHIFT)
    kind = np.where(ahead == 1, GIVEN, FREE)
    if given is not None:
        sections = np.unique(section[ahead == 1])
        add(sections << _SECTION_SHIFT, np.full(len(sections), AHEAD), np.full(len(sections), FORCED))
    add(base, SLOT.first + slot - 1, kind)
    # Only what stood inside these bars: a reader knows nothing before them.
    again = (repeat != NO_REPEAT) & (ahead == 0) & (bar - _LAGS[repeat] >= first)
    counts = COUNT.first + _COUNTS[np.minimum(count, len(_COUNTS) - 1)]
    add(base + 1, np.where(again, REPEAT.first + repeat, counts), kind)
    written = ~(again & is_drum(slot))
    _notes(
        piece,
        base[written],
        start[written],
        count[written],
        np.where(again, FORCED, kind)[written],
        is_drum(slot)[written],
        add,
    )
    key = np.concatenate(keys)
    order = np.argsort(key, kind="stable")  # Of a few runs in order: merging is faster than sorting.
    head = header(piece, style, first=first, registers=registers)
    ends = [END] if end == bars else []
    all_tokens = np.empty(len(head) + len(key) + len(ends), np.int16)
    all_kinds = np.empty(len(all_tokens), np.uint8)
    body = slice(len(head), len(head) + len(key))
    all_tokens[: len(head)], all_tokens[body], all_tokens[body.stop :] = head, np.concatenate(tokens)[order], ends
    all_kinds[: len(head)], all_kinds[body], all_kinds[body.stop :] = FORCED, np.concatenate(kinds)[order], FREE
    bar_at = np.flatnonzero((all_tokens >= BAR.first) & (all_tokens < BAR.end))
    all_kinds[bar_at[:1]] = FORCED
    return Encoded(all_tokens, all_kinds, bar_at, int(count[ahead == 0].sum()))


def _bars(piece: Cells, first: int, end: int, chords: bool, add: _Add) -> None:
    """BAR, METRE where it changes, CHORDs if wanted."""
    number = np.arange(first, end)
    base = ((number - first + 1) * 3 + _BAR_SECTION) << _SECTION_SHIFT
    remaining = _BUCKETS[np.minimum(piece.bars - number, len(_BUCKETS) - 1)]
    add(base, BAR.first + remaining * PHASES + number % PHASES, np.full(len(number), FREE))
    changed = np.zeros(len(number), bool)
    changed[1:] = np.diff(piece.metres[first:end]) != 0
    add(base[changed] + 1, METRE.first + piece.metres[first:end][changed].astype(np.int64), _forced(changed))
    if chords:
        halves = piece.chords[first:end].astype(np.int64)
        first_chord, second_chord = halves[:, 0], halves[:, 1]
        first_chord, second_chord = (
            np.where(first_chord == NO_CHORD, second_chord, first_chord),
            np.where(second_chord == NO_CHORD, first_chord, second_chord),
        )
        has_chord = first_chord != NO_CHORD
        add(base[has_chord] + 2, CHORD.first + first_chord[has_chord], _forced(has_chord))
        chord_changes = has_chord & (second_chord != first_chord)
        add(base[chord_changes] + 3, CHORD.first + second_chord[chord_changes], _forced(chord_changes))


def _forced(chosen: NDArray[np.bool_]) -> _Column:
    return np.full(int(chosen.sum()), FORCED)


def _notes(
    piece: Cells, base: _Column, start: _Column, count: _Column, kind: _Column, drum: NDArray[np.bool_], add: _Add
) -> None:
    """The notes of the cells with these keys: POSITION and DURATION or VELOCITY where new in the cell, then the
    pitch."""
    total = int(count.sum())
    if not total:
        return
    cell = np.repeat(np.arange(len(count)), count)
    inside = np.arange(total) - np.repeat(np.cumsum(count) - count, count)
    rows = piece.notes[start[cell] + inside].astype(np.int64)
    position, length, pitch = rows[:, 2], rows[:, 3], rows[:, 4]
    opening = inside == 0
    new_position, new_length = opening.copy(), opening.copy()
    new_position[1:] |= position[1:] != position[:-1]
    new_length[1:] |= length[1:] != length[:-1]
    key, kinds, drums = base[cell] + 2 + 3 * inside, kind[cell], drum[cell]
    add(key[new_position], POSITION.first + position[new_position], kinds[new_position])
    lengths = np.where(drums, VELOCITY.first, DURATION.first) + length - 1
    add(key[new_length] + 1, lengths[new_length], kinds[new_length])
    add(key + 2, np.where(drums, DRUM.first, PITCH.first) + pitch, kinds)
