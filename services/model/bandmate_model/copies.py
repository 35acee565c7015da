"""Long passages that stand in the training set note for note, whatever the key: found exactly, with the piece's name.

A passage is PASSAGE_NOTES successive notes of one part (in order of onset and pitch, chords and drums included), equal
in every interval and in every time from onset to onset. Of each step from note to note one byte is kept, a hash of
both: with 31 steps in a row equal, one that differs escapes notice once in 256 times, and nothing equal is missed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from bandmate_shared.contracts.songs import Match
from numpy.typing import NDArray

PASSAGE_NOTES = 32
MOST_MATCHES = 64
"""No report names more."""
_STEPS = PASSAGE_NOTES - 1
_LONGEST_STEP = 192
"""Model ticks; all longer rests are one."""
_MOST_PLACES = 256
"""Of a passage that stands in more places than these the longest is sought among so many."""
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)

Line = tuple[NDArray[np.int64], NDArray[np.int64], bool]
"""One part: onsets in model ticks and pitches in order of onset and pitch, and whether it is drums."""


@dataclass(frozen=True)
class PassageIndex:
    """Steps of all lines one after the other; where each line begins (and, last, where all end); whose it is."""

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
        """The passages that these lines, (part number, line), share with the index, each told once at its full length;
        where several pieces have it, the one that shares most of it. Onsets in grid ticks."""
        found: list[Match] = []
        for number, line in parts:
            steps = step_codes(*line)
            place = 0
            hashes = passage_hashes(steps)
            left = np.searchsorted(self._sorted[0], hashes, side="left")
            right = np.searchsorted(self._sorted[0], hashes, side="right")
            for place_of_hit in np.flatnonzero(right > left).tolist():
                if place_of_hit < place or len(found) >= MOST_MATCHES:
                    continue
                places = self._sorted[1][left[place_of_hit] : right[place_of_hit]][:_MOST_PLACES]
                length, where = self._longest(steps, place_of_hit, places)
                if length >= _STEPS:
                    owner = self.owners[int(np.searchsorted(self.starts, where, side="right")) - 1]
                    onset = int(line[0][place_of_hit]) * 2
                    found.append(Match(piece=names[owner], notes=length + 1, part=number, onset=onset))
                    place = place_of_hit + length - _STEPS + 1
        return found

    def seen(self, line: Line) -> NDArray[np.bool_]:
        """For each passage of the line, by its first note: whether the index holds it."""
        hashes = passage_hashes(step_codes(*line))
        left = np.searchsorted(self._sorted[0], hashes, side="left")
        return left < np.searchsorted(self._sorted[0], hashes, side="right")

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
        best, where = 0, -1
        for candidate in places.tolist():
            end = int(self.starts[int(np.searchsorted(self.starts, candidate, side="right"))])
            count = min(len(steps) - place, end - candidate)
            differ = np.flatnonzero(steps[place : place + count] != self.codes[candidate : candidate + count])
            length = int(differ[0]) if len(differ) else count
            if length > best:
                best, where = length, candidate
        return best, where


def step_codes(onsets: NDArray[np.int64], pitches: NDArray[np.int64], is_drum: bool) -> NDArray[np.uint8]:
    """A byte for the step from each note to the next."""
    if len(onsets) < 2:
        return np.zeros(0, np.uint8)
    interval = (np.diff(pitches) + 128).astype(np.uint64)
    time = np.minimum(np.diff(onsets), _LONGEST_STEP).astype(np.uint64)
    mixed = (interval * np.uint64(512) + time * np.uint64(2) + np.uint64(is_drum) + np.uint64(1)) * _MULTIPLIER
    mixed ^= mixed >> np.uint64(29)
    return ((mixed * np.uint64(0xBF58476D1CE4E5B9)) >> np.uint64(56)).astype(np.uint8)


def passage_hashes(codes: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """A hash of the 31 steps from each place on; the hash of a run is that of its halves, so five rounds do."""
    if len(codes) < _STEPS:
        return np.zeros(0, np.uint64)
    run = codes.astype(np.uint64) + np.uint64(1)
    total: NDArray[np.uint64] | None = None
    length, done, power = 1, 0, np.full(1, _MULTIPLIER)  # An array: numpy warns of scalars that wrap around.
    while done < _STEPS:
        if _STEPS & length:
            tail = run[done:]
            total = tail.copy() if total is None else total[: len(tail)] * power + tail
            done += length
        longer = run[: len(run) - length] * power + run[length:]
        run, power, length = longer, power * power, length * 2
    assert total is not None, "there is at least one step in a passage"
    return total[: len(codes) - _STEPS + 1]
