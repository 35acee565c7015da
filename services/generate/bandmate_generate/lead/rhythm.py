"""The rhythm of a line: the likeliest onsets for its syllables, by what was counted in songs with words.

A rhythm is a pattern of onsets in each beat. Its cost is that of each pattern after the one before it, of each
syllable's stress on the strength of its onset, of where the first stressed syllable falls and of the room that is left
to the last one. Viterbi's algorithm finds the cheapest over (beat, syllables sung, pattern); random costs vary it.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from bandmate_music.theory.metrical_grid import SIXTEENTH

from bandmate_generate.lead.beats import Beat
from bandmate_generate.lead.chance import gumbel_costs
from bandmate_generate.lead.statistics import BeatRhythms, Costs, LeadStatistics
from bandmate_generate.lyrics.lines import Syllable

_NEVER = 1 << 40
_ONSET, _OFF_BEAT = 90, 120
"""Costs of onsets in beats of a length that was not counted (5/8, cut bars)."""
_STRESS_WEIGHT, _LATE, _LATE_OFF_BEAT, _MAX_PICKUP = 3, 60, 150, 2
_SHORT_END = 450
"""Cost of a last note that has next to nothing of the time that it would like."""
_BREATHLESS = 600
"""Cost of a line whose last note leaves no breath."""
_HELD_WEAK, _HELD_LONG = 500, 700
"""Costs of holding a weak syllable, or one inside a word, through a beat, and of holding any through two of them."""
_WEAK_LEVEL = 3
"""From this one of STRENGTHS on, a position is between the beats."""


@dataclass(frozen=True, slots=True)
class RhythmTaste:
    """How rhythms are chosen; costs in hundredths of a nat. `dotted` is the reward of dotted figures, `subdivision` the
    cost of sixteenths, `like` the reward of a pattern wished for, `final` the ticks that a line's last note would like,
    `chance` the scale of random costs."""

    statistics: LeadStatistics
    dotted: int
    subdivision: int
    like: int
    final: int
    chance: float = 0.3


def stress_class(stress: float) -> int:
    """0 weak, 1 secondary, 2 strong."""
    return 0 if stress < 0.3 else 1 if stress < 0.7 else 2


def line_onsets(
    syllables: Sequence[Syllable],
    beats: Sequence[Beat],
    downbeat: int,
    end: int,
    finest: int,
    taste: RhythmTaste,
    rng: random.Random,
    like: Mapping[int, int],
    closing: Callable[[int], int],
) -> list[int] | None:
    """An onset for each syllable on the beats, at least `finest` apart, the last one `finest` before `end`; None where
    they do not fit.

    Beats before `downbeat` are for a pick-up: only syllables before the first stressed one go there. `like` are
    patterns wished for, by the beat's onset. `closing` is the cost of a tick for the last onset.
    """
    count = len(syllables)
    line = _line_costs(syllables, downbeat, taste.statistics)
    tables = [_patterns(beat, finest, end, taste.statistics) for beat in beats]
    noise = gumbel_costs(rng, sum(len(table.onsets) for table in tables), taste.chance)
    before: Costs | None = None
    kept: list[Costs] = []
    best = (_NEVER, -1, -1)
    drawn = 0
    for number, (beat, table) in enumerate(zip(beats, tables, strict=True)):
        size = len(table.onsets)
        unary = noise[drawn : drawn + size] + _figure_costs(table, beat, taste)
        drawn += size
        if beat.onset in like:
            unary = unary - taste.like * np.array([mask == like[beat.onset] for mask in table.masks], dtype=np.int64)
        if before is None:
            reached = np.full((count + 1, 1), _NEVER, dtype=np.int64)
            reached[0, 0] = 0
            step = _transition(_SILENCE, table, beat)
        else:
            reached, step = before, _transition(tables[number - 1], table, beat)
        totals = reached[:, :, None] + step[None, :, :]
        if number and beat.onset > downbeat and tables[number - 1].has_silence and table.has_silence:
            totals[1:count, tables[number - 1].masks.index(0), table.masks.index(0)] += _HELD_LONG
        came_from = totals.argmin(axis=1)
        arrived = totals.min(axis=1) + unary[None, :]
        if beat.onset < downbeat:
            arrived[0] -= unary  # Waiting for the downbeat costs nothing.
        row = np.full((count + 1, size), _NEVER, dtype=np.int64)
        back = np.zeros((count + 1, size), dtype=np.int64)
        for index, onsets in enumerate(table.onsets):
            sung = len(onsets)
            if sung > count:
                continue
            added = _placed(onsets, line, beat)
            row[sung:, index] = np.minimum(arrived[: count + 1 - sung, index] + added, _NEVER)
            back[sung:, index] = came_from[: count + 1 - sung, index]
            if sung and row[count, index] < _NEVER // 2:
                total = (
                    int(row[count, index])
                    + _final_cost(end - onsets[-1][0], taste.final, finest)
                    + closing(onsets[-1][0])
                )
                best = min(best, (total, number, index))
        row[count] = _NEVER  # A line that has ended takes no more beats.
        kept.append(back)
        before = row
    if best[0] >= _NEVER // 2:
        return None
    chosen: list[int] = []
    sung, index = count, best[2]
    for number in range(best[1], -1, -1):
        onsets = tables[number].onsets[index]
        chosen += [tick for tick, _ in reversed(onsets)]
        index, sung = int(kept[number][sung, index]), sung - len(onsets)
    return chosen[::-1]


@dataclass(frozen=True, slots=True)
class _BeatPatterns:
    """The patterns possible in a beat: their masks, their index in the counted table (or the number of onsets), and
    their onsets as (tick, level)."""

    masks: tuple[int, ...]
    rows: tuple[int, ...]
    onsets: tuple[tuple[tuple[int, int], ...], ...]
    counted: BeatRhythms | None

    @property
    def has_silence(self) -> bool:
        return 0 in self.masks


def _patterns(beat: Beat, finest: int, end: int, statistics: LeadStatistics) -> _BeatPatterns:
    counted = None
    if beat.compound and beat.length == 6 * SIXTEENTH:
        counted = statistics.compound
    elif not beat.compound and beat.length == 4 * SIXTEENTH:
        counted = statistics.simple
    masks = counted.patterns if counted else range(1 << min(6, -(-beat.length // SIXTEENTH)))
    free = {
        (tick - beat.onset) // SIXTEENTH: (tick, level) for tick, level in zip(beat.slots, beat.levels, strict=True)
    }
    found = []
    for row, mask in enumerate(masks):
        bits = [bit for bit in range(mask.bit_length()) if mask >> bit & 1]
        if all(bit in free and free[bit][0] + finest <= end for bit in bits):
            found.append((mask, row, tuple(free[bit] for bit in bits)))
    return _BeatPatterns(tuple(f[0] for f in found), tuple(f[1] for f in found), tuple(f[2] for f in found), counted)


_SILENCE = _BeatPatterns((0,), (0,), ((),), None)


def _transition(earlier: _BeatPatterns, later: _BeatPatterns, beat: Beat) -> Costs:
    """`[before, pattern]`: what the tables say; by the number of onsets where the beats were not counted."""
    if later.counted is None:
        row = [_ONSET * bin(mask).count("1") + (_OFF_BEAT if mask and not mask & 1 else 0) for mask in later.masks]
        return np.tile(np.array(row, dtype=np.int64), (len(earlier.masks), 1))
    if earlier.counted is later.counted:
        costs: Costs = later.counted.costs[beat.kind][np.ix_(earlier.rows, later.rows)]
        return costs
    known = later.counted.patterns.index(0 if earlier is _SILENCE else 1)
    return np.tile(later.counted.costs[beat.kind][known, list(later.rows)], (len(earlier.masks), 1))


def _figure_costs(table: _BeatPatterns, beat: Beat, taste: RhythmTaste) -> Costs:
    """What the style adds to a pattern: dotted figures and sixteenths."""
    costs = []
    for mask in table.masks:
        cost = 0
        if not beat.compound and beat.length == 4 * SIXTEENTH:
            cost += taste.subdivision if mask & 0b1010 else 0
            cost -= taste.dotted if mask in (0b1001, 0b1000) else 0
        costs.append(cost)
    return np.array(costs, dtype=np.int64)


def _placed(onsets: tuple[tuple[int, int], ...], line: "_LineCosts", beat: Beat) -> Costs:
    """Cost of the onsets for the syllables from each index on: `[first syllable]`, for 0..count - len(onsets)."""
    sung, count = len(onsets), line.by_level.shape[1]
    size = count + 1 - sung
    costs = np.zeros(size, dtype=np.int64)
    if not sung and beat.onset >= line.downbeat:
        costs[0] = _LATE
        costs[1:count] += line.held[: count - 1]
    for offset, (tick, level) in enumerate(onsets):
        costs += line.by_level[level, offset : offset + size]
        first = line.first_stress - offset
        if 0 <= first < size and tick != line.downbeat:
            costs[first] += 50 + 80 * abs(tick - line.downbeat) // 96
        if offset == 0 and tick > line.downbeat and level >= _WEAK_LEVEL:
            costs[0] += _LATE_OFF_BEAT
        if tick < line.downbeat:
            costs[max(0, first) :] += _NEVER
    return costs


@dataclass(frozen=True, slots=True)
class _LineCosts:
    """`by_level[level, syllable]`: the cost of each syllable on each strength; `held[syllable]` that of holding it
    through a beat; `first_stress` is the index of the one that belongs on the downbeat: the first stressed one or,
    before a late one, a weak one an even number earlier."""

    by_level: Costs
    held: Costs
    first_stress: int
    downbeat: int


def _line_costs(syllables: Sequence[Syllable], downbeat: int, statistics: LeadStatistics) -> _LineCosts:
    stresses = [stress_class(syllable.stress) for syllable in syllables]
    first = next((index for index, stress in enumerate(stresses) if stress == 2), 0)
    stresses = [max(stress, _promoted(stresses, index)) for index, stress in enumerate(stresses)]
    by_level = _STRESS_WEIGHT * statistics.stress[stresses].T
    by_level[:, -1] += statistics.last
    is_short = [syllable.stress < 0.3 or not syllable.word_end for syllable in syllables]
    held = np.array([_HELD_WEAK * short for short in is_short], dtype=np.int64)
    return _LineCosts(by_level, held, first if first <= _MAX_PICKUP else first % 2, downbeat)


def _promoted(stresses: Sequence[int], index: int) -> int:
    """1 for a weak syllable between weak ones, which verse counts as stressed ("and WE will SING"), else 0."""
    inside = 0 < index < len(stresses) - 1
    return int(inside and stresses[index - 1] == stresses[index] == stresses[index + 1] == 0)


def _final_cost(room: int, wanted: int, finest: int) -> int:
    """Cost of leaving the last note less than it would like, no room for a breath after it, or much more."""
    short = max(0, wanted - room)
    breathless = _BREATHLESS if room < 2 * finest else 0
    return breathless + _SHORT_END * short // wanted + 60 * max(0, room - 2 * wanted) // wanted
