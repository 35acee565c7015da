"""The pitches of a phrase: the likeliest tune over its chords, by what was counted in songs with words.

The cost of a pitch is that of its interval after the one before, of its degree, of being inside or outside the chord on
its beat, of its distance from the phrase's contour, and of its direction against the stress. Viterbi's algorithm
finds the cheapest line over (pitch before, pitch); random costs vary it.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from bandmate_music.theory.keys import Key
from numpy.typing import NDArray

from bandmate_generate.lead.chance import gumbel_costs
from bandmate_generate.lead.idioms import Idiom
from bandmate_generate.lead.statistics import MAX_INTERVAL, Costs, LeadStatistics, interval_costs

_NEVER = 1 << 30
_SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
_PENTATONIC = {"major": (0, 2, 4, 7, 9), "minor": (0, 3, 5, 7, 10)}
_CHORD_WEIGHT = 1.15
_LEAP, _SKIP = -180, -50
"""Costs of intervals over a fourth and of thirds and fourths, which the contour would make too rare."""
_MOTIF = 70
_REPEAT_TWICE = 60


@dataclass(frozen=True, slots=True)
class PitchWish:
    """What a note of the phrase asks of its pitch.

    `chord` are the pitch classes that sound, empty where none do; `level` indexes STRENGTHS; `is_long` two beats or
    more; `stress` 0, 1 or 2; `target` the contour's pitch; `like` a pitch wished for; `unlike` one to avoid; `step`
    the motif's interval to this note in steps of the scale; `is_hurried` that it follows a very short note.
    """

    chord: frozenset[int]
    root: int
    level: int
    is_long: bool
    stress: int
    target: float
    like: int | None = None
    unlike: int | None = None
    step: int | None = None
    is_hurried: bool = False


@dataclass(frozen=True, slots=True)
class Ending:
    """How a phrase ends: `closed` on the tonic or the root, `open` on another chord tone; `final` ends the song."""

    kind: str


class TuneSearch:
    """Finds pitches in `low`..`high` for one song: its key, its idiom."""

    def __init__(self, statistics: LeadStatistics, idiom: Idiom, key: Key, low: int, high: int, chance: float) -> None:
        self.low, self.size, self.key, self.idiom = low, high - low + 1, key, idiom
        self._statistics, self._chance = statistics, chance
        pitches = np.arange(low, high + 1)
        self._classes = pitches % 12
        degrees = (pitches - key.tonic) % 12
        self._of_classes: dict[frozenset[int], NDArray[np.bool_]] = {}
        self._scale_classes = frozenset((key.tonic + step) % 12 for step in _SCALES[key.mode])
        self._intervals = interval_costs(statistics, self.size) // 2
        distance = pitches[None, :] - pitches[:, None]
        wide = np.clip(distance, -MAX_INTERVAL, MAX_INTERVAL) + MAX_INTERVAL
        self._degrees = statistics.from_degree[key.mode][degrees[:, None], wide] // 2
        self._direction = np.sign(distance)
        size = np.abs(distance)
        self._kind = np.where(size == 0, 0, np.where(size <= 2, 1, 2))
        self._too_wide = (
            np.where(size > 9, _NEVER // 8, 0)
            + np.where(size == 6, 150, 0)
            + np.where(size > 5, idiom.leaps + _LEAP, 0)
            + np.where((size > 2) & (size <= 5), _SKIP, 0)
        )
        self._hurried = np.where(size > 4, 160, np.where(size > 2, 60, 0))
        scale = _SCALES[key.mode]
        self._in_scale = np.isin(degrees, scale)
        self._outside = np.where(np.isin(degrees, _PENTATONIC[key.mode]), 0, idiom.pentatonic)
        self._steps = np.array([scale_step(int(pitch), key) for pitch in pitches])

    def phrase(
        self,
        wishes: Sequence[PitchWish],
        before: Sequence[int],
        bounds: tuple[int, int],
        ending: Ending,
        rng: random.Random,
    ) -> list[int]:
        """A pitch for each note; `before` are the pitches sung last, `bounds` the lowest and the highest allowed."""
        size = self.size
        noise = gumbel_costs(rng, len(wishes) * size, self._chance).reshape(len(wishes), size)
        costs = np.zeros((size, size), dtype=np.int64)
        back: list[Costs] = []
        lasting = rng.randrange(3)
        for number, wish in enumerate(wishes):
            unary = self._unary(wish, bounds) + noise[number]
            if number + 1 == len(wishes):
                unary = unary + self._ending(wish, ending)
            if number == 0:
                costs = self._first(before) + unary[None, :]
                continue
            pair = self._pair(wishes[number - 1], wish)
            totals = costs[:, :, None] + self._intervals
            if number >= 2 or before:
                same = np.arange(size)
                totals[same, same, same] += _REPEAT_TWICE if number % 3 == lasting else _NEVER // 8
            back.append(totals.argmin(axis=0))
            costs = totals.min(axis=0) + pair + unary[None, :]
        return self._trace(costs, back)

    def _trace(self, costs: Costs, back: list[Costs]) -> list[int]:
        earlier, pitch = divmod(int(costs.argmin()), self.size)
        line = [pitch]
        for row in reversed(back):
            line.append(earlier)
            earlier, pitch = int(row[earlier, pitch]), earlier
        return [self.low + pitch for pitch in reversed(line)]

    def _first(self, before: Sequence[int]) -> Costs:
        """`[pitch before, first pitch]`: at half its cost after the phrase before, free at the song's start."""
        size = self.size
        if not before:
            costs = np.full((size, size), _NEVER // 4, dtype=np.int64)
            np.fill_diagonal(costs, 0)
            return costs
        last = min(max(before[-1] - self.low, 0), size - 1)
        costs = np.full((size, size), _NEVER // 4, dtype=np.int64)
        costs[last] = (self._degrees[last] + 60 * (self._kind[last] == 0)) // 2 + self._too_wide[last]
        return costs

    def _pair(self, earlier: PitchWish, wish: PitchWish) -> Costs:
        """`[pitch before, pitch]`."""
        costs = self._degrees + self._too_wide
        rise = (wish.stress == 2) - (earlier.stress == 2)
        if rise:
            costs = costs + self._statistics.stress_step[rise + 1][self._direction + 1] - 25 * rise * self._direction
        if earlier.chord:
            outside = ~self._inside(earlier.chord)
            costs = costs + np.where(outside[:, None], self._statistics.resolution[self._kind] * 2, 0)
        if wish.is_hurried:
            costs = costs + self._hurried
        if wish.step is not None:
            off = np.abs(self._steps[None, :] - self._steps[:, None] - wish.step)
            costs = costs + _MOTIF * np.minimum(off, 3)
        result: Costs = costs
        return result

    def _unary(self, wish: PitchWish, bounds: tuple[int, int]) -> Costs:
        pitches = np.arange(self.low, self.low + self.size)
        inside = self._inside(wish.chord)
        costs = self._outside.astype(np.int64)
        if wish.chord:
            chord = self._statistics.chord[wish.level]
            weight = _CHORD_WEIGHT * 3 / max(3, len(wish.chord))  # A seventh chord is met by chance more often.
            costs = costs + np.round(weight * np.where(inside, chord[0], chord[1])).astype(np.int64)
            if wish.is_long:
                costs = costs + np.where(inside, 0, 90)
            above = self._inside(frozenset((pitch + 1) % 12 for pitch in wish.chord)) & ~inside
            below = self._inside(frozenset((pitch - 1) % 12 for pitch in wish.chord)) & ~inside & ~self._in_scale
            costs = costs + np.where(above, 60 if wish.level <= 2 or wish.is_long else 15, 0) + np.where(below, 40, 0)
        clash = (
            self._in_scale
            & ~inside
            & self._inside(frozenset((pitch - 1) % 12 for pitch in wish.chord - self._scale_classes))
        )
        allowed = (self._in_scale | inside) & ~clash & (pitches >= bounds[0]) & (pitches <= bounds[1])
        if not allowed.any():
            allowed = (pitches >= bounds[0]) & (pitches <= bounds[1])
        off = np.abs(2 * pitches - round(2 * wish.target))
        costs = costs + off * off
        if wish.like is not None:
            costs = costs - 250 * (pitches == wish.like)
        if wish.unlike is not None:
            costs = costs + 90 * (pitches == wish.unlike)
        result: Costs = np.where(allowed, costs, _NEVER // 8)
        return result

    def _inside(self, classes: frozenset[int]) -> NDArray[np.bool_]:
        """Which pitches are of these pitch classes."""
        if classes not in self._of_classes:
            self._of_classes[classes] = np.isin(self._classes, sorted(classes))
        return self._of_classes[classes]

    def _ending(self, wish: PitchWish, ending: Ending) -> Costs:
        inside = self._inside(wish.chord) if wish.chord else self._in_scale
        tonic, root = self._classes == self.key.tonic, self._classes == wish.root
        costs = np.where(inside, 0, 350)
        if ending.kind == "final":
            costs = costs + np.where(tonic, 0, 1500 if self.key.tonic in wish.chord or not wish.chord else 100)
        elif ending.kind == "closed":
            costs = costs + np.where(tonic & inside, -60, np.where(root, 0, 80))
        else:
            costs = costs + np.where(tonic, 120, 0)
        result: Costs = costs.astype(np.int64)
        return result


def scale_step(pitch: int, key: Key) -> int:
    """Number of the scale's step that a pitch is on, or the one below it."""
    octave, degree = divmod(pitch - key.tonic, 12)
    return 7 * octave + sum(step <= degree for step in _SCALES[key.mode]) - 1


def scale_pitches(key: Key, low: int, high: int) -> list[int]:
    """The pitches of the scale from `low` to `high`."""
    return [pitch for pitch in range(low, high + 1) if (pitch - key.tonic) % 12 in _SCALES[key.mode]]
