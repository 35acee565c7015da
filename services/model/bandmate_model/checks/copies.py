"""Find passages that occur note for note in the training set, in any key, with the name of the piece.

A passage is PASSAGE_NOTES successive notes of one part (in order of onset and pitch, chords and drums included), equal
in every interval and in every time from onset to onset. Each step from note to note is stored as one byte, a
hash of both: equal passages are always found, and a passage that differs in one step of 31 is reported as equal once in
256 times.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from bandmate_shared.contracts.songs import Match
from numpy.typing import NDArray

PASSAGE_NOTES = 32
MAX_MATCHES = 64
"""Maximum number of matches in a report."""
_STEPS = PASSAGE_NOTES - 1
_MAX_STEP = 192
"""Model ticks; longer rests are clipped to this."""
_MAX_PLACES = 256
"""Training occurrences of a passage that are compared to find the longest match."""
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)

Line = tuple[NDArray[np.int64], NDArray[np.int64], bool]
"""One part: onsets in model ticks and pitches in order of onset and pitch, and whether it is drums."""


@dataclass(frozen=True)
class PassageIndex:
    """Step codes of all lines concatenated, the offset of each line (and the total length), and its piece number."""

    codes: NDArray[np.uint8]
    starts: NDArray[np.int64]
    owners: NDArray[np.uint16]

    @staticmethod
    def build(lines: Iterable[tuple[int, Line]]) -> "PassageIndex":
        """From (piece number, line); lines with fewer than PASSAGE_NOTES notes hold no passage."""
        codes: list[NDArray[np.uint8]] = []
        owners: list[int] = []
        for owner, line in lines:
            steps = step_codes(*line)
            if len(steps) >= _STEPS:
                codes.append(steps)
                owners.append(owner)
        starts = np.cumsum([0, *map(len, codes)])
        return PassageIndex(
            np.concatenate(codes) if codes else np.zeros(0, np.uint8), starts, np.array(owners, dtype=np.uint16)
        )

    def matches(self, parts: Sequence[tuple[int, Line]], names: Sequence[str]) -> list[Match]:
        """Passages that these lines, (part number, line), share with the index, each once at its full length.

        Of several pieces the one that shares most of it is named. Onsets in grid ticks.
        """
        matches: list[Match] = []
        for number, line in parts:
            steps = step_codes(*line)
            place = 0
            hashes = passage_hashes(steps)
            starts = np.searchsorted(self._sorted[0], hashes, side="left")
            ends = np.searchsorted(self._sorted[0], hashes, side="right")
            for place_of_hit in np.flatnonzero(ends > starts).tolist():
                if place_of_hit < place or len(matches) >= MAX_MATCHES:
                    continue
                places = self._sorted[1][starts[place_of_hit] : ends[place_of_hit]][:_MAX_PLACES]
                length, position = self._longest(steps, place_of_hit, places)
                if length >= _STEPS:
                    owner = self.owners[int(np.searchsorted(self.starts, position, side="right")) - 1]
                    onset = int(line[0][place_of_hit]) * 2
                    matches.append(Match(piece=names[owner], notes=length + 1, part=number, onset=onset))
                    place = place_of_hit + length - _STEPS + 1
        return matches

    def seen(self, line: Line) -> NDArray[np.bool_]:
        """For each passage of the line, by its first note: whether the index holds it."""
        hashes = passage_hashes(step_codes(*line))
        starts = np.searchsorted(self._sorted[0], hashes, side="left")
        return starts < np.searchsorted(self._sorted[0], hashes, side="right")

    @cached_property
    def _sorted(self) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """Hash of every passage in ascending order, and where it begins."""
        hashes = passage_hashes(self.codes)
        ends = np.repeat(self.starts[1:], np.diff(self.starts))[: len(hashes)]
        inside = np.flatnonzero(np.arange(len(hashes)) + _STEPS <= ends)
        order = inside[np.argsort(hashes[inside], kind="stable")]
        return hashes[order], order

    def _longest(self, steps: NDArray[np.uint8], place: int, places: NDArray[np.int64]) -> tuple[int, int]:
        """Steps in common from `place` on, at the training place that shares most of them, and that place."""
        best, position = 0, -1
        for candidate in places.tolist():
            end = int(self.starts[int(np.searchsorted(self.starts, candidate, side="right"))])
            count = min(len(steps) - place, end - candidate)
            differ = np.flatnonzero(steps[place : place + count] != self.codes[candidate : candidate + count])
            length = int(differ[0]) if len(differ) else count
            if length > best:
                best, position = length, candidate
        return best, position


def step_codes(onsets: NDArray[np.int64], pitches: NDArray[np.int64], is_drum: bool) -> NDArray[np.uint8]:
    """A byte for the step from each note to the next."""
    if len(onsets) < 2:
        return np.zeros(0, np.uint8)
    interval = (np.diff(pitches) + 128).astype(np.uint64)
    time = np.minimum(np.diff(onsets), _MAX_STEP).astype(np.uint64)
    mixed = (interval * np.uint64(512) + time * np.uint64(2) + np.uint64(is_drum) + np.uint64(1)) * _MULTIPLIER
    mixed ^= mixed >> np.uint64(29)
    return ((mixed * np.uint64(0xBF58476D1CE4E5B9)) >> np.uint64(56)).astype(np.uint8)


def passage_hashes(codes: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """A hash of the 31 steps from each place on; the hash of a run is combined from its halves, so five rounds are
    enough."""
    if len(codes) < _STEPS:
        return np.zeros(0, np.uint64)
    run = codes.astype(np.uint64) + np.uint64(1)
    total: NDArray[np.uint64] | None = None
    length, covered, power = 1, 0, np.full(1, _MULTIPLIER)  # An array: numpy warns of scalars that wrap around.
    while covered < _STEPS:
        if _STEPS & length:
            tail = run[covered:]
            total = tail.copy() if total is None else total[: len(tail)] * power + tail
            covered += length
        longer = run[: len(run) - length] * power + run[length:]
        run, power, length = longer, power * power, length * 2
    assert total is not None, "there is at least one step in a passage"
    return total[: len(codes) - _STEPS + 1]
