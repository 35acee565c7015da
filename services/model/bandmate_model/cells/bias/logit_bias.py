"""Biases added to the network's logits while composing: soft preferences for plain musical form, never rules.

A small network knows most of this, not all of it. Each bias is in natural log units (1.0 makes a value e times less
likely); zeros leave the network alone (`taste: off` in config.json). Pitches are biased against each other, not against
other tokens: all pitches together stay as likely as they were.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from bandmate_music.theory.metre import Metre
from numpy.typing import NDArray

from bandmate_model.cells.bias.density import NoteQuota
from bandmate_model.cells.bias.tonality import MAJOR, MINOR, Tonality, lowest_line
from bandmate_model.cells.bias.weights import BiasWeights
from bandmate_model.cells.chords import NONE
from bandmate_model.cells.grammar import Field, Grammar, Segment
from bandmate_model.cells.line import Cell, Line
from bandmate_model.cells.vocabulary import COUNT, DURATION, PITCH, POSITION, REPEAT, REPEAT_BARS, SLOT, count_limits
from bandmate_model.data.lineup import REPEAT_QUANTILES
from bandmate_model.data.tokens import DURATIONS, GRID_PER_TICK, TICKS_PER_QUARTER, duration_ticks

Array = NDArray[np.float64]

_PITCHES = np.arange(128)
_CLASSES = _PITCHES % 12
_TICKS = np.array(DURATIONS)
_DISTANCES = np.abs(np.arange(-127, 128))
"""_DISTANCES[127 - p : 255 - p] is how far each pitch lies from p."""
_LIMITS = [count_limits(number) for number in range(COUNT.size)]
_NOTE_FIELDS = (Field.PITCH, Field.DURATION, Field.POSITION)
_HISTORY = 32
"""How many earlier notes of a melody are considered: about eight bars of quarters."""
_MIN_PROBABILITY = 0.02
"""Repeat rates are clipped to this and 1 minus this before they are compared: one bar in fifty."""
_MAX_SHIFT = 3.0
"""Largest shift of a whole group of tokens by one bias; e^3 is twenty times as likely."""


class LogitBias:
    """The bias of every legal token, for one piece that is being composed."""

    def __init__(self, grammar: Grammar, weights: BiasWeights, *, repetition_quantile: float = 0.5) -> None:
        """`repetition_quantile`: 0..1, how much this piece repeats itself among the pieces of its style."""
        plan = grammar.plan
        self._grammar, self._plan, self._bias_weights = grammar, plan, weights
        self._active = weights != BiasWeights.off()
        if not plan.keyed:
            self._bias_weights = weights = replace(
                weights, chromatic=0.0, chromatic_sung=0.0, phrase_end=0.0, cadence=0.0
            )
        major = plan.request.mode == "major"
        scale = np.isin(np.arange(12), list(MAJOR if major else MINOR))
        self._off_scale = np.where(scale, 0.0, -weights.chromatic)
        self._triad = np.isin(np.arange(12), [0, 4 if major else 3, 7]).astype(float)
        self._tonic = (np.arange(12) == 0).astype(float)
        self._scale = self._off_scale[_CLASSES]
        self._sung_scale = np.where(scale, 0.0, -weights.chromatic_sung)[_CLASSES]
        self._quotas: dict[int, NoteQuota] = {}
        if weights.density or weights.density_bounds:
            self._quotas = {
                number: NoteQuota(grammar, number, pull=weights.density, outside=weights.density_bounds)
                for number, line in enumerate(plan.lines)
                if line.density is not None and any(line.free)
            }
        key_requested = plan.keyed and plan.request.key_wish
        self._tonality = Tonality(grammar, weights) if key_requested and self._active else None
        self._chord_bias_cache: dict[tuple[int, float], Array] = {}
        self._history: list[int] = []
        self._tunes = _tunes(plan.lines)
        self._lowest = lowest_line(plan.lines)
        self._target_repeat_rates = [_target_repeat_rate(line, repetition_quantile) for line in plan.lines]
        bars = (plan.bars[plan.bars.at(start * GRID_PER_TICK)] for start in plan.frame.starts)
        self._beats = [_beat(bar.metre) for bar in bars]

    def bias(self, segments: list[Segment], logits: Array) -> Array | None:
        """For the tokens of all segments one after the other, whose logits are given."""
        if not self._active:
            return None
        biases: list[Array | None] = []
        start = 0
        for field, ids in segments:
            end = start + len(ids)
            if field is Field.PITCH:
                biases.append(self._pitch_bias(ids, logits[start:end]))
            elif field is Field.DURATION:
                biases.append(self._duration_bias(ids))
            elif field is Field.POSITION:
                biases.append(self._position_bias(ids))
            elif field is Field.FORM:
                biases.append(self._form_bias(ids, logits[start:end]))
            else:
                biases.append(self._slot_bias(ids))
            start = end
        may_end = any(field in (Field.SLOT, Field.BAR_END) for field, _ in segments)
        continuation = self._continuation_bias() if may_end else 0.0
        if continuation == 0.0 and all(bias is None for bias in biases):
            return None
        parts = []
        for (field, ids), bias in zip(segments, biases, strict=True):
            part = np.zeros(len(ids)) if bias is None else bias
            parts.append(part + continuation if continuation and field in _NOTE_FIELDS else part)
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    # Which part plays.

    def _slot_bias(self, ids: NDArray[np.int64]) -> Array | None:
        """Bias against skipping parts: `ids` are slots, or the one token that ends the bar."""
        waiting = [number for number in self._grammar.open_lines if number > self._grammar.line]
        if not waiting:
            return None
        passed = np.cumsum([0.0, *map(self._skip_cost, waiting)])
        return passed[: len(ids)] if SLOT.first <= ids[0] < SLOT.end else passed[-1:]

    def _skip_cost(self, number: int) -> float:
        """The cost of leaving a line out of this bar."""
        grammar, weights, line = self._grammar, self._bias_weights, self._plan.lines[number]
        quota = self._quotas.get(number)
        if quota is not None:
            return quota.cost(0)
        bar, cells = grammar.bar, grammar.grid.cells[number]
        rested = 0
        while rested < min(bar, 4) and not cells[bar - 1 - rested]:
            rested += 1
        cost = weights.silence * rested
        if bar == 0 and line.role != "melody":
            cost += weights.entry
        if self._in_last_bar and not line.drum:
            cost += weights.together
        return -cost

    @property
    def _in_last_bar(self) -> bool:
        return self._grammar.bar == len(self._plan.frame.starts) - 1

    def _continuation_bias(self) -> float:
        """On writing one more note into a cell that may end here."""
        grammar = self._grammar
        quota = self._quotas.get(grammar.line)
        return quota.continuation(len(grammar.notes)) if quota is not None and grammar.notes else 0.0

    # What form a cell has.

    def _form_bias(self, ids: NDArray[np.int64], logits: Array) -> Array | None:
        grammar, weights, number = self._grammar, self._bias_weights, self._grammar.line
        line = self._plan.lines[number]
        self._collect_history(number)
        if line.rhythm is not None:
            return self._repeats_in_chords(line, ids) if self._plan.harmony else None
        bias = self._repetition_bias(ids, logits)
        quota = self._quotas.get(number)
        cells, bar = grammar.grid.cells[number], grammar.bar
        few = 1 if line.cap == 1 or line.mono else 5
        run = self._repeated_bars(cells, bar)
        for index, token in enumerate(ids.tolist()):
            if token < COUNT.first:
                cell = cells[bar - REPEAT_BARS[token - REPEAT.first]]
                min_notes = max_notes = len(cell)
                if run > 2 and cell == cells[bar - 1]:
                    bias[index] -= weights.monotony * (run - 2)
            else:
                min_notes, max_notes = _LIMITS[token - COUNT.first]
            if quota is not None:
                bias[index] += quota.class_cost(min_notes, max_notes)
            elif self._in_last_bar and min_notes > few and not line.drum:
                bias[index] -= weights.close
        if self._plan.harmony:
            fit = self._repeats_in_chords(line, ids)
            bias = bias if fit is None else bias + fit
        elif self._tonality is not None and not line.drum:
            for index, token in enumerate(ids.tolist()):
                if token < COUNT.first:
                    bias[index] -= self._tonality.misfit(cells[bar - REPEAT_BARS[token - REPEAT.first]])
        return bias

    def _repetition_bias(self, ids: NDArray[np.int64], logits: Array) -> Array:
        """Bias towards repeating as often as pieces of the style do."""
        repeats = int(np.searchsorted(ids, COUNT.first))
        target = self._target_repeat_rates[self._grammar.line]
        if target is None or not 0 < repeats < len(ids) or not self._bias_weights.memory:
            return np.zeros(len(ids))
        weights = np.exp(logits - logits.max())
        log_odds = np.log(weights[:repeats].sum() / weights[repeats:].sum())
        target_log_odds = np.log(max(target, _MIN_PROBABILITY) / max(1.0 - target, _MIN_PROBABILITY))
        bias = np.zeros(len(ids))
        bias[:repeats] = np.clip(self._bias_weights.memory * (target_log_odds - log_odds), -_MAX_SHIFT, _MAX_SHIFT)
        return bias

    @staticmethod
    def _repeated_bars(cells: list[Cell], bar: int) -> int:
        """How many bars up to this one are alike."""
        run = 0
        while run < min(bar, 12) and cells[bar - 1] and cells[bar - 1 - run] == cells[bar - 1]:
            run += 1
        return run

    def _repeats_in_chords(self, line: Line, ids: NDArray[np.int64]) -> Array | None:
        """Bias against repeating cells that lie outside the chords."""
        if line.drum or int(ids[0]) >= COUNT.first or self._grammar.line in self._tunes:
            return None
        bias = np.zeros(len(ids))
        cells, bar = self._grammar.grid.cells[self._grammar.line], self._grammar.bar
        for index, token in enumerate(ids.tolist()):
            if token < COUNT.first:
                outside = self._share_outside_chords(cells[bar - REPEAT_BARS[token - REPEAT.first]])
                bias[index] = -self._bias_weights.chord_repeat * max(0.0, outside - 0.1)
        return bias

    def _share_outside_chords(self, cell: Cell) -> float:
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

    def _position_bias(self, ids: NDArray[np.int64]) -> Array | None:
        line = self._plan.lines[self._grammar.line]
        if not self._in_last_bar or line.drum or line.rhythm is not None or self._grammar.line in self._quotas:
            return None
        return np.where(ids > POSITION.first, -self._bias_weights.close, 0.0)

    def _duration_bias(self, ids: NDArray[np.int64]) -> Array | None:
        grammar, weights, plan = self._grammar, self._bias_weights, self._plan
        line = plan.lines[grammar.line]
        if line.drum or line.rhythm is not None:
            return None
        tick = grammar.start + grammar.position
        ticks = _TICKS[ids - DURATION.first]
        remaining = plan.frame.end - tick
        before = remaining - plan.frame.lengths[-1]
        bias = None
        if grammar.line in self._quotas:
            pass  # A long last note could leave no room for the notes asked for.
        elif before <= 0:
            bias = np.where(remaining * 0.6 <= ticks, weights.close, 0.0)
        elif before < _TICKS[-1]:
            bias = np.where(ticks > before, -weights.close, 0.0)
        if plan.harmony and plan.harmony.at[tick] != NONE:
            overlap = np.maximum(0, ticks - (int(plan.harmony.changes[tick]) - tick))
            hold_bias = -weights.chord_hold * np.minimum(1.0, 2.0 * overlap / ticks)
            bias = hold_bias if bias is None else bias + hold_bias
        return bias

    # Which pitch.

    def _collect_history(self, number: int) -> None:
        """The last pitches of a melody before the cell that begins."""
        line = self._plan.lines[number]
        self._history = []
        if line.role == "melody" and not line.drum:
            cells, bar = self._grammar.grid.cells[number], self._grammar.bar
            for earlier_bar in range(max(0, bar - 8), bar):
                self._history += [pitch for _, _, pitch in cells[earlier_bar]]
            self._history = self._history[-_HISTORY:]

    def _pitch_bias(self, ids: NDArray[np.int64], logits: Array) -> Array | None:
        """On pitches, as likely together as before."""
        grammar = self._grammar
        line = self._plan.lines[grammar.line]
        if line.drum:
            return None
        tick = grammar.start + grammar.position
        full = self._harmony_bias(line, tick)
        if line.role == "melody":
            full = full + self._melody_bias(line, tick)
        if self._tonality is not None:
            harmony = self._plan.harmony
            chord = NONE if grammar.line in self._tunes else int(harmony.at[tick])
            full = full + self._tonality.bias(None if chord == NONE else harmony.chords[chord])[_CLASSES]
        bias: Array = full[ids - PITCH.first]
        weights = np.exp(logits - logits.max())
        lost = np.log(weights.sum() / (weights * np.exp(bias)).sum())
        return bias + min(float(lost), _MAX_SHIFT)

    def _harmony_bias(self, line: Line, tick: int) -> Array:
        """(128,): by the chord asked for, or the scale and the cadence."""
        grammar, weights, plan = self._grammar, self._bias_weights, self._plan
        ticks = duration_ticks(grammar.length)
        end = min(tick + ticks, plan.frame.end)
        if plan.harmony:
            chord = int(plan.harmony.at[tick])
            if chord != NONE:
                outside = weights.chord_melody if grammar.line in self._tunes else weights.chord
                if ticks < TICKS_PER_QUARTER and grammar.position % self._beats[grammar.bar]:
                    outside *= 0.5
                bias = self._chord_bias(chord, outside)
                change = int(plan.harmony.changes[tick])
                if change < end:
                    after = int(plan.harmony.at[change])
                    late = (end - change) / ticks
                    if after != NONE:
                        bias = (1 - late) * bias + late * self._chord_bias(after, outside)
                begins = tick == 0 or int(plan.harmony.at[tick - 1]) != chord or grammar.position == 0
                if grammar.line == self._lowest and begins and not grammar.notes and grammar.pitch < 0:
                    return bias + weights.chord_bass * (plan.harmony.chords[chord].bass == _CLASSES)
                if weights.chord_missing and grammar.line not in self._tunes:
                    missing = plan.harmony.chords[chord].inside & ~self._sounding_classes()
                    return bias + weights.chord_missing * missing[_CLASSES]
                return bias
        if not self._in_last_bar or line.role == "melody":
            return self._scale
        bias12 = self._off_scale + weights.cadence * (2 if end >= plan.frame.end else 1) * self._triad
        if line.role == "bass":
            bias12 = bias12 + weights.cadence * self._tonic
        result: Array = bias12[_CLASSES]
        return result

    def _sounding_classes(self) -> NDArray[np.bool_]:
        """(12,): the pitch classes that have begun in this bar and sound where the next note begins, in all parts."""
        grammar, lines = self._grammar, self._plan.lines
        position, sounding = grammar.position, np.zeros(12, np.bool_)
        cells: list[Sequence[tuple[int, int, int]]] = [
            cells[grammar.bar]
            for number, cells in enumerate(grammar.grid.cells)
            if number != grammar.line and not lines[number].drum
        ]
        for cell in [*cells, grammar.notes]:
            for begin, length, pitch in cell:
                if begin <= position < begin + duration_ticks(length):
                    sounding[pitch % 12] = True
        return sounding

    def _chord_bias(self, chord: int, outside: float) -> Array:
        """(128,): `outside` and the scale's bias against pitches that are not the chord's."""
        key = chord, outside
        if key not in self._chord_bias_cache:
            inside = self._plan.harmony.chords[chord].inside
            self._chord_bias_cache[key] = np.where(inside, 0.0, self._off_scale - outside)[_CLASSES]
        return self._chord_bias_cache[key]

    def _melody_bias(self, line: Line, tick: int) -> Array:
        weights, grammar = self._bias_weights, self._grammar
        bias = np.zeros(128)
        history = self._history + [pitch for _, _, pitch in grammar.notes]
        if history and grammar.pitch < 0:
            last_pitch = history[-1]
            distance = _DISTANCES[127 - last_pitch : 255 - last_pitch]
            bias -= weights.leap * np.maximum(distance - 7, 0) + weights.wide_leap * (distance > 12)
            if line.rhythm is not None:
                bias -= weights.leap_sung * np.maximum(distance - 4, 0)
            if self._plan.harmony:
                bias += weights.step * ((distance == 1) | (distance == 2))
            run = next((k for k, pitch in enumerate(reversed(history)) if pitch != last_pitch), len(history))
            if run >= 3:
                bias[last_pitch] -= weights.repeat * (run - 2)
            recent = history[-_HISTORY:]
            middle = (max(recent) + min(recent)) / 2
            bias -= weights.register * np.maximum(np.abs(_PITCHES - middle) - 9, 0)
        if line.rhythm is not None:
            bias += self._sung_scale
        stated = int(self._plan.harmony.at[tick]) if self._plan.harmony else NONE
        triad, tonic = self._triad, self._tonic
        if stated != NONE:
            chord = self._plan.harmony.chords[stated]
            triad, tonic = chord.inside.astype(float), np.zeros(12)
        if self._is_last_note(line):
            bias += weights.cadence * (triad + tonic)[_CLASSES]
        elif self._in_last_bar or tick in line.phrase_ends:
            bias += weights.phrase_end * triad[_CLASSES]
        return bias

    def _is_last_note(self, line: Line) -> bool:
        grammar = self._grammar
        if line.rhythm is None:
            return self._in_last_bar
        last_bar = not any(line.rhythm[bar] for bar in range(grammar.bar + 1, len(line.rhythm)))
        return last_bar and len(grammar.notes) == len(line.rhythm[grammar.bar]) - 1


def _tunes(lines: Sequence[Line]) -> frozenset[int]:
    """The melodies that other parts accompany, or whose rhythm is fixed: passing notes are what makes them melodies."""
    pitched = [number for number, line in enumerate(lines) if not line.drum]
    melodies = [number for number in pitched if lines[number].role == "melody"]
    accompanied = len(pitched) > len(melodies)
    return frozenset(number for number in melodies if accompanied or lines[number].rhythm is not None)


def _target_repeat_rate(line: Line, quantile: float) -> float | None:
    """The share of a line's bars that should repeat earlier ones: that of a piece at this quantile of the style."""
    return float(np.interp(quantile, REPEAT_QUANTILES, line.repeats)) if line.repeats else None


def _beat(metre: Metre) -> int:
    """Ticks of a beat: of three in compound metres."""
    compound = metre.numerator % 3 == 0 and metre.numerator > 3 and metre.denominator >= 8
    return max(1, metre.bar_ticks(TICKS_PER_QUARTER) // (metre.numerator // 3 if compound else metre.numerator))
