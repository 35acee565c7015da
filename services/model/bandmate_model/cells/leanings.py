"""Soft musical leanings added to the network's logits while composing: never rules, always tendencies.

A small network knows most of this, not all of it. Each leaning is a number in natural log units (1.0 makes a value e
times less likely); zeros leave the network alone (`taste: off` in config.json). What is leant on is which pitch, not
whether a pitch comes next: the pitches together stay as likely as they were.
"""

from dataclasses import replace

import numpy as np
from bandmate_shared.music.metre import Metre
from numpy.typing import NDArray

from bandmate_model.cells.chords import NONE
from bandmate_model.cells.density import Quota
from bandmate_model.cells.grammar import LONG, OVER, WHAT, WHEN, WHO, Grammar, Segment
from bandmate_model.cells.line import Cell, Line
from bandmate_model.cells.taste import Taste
from bandmate_model.cells.tonality import MAJOR, MINOR, Tonality
from bandmate_model.cells.vocabulary import COUNT, DURATION, PITCH, POSITION, REPEAT, REPEAT_BARS, SLOT, count_limits
from bandmate_model.lineup import REPEAT_QUANTILES
from bandmate_model.tokens import DURATIONS, GRID_PER_TICK, TICKS_PER_QUARTER, duration_ticks

Array = NDArray[np.float64]

_PITCHES = np.arange(128)
_CLASSES = _PITCHES % 12
_TICKS = np.array(DURATIONS)
_DISTANCES = np.abs(np.arange(-127, 128))
"""_DISTANCES[127 - p : 255 - p] is how far each pitch lies from p."""
_LIMITS = [count_limits(number) for number in range(COUNT.size)]
_HISTORY = 32
_SELDOM = 0.02
"""Nothing is rarer than this."""
_MOST_MASS = 3.0
"""A leaning against all that the network wants may make pitches less likely by the rest."""


class Leanings:
    """Biases for one piece that is being composed."""

    def __init__(self, grammar: Grammar, taste: Taste, *, mood: float = 0.5) -> None:
        """`mood`: 0..1, how much this piece repeats itself among those of its style."""
        plan = grammar.plan
        self._grammar, self._plan, self._taste = grammar, plan, taste
        self._active = taste != Taste.off()
        if not plan.keyed:
            self._taste = taste = replace(taste, chromatic=0.0, chromatic_sung=0.0, phrase_end=0.0, cadence=0.0)
        major = plan.request.mode == "major"
        scale = np.isin(np.arange(12), list(MAJOR if major else MINOR))
        self._off_scale = np.where(scale, 0.0, -taste.chromatic)
        self._triad = np.isin(np.arange(12), [0, 4 if major else 3, 7]).astype(float)
        self._tonic = (np.arange(12) == 0).astype(float)
        self._scale = self._off_scale[_CLASSES]
        self._sung_scale = np.where(scale, 0.0, -taste.chromatic_sung)[_CLASSES]
        self._quotas: dict[int, Quota] = {}
        if taste.density or taste.density_bounds:
            self._quotas = {
                number: Quota(grammar, number, pull=taste.density, outside=taste.density_bounds)
                for number, line in enumerate(plan.lines)
                if line.density is not None and any(line.free)
            }
        heeded = plan.keyed and plan.request.key_wish
        self._tonality = Tonality(grammar, taste) if heeded and self._active else None
        self._chord_bias: dict[tuple[int, bool], Array] = {}
        self._history: list[int] = []
        self._wonted = [
            float(np.interp(mood, REPEAT_QUANTILES, line.repeats)) if line.repeats else None for line in plan.lines
        ]
        bars = (plan.bars[plan.bars.at(start * GRID_PER_TICK)] for start in plan.frame.starts)
        self._beats = [_beat(bar.metre) for bar in bars]

    def bias(self, segments: list[Segment], logits: Array) -> Array | None:
        """For the tokens of all segments one after the other, whose logits are given."""
        if not self._active:
            return None
        found: list[Array | None] = []
        start = 0
        for kind, ids in segments:
            end = start + len(ids)
            if kind == WHAT:
                found.append(self._what(ids, logits[start:end]))
            elif kind == LONG:
                found.append(self._long(ids))
            elif kind == WHEN:
                found.append(self._when(ids))
            elif kind in (WHO, OVER):
                found.append(self._who(ids))
            else:
                found.append(self._form(ids, logits[start:end]))
            start = end
        kinds = {kind for kind, _ in segments}
        goes_on = self._going_on() if OVER in kinds or WHO in kinds else 0.0
        if goes_on == 0.0 and all(each is None for each in found):
            return None
        parts = []
        for (kind, ids), each in zip(segments, found, strict=True):
            part = np.zeros(len(ids)) if each is None else each
            parts.append(part + goes_on if kind in (WHAT, LONG, WHEN) and goes_on else part)
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    # Which part plays.

    def _who(self, ids: NDArray[np.int64]) -> Array | None:
        """Against passing parts over: `ids` are slots, or the one token that ends the bar."""
        waiting = [number for number in self._grammar.open_lines if number > self._grammar.line]
        if not waiting:
            return None
        passed = np.cumsum([0.0, *map(self._skip, waiting)])
        return passed[: len(ids)] if SLOT.first <= ids[0] < SLOT.end else passed[-1:]

    def _skip(self, number: int) -> float:
        """What it costs to leave a line out of this bar."""
        grammar, taste, line = self._grammar, self._taste, self._plan.lines[number]
        quota = self._quotas.get(number)
        if quota is not None:
            return quota.cost(0)
        bar, cells = grammar.bar, grammar.score.cells[number]
        rested = 0
        while rested < min(bar, 4) and not cells[bar - 1 - rested]:
            rested += 1
        cost = taste.silence * rested
        if bar == 0 and line.role != "melody":
            cost += taste.entry
        if self._closing and not line.drum:
            cost += taste.together
        return -cost

    @property
    def _closing(self) -> bool:
        return self._grammar.bar == len(self._plan.frame.starts) - 1

    def _going_on(self) -> float:
        """On writing one more note into a cell that may end here."""
        grammar = self._grammar
        quota = self._quotas.get(grammar.line)
        return quota.going_on(len(grammar.notes)) if quota is not None and grammar.notes else 0.0

    # What form a cell has.

    def _form(self, ids: NDArray[np.int64], logits: Array) -> Array | None:
        grammar, taste, number = self._grammar, self._taste, self._grammar.line
        line = self._plan.lines[number]
        self._remember(number)
        if line.rhythm is not None:
            return self._repeats_fit(line, ids) if self._plan.harmony else None
        bias = self._memory(ids, logits)
        quota = self._quotas.get(number)
        cells, bar = grammar.score.cells[number], grammar.bar
        few = 1 if line.cap == 1 or line.mono else 5
        run = self._run(cells, bar)
        for index, token in enumerate(ids.tolist()):
            if token < COUNT.first:
                cell = cells[bar - REPEAT_BARS[token - REPEAT.first]]
                least = most = len(cell)
                if run > 2 and cell == cells[bar - 1]:
                    bias[index] -= taste.monotony * (run - 2)
            else:
                least, most = _LIMITS[token - COUNT.first]
            if quota is not None:
                bias[index] += quota.class_cost(least, most)
            elif self._closing and least > few and not line.drum:
                bias[index] -= taste.close
        if self._plan.harmony:
            fit = self._repeats_fit(line, ids)
            bias = bias if fit is None else bias + fit
        elif self._tonality is not None and not line.drum:
            for index, token in enumerate(ids.tolist()):
                if token < COUNT.first:
                    bias[index] -= self._tonality.misfit(cells[bar - REPEAT_BARS[token - REPEAT.first]])
        return bias

    def _memory(self, ids: NDArray[np.int64], logits: Array) -> Array:
        """Towards repeating as often as pieces of the style do."""
        repeats = int(np.searchsorted(ids, COUNT.first))
        wonted = self._wonted[self._grammar.line]
        if wonted is None or not 0 < repeats < len(ids) or not self._taste.memory:
            return np.zeros(len(ids))
        weights = np.exp(logits - logits.max())
        here = np.log(weights[:repeats].sum() / weights[repeats:].sum())
        there = np.log(max(wonted, _SELDOM) / max(1.0 - wonted, _SELDOM))
        bias = np.zeros(len(ids))
        bias[:repeats] = np.clip(self._taste.memory * (there - here), -_MOST_MASS, _MOST_MASS)
        return bias

    @staticmethod
    def _run(cells: list[Cell], bar: int) -> int:
        """How many bars up to this one are alike."""
        run = 0
        while run < min(bar, 12) and cells[bar - 1] and cells[bar - 1 - run] == cells[bar - 1]:
            run += 1
        return run

    def _repeats_fit(self, line: Line, ids: NDArray[np.int64]) -> Array | None:
        """Against repeating cells that lie outside the chords."""
        if line.drum or int(ids[0]) >= COUNT.first:
            return None
        bias = np.zeros(len(ids))
        cells, bar = self._grammar.score.cells[self._grammar.line], self._grammar.bar
        for index, token in enumerate(ids.tolist()):
            if token < COUNT.first:
                outside = self._outside(cells[bar - REPEAT_BARS[token - REPEAT.first]])
                bias[index] = -self._taste.chord_repeat * max(0.0, outside - 0.1)
        return bias

    def _outside(self, cell: Cell) -> float:
        """The share of its sounding time that a cell in this bar would lie outside the chords."""
        harmony, start = self._plan.harmony, self._grammar.start
        out = total = 0
        for position, length, pitch in cell:
            tick = start + position
            end = min(tick + duration_ticks(length), len(harmony.at))
            while tick < end:
                change = min(int(harmony.changes[tick]), end)
                chord = int(harmony.at[tick])
                total += change - tick
                if chord != NONE and not harmony.chords[chord].inside[pitch % 12]:
                    out += change - tick
                tick = change
        return out / total if total else 0.0

    # When and how long.

    def _when(self, ids: NDArray[np.int64]) -> Array | None:
        line = self._plan.lines[self._grammar.line]
        if not self._closing or line.drum or line.rhythm is not None or self._grammar.line in self._quotas:
            return None
        return np.where(ids > POSITION.first, -self._taste.close, 0.0)

    def _long(self, ids: NDArray[np.int64]) -> Array | None:
        grammar, taste, plan = self._grammar, self._taste, self._plan
        line = plan.lines[grammar.line]
        if line.drum or line.rhythm is not None:
            return None
        tick = grammar.start + grammar.position
        ticks = _TICKS[ids - DURATION.first]
        left = plan.frame.end - tick
        before = left - plan.frame.lengths[-1]
        bias = None
        if grammar.line in self._quotas:
            pass  # A long last note could leave no room for the notes asked for.
        elif before <= 0:
            bias = np.where(left * 0.6 <= ticks, taste.close, 0.0)
        elif before < _TICKS[-1]:
            bias = np.where(ticks > before, -taste.close, 0.0)
        if plan.harmony and plan.harmony.at[tick] != NONE:
            over = np.maximum(0, ticks - (int(plan.harmony.changes[tick]) - tick))
            held = -taste.chord_hold * np.minimum(1.0, 2.0 * over / ticks)
            bias = held if bias is None else bias + held
        return bias

    # Which pitch.

    def _remember(self, number: int) -> None:
        """The last pitches of a melody before the cell that begins."""
        line = self._plan.lines[number]
        self._history = []
        if line.role == "melody" and not line.drum:
            cells, bar = self._grammar.score.cells[number], self._grammar.bar
            for each in range(max(0, bar - 8), bar):
                self._history += [pitch for _, _, pitch in cells[each]]
            self._history = self._history[-_HISTORY:]

    def _what(self, ids: NDArray[np.int64], logits: Array) -> Array | None:
        """On pitches, as likely together as before."""
        grammar = self._grammar
        line = self._plan.lines[grammar.line]
        if line.drum:
            return None
        tick = grammar.start + grammar.position
        full = self._harmonic(line, tick)
        if line.role == "melody":
            full = full + self._melodic(line, tick)
        if self._tonality is not None:
            harmony = self._plan.harmony
            chord = int(harmony.at[tick])
            full = full + self._tonality.pull(None if chord == NONE else harmony.chords[chord])[_CLASSES]
        bias: Array = full[ids - PITCH.first]
        weights = np.exp(logits - logits.max())
        lost = np.log(weights.sum() / (weights * np.exp(bias)).sum())
        return bias + min(float(lost), _MOST_MASS)

    def _harmonic(self, line: Line, tick: int) -> Array:
        """(128,): by the chord asked for, or the scale and the cadence."""
        grammar, taste, plan = self._grammar, self._taste, self._plan
        ticks = duration_ticks(grammar.length)
        end = min(tick + ticks, plan.frame.end)
        if plan.harmony:
            chord = int(plan.harmony.at[tick])
            if chord != NONE:
                strong = ticks >= TICKS_PER_QUARTER or grammar.position % self._beats[grammar.bar] == 0
                bias = self._in_chord(chord, strong=strong)
                change = int(plan.harmony.changes[tick])
                if change < end:
                    after = int(plan.harmony.at[change])
                    late = (end - change) / ticks
                    if after != NONE:
                        bias = (1 - late) * bias + late * self._in_chord(after, strong=strong)
                begins = tick == 0 or int(plan.harmony.at[tick - 1]) != chord or grammar.position == 0
                if line.role == "bass" and begins and not grammar.notes:
                    bias = bias + taste.chord_bass * (plan.harmony.chords[chord].bass == _CLASSES)
                return bias
        if not self._closing or line.role == "melody":
            return self._scale
        bias12 = self._off_scale + taste.cadence * (2 if end >= plan.frame.end else 1) * self._triad
        if line.role == "bass":
            bias12 = bias12 + taste.cadence * self._tonic
        result: Array = bias12[_CLASSES]
        return result

    def _in_chord(self, chord: int, *, strong: bool) -> Array:
        key = chord, strong
        if key not in self._chord_bias:
            inside = self._plan.harmony.chords[chord].inside
            outside = self._off_scale - self._taste.chord * (1.0 if strong else 0.5)
            self._chord_bias[key] = np.where(inside, 0.0, outside)[_CLASSES]
        return self._chord_bias[key]

    def _melodic(self, line: Line, tick: int) -> Array:
        taste, grammar = self._taste, self._grammar
        bias = np.zeros(128)
        history = self._history + [pitch for _, _, pitch in grammar.notes]
        if history and grammar.pitch < 0:
            last = history[-1]
            distance = _DISTANCES[127 - last : 255 - last]
            bias -= taste.leap * np.maximum(distance - 7, 0) + taste.wide_leap * (distance > 12)
            if line.rhythm is not None:
                bias -= taste.leap_sung * np.maximum(distance - 4, 0)
            run = next((k for k, pitch in enumerate(reversed(history)) if pitch != last), len(history))
            if run >= 3:
                bias[last] -= taste.repeat * (run - 2)
            recent = history[-_HISTORY:]
            middle = (max(recent) + min(recent)) / 2
            bias -= taste.register * np.maximum(np.abs(_PITCHES - middle) - 9, 0)
        if line.rhythm is not None:
            bias += self._sung_scale
            for pitch in self._recalled():
                bias[pitch] += taste.recall
        if self._plan.harmony and self._plan.harmony.at[tick] != NONE:
            return bias
        if self._is_last(line):
            bias += taste.cadence * (self._triad + self._tonic)[_CLASSES]
        elif self._closing or tick in line.phrase_ends:
            bias += taste.phrase_end * self._triad[_CLASSES]
        return bias

    def _is_last(self, line: Line) -> bool:
        grammar = self._grammar
        if line.rhythm is None:
            return self._closing
        last_bar = not any(line.rhythm[bar] for bar in range(grammar.bar + 1, len(line.rhythm)))
        return last_bar and len(grammar.notes) == len(line.rhythm[grammar.bar]) - 1

    def _recalled(self) -> list[int]:
        """Pitches that stood here four and eight bars ago, where the form likes to come back to them."""
        bar, position = self._grammar.bar, self._grammar.position
        cells = self._grammar.score.cells[self._grammar.line]
        found = []
        for lag, wanted in ((4, bar % 4 < 2), (8, bar % 8 < 6)):
            if wanted and bar >= lag:
                found += [pitch for place, _, pitch in cells[bar - lag] if place == position][:1]
        return found


def _beat(metre: Metre) -> int:
    """Ticks of a beat: of three in compound metres."""
    compound = metre.numerator % 3 == 0 and metre.numerator > 3 and metre.denominator >= 8
    return max(1, metre.bar_ticks(TICKS_PER_QUARTER) // (metre.numerator // 3 if compound else metre.numerator))
