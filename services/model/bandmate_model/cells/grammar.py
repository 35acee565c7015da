"""The grammar of cells: at each step, the tokens that keep the piece valid.

A piece drawn from these choices always has exactly the requested bars, new notes only where they are to be composed,
every pitch within its part's range, no more notes at once in a part than it may hold, no pitch struck again while the
same part holds it, nothing sounding past the end of what is to be composed, and in a part of fixed rhythm exactly
those notes. Each free part sounds if it has any room; no bar is silent unless only parts of fixed rhythm play; no
music repeats endlessly. Tokens stand in the one order that encode.py writes. There is always a legal token: each step
keeps room for the notes that COUNT has promised, one a tick if need be."""

from bisect import bisect_right
from enum import Enum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bandmate_model.cells.line import NEVER, UNCAPPED, Cell, Line
from bandmate_model.cells.state import (
    AT_FORM,
    AT_NOTE,
    AT_SLOT,
    COUNT_LIMITS,
    MAX_CHORD,
    PieceState,
)
from bandmate_model.cells.vocabulary import (
    COUNT,
    COUNT_CLASSES,
    DRUM,
    DURATION,
    PITCH,
    POSITION,
    REPEAT,
    REPEAT_BARS,
    SLOT,
    VELOCITY,
    VOCABULARY_SIZE,
    count_class,
)
from bandmate_model.data.tokens import DURATIONS

Ids = NDArray[np.int64]
_IDS = np.arange(VOCABULARY_SIZE)
_COUNTS = [_IDS[COUNT.first : COUNT.first + number] for number in range(COUNT_CLASSES + 1)]
_VELOCITIES = _IDS[VELOCITY.first : VELOCITY.end]
_MIN_COUNTS = [minimum for minimum, _ in COUNT_LIMITS]
_NO_IDS = _IDS[:0]


class Field(Enum):
    """What a token says: which part plays, that the bar ends, COUNT or REPEAT, or a property of a note."""

    SLOT = "slot"
    BAR_END = "bar end"
    FORM = "form"
    POSITION = "position"
    DURATION = "duration"
    """A duration, of drums a velocity."""
    PITCH = "pitch"
    """A pitch, or a drum."""


class Segment(NamedTuple):
    """Legal tokens of one field, ascending."""

    field: Field
    ids: Ids


class Grammar(PieceState):
    """What may come next: while not `done`, draw one of the tokens in `choices()` and `accept` it."""

    def choices(self) -> list[Segment]:
        """What may come next, at least one token."""
        if self._state == AT_SLOT:
            return self._slot_choices()
        if self._state == AT_FORM:
            return self._form_choices()
        if self.plan.lines[self.line].rhythm is not None:
            return self._fixed_rhythm_choices()
        return self._note_choices() if self._state == AT_NOTE else self._pitch_choices()

    def _slot_choices(self) -> list[Segment]:
        plan, bar, lines = self.plan, self.bar, self.plan.lines
        tokens = []
        for number in self._open:
            if number <= self.line:
                continue
            tokens.append(SLOT.first + lines[number].slot - 1)
            if lines[number].rhythm is not None or (plan.chances[number] == bar and not self.sounded[number]):
                return [Segment(Field.SLOT, np.array(tokens))]
        if tokens and (
            (self._has_free_line and not self._bar_sounds) or (self._must_differ and self._repeats_last_bar())
        ):
            return [Segment(Field.SLOT, np.array(tokens))]
        over = Segment(Field.BAR_END, np.array(self._next_head[:1]))
        return [Segment(Field.SLOT, np.array(tokens)), over] if tokens else [over]

    def _form_choices(self) -> list[Segment]:
        number, bar = self.line, self.bar
        line = self.plan.lines[number]
        if line.rhythm is not None:
            counts = _IDS[COUNT.first + count_class(len(line.rhythm[bar])) :][:1]
            repeats = self._repeat_tokens(line, None)
            return [Segment(Field.FORM, np.concatenate([repeats, counts]) if len(repeats) else counts)]
        classes = bisect_right(_MIN_COUNTS, min(self._max_notes(), self._capacity()))
        counts = _COUNTS[classes]
        before = self.grid.cells[number][bar - 1] if bar else ()
        unlike = before if self._must_differ and before and self._earlier_lines_repeat(number) else None
        repeats = self._repeat_tokens(line, unlike)
        if unlike is not None:
            other_counts = counts[counts != COUNT.first + count_class(len(before))]
            counts = other_counts if len(other_counts) or len(repeats) else counts
        return [Segment(Field.FORM, np.concatenate([repeats, counts]))]

    def _earlier_lines_repeat(self, number: int) -> bool:
        """Whether all earlier lines are the same as in the previous bar."""
        cells, bar = self.grid.cells, self.bar
        return all(cells[k][bar] == cells[k][bar - 1] for k in self._free_lines() if k < number)

    def _repeat_tokens(self, line: Line, unlike: Cell | None) -> Ids:
        """REPEAT tokens whose cell may stand here, the nearest of equal ones, none that equals `unlike`."""
        cells, lengths, bar = self.grid.cells[self.line], self.plan.frame.lengths, self.bar
        tokens: list[int] = []
        offered: list[Cell] = []
        for number, lag in enumerate(REPEAT_BARS):
            if bar - lag < self.grid.first:
                break
            cell = cells[bar - lag]
            if not cell or cell == unlike or lengths[bar - lag] != lengths[bar] or cell in offered:
                continue
            offered.append(cell)
            if self._is_legal_cell(line, cell):
                tokens.append(REPEAT.first + number)
        return np.array(tokens, np.int64) if tokens else _NO_IDS

    def _is_legal_cell(self, line: Line, cell: Cell) -> bool:
        """Whether a whole cell is legal in this bar."""
        allowed = line.allowed
        if not all(allowed[pitch] for _, _, pitch in cell):
            return False
        if line.rhythm is not None:
            return tuple((position, length) for position, length, _ in cell) == line.rhythm[self.bar]
        start, until, voice = self.start, line.until[self.bar], self.voice
        places = [position for position, _, _ in cell]
        if line.cap < UNCAPPED and line.drum:
            return all(places.count(position) <= line.cap for position in set(places))
        if line.drum:
            return True
        ends: dict[int, int] = {}
        sounding = voice.held(start)
        for position, length, pitch in cell:
            tick = start + position
            end = tick + DURATIONS[length - 1]
            if end > until or ends.get(pitch, int(voice.ends[pitch])) > tick:
                return False
            ends[pitch] = end
            if line.cap < UNCAPPED:
                sounding = [end_tick for end_tick in sounding if end_tick > tick]
                sounding.append(end)
                if len(sounding) > line.cap:
                    return False
        return True

    def _capacity(self) -> int:
        """A lower bound on how many notes fit in the cell: a chord at the first free tick, then one per tick."""
        start, ticks = self.start, self.ticks
        first_tick = self.voice.free_from(start)
        if first_tick >= start + ticks:
            return 0
        return self._chord_room(first_tick) + start + ticks - 1 - first_tick

    def _chord_room(self, tick: int, above: int = -1) -> int:
        """How many notes may still be struck together at `tick` (above a pitch, if some have been)."""
        line, voice = self.plan.lines[self.line], self.voice
        struck = self._struck if above >= 0 else 0
        if line.drum:
            cap = min(line.cap, MAX_CHORD) - struck
        else:
            cap = min(line.cap - voice.sounding(tick), MAX_CHORD - struck)
        if cap <= 0:
            return 0
        return min(cap, int(np.count_nonzero(voice.ends[above + 1 :] <= tick)))

    def _note_choices(self) -> list[Segment]:
        """At the beginning of a cell, after a position, or after a note."""
        line = self.plan.lines[self.line]
        if self._placed:
            return self._duration_and_pitch_choices(line, self.voice.pitches(self.start + self.position))
        segments = self._position_choices(line)
        if self.position >= 0 and self._chord_may_grow(line):
            above = self.voice.pitches(self.start + self.position, self.pitch)
            if len(above):
                segments = self._duration_and_pitch_choices(line, above) + segments
        if len(self.notes) >= self.min_notes and self.notes:
            segments += self._slot_choices()
        return segments

    def _chord_may_grow(self, line: Line) -> bool:
        if self._struck >= MAX_CHORD:
            return False
        if line.cap == UNCAPPED:
            return True
        if line.drum:
            return self._struck < line.cap
        return self.voice.sounding(self.start + self.position) < line.cap

    def _position_choices(self, line: Line) -> list[Segment]:
        """Later positions at which a note may be struck so that those promised still have room."""
        start, ticks = self.start, self.ticks
        tick = self.voice.free_from(start + self.position + 1)
        first_position = tick - start
        if first_position >= ticks:
            return []
        last_position = ticks - 1
        needed = self.min_notes - len(self.notes)
        if needed > 1:
            last_position -= max(0, needed - (1 if line.cap == 1 else self._chord_room(tick)))
        if last_position < first_position:
            return []
        return [Segment(Field.POSITION, _IDS[POSITION.first + first_position : POSITION.first + last_position + 1])]

    def _duration_and_pitch_choices(self, line: Line, pitches: Ids) -> list[Segment]:
        """A new duration or velocity, or a pitch with the one before. `pitches` are free and in order here."""
        if line.drum:
            if not self.length:
                return [Segment(Field.DURATION, _VELOCITIES)]
            other_tokens = np.delete(_VELOCITIES, self.length - 1)
            return [
                Segment(Field.PITCH, DRUM.first + self._leaving_room_above(pitches)),
                Segment(Field.DURATION, other_tokens),
            ]
        max_ticks = self._max_duration(line)
        count = bisect_right(DURATIONS, max_ticks)
        first_token = DURATION.first
        if 0 < self.length <= count:
            current = first_token + self.length - 1
            segments = [Segment(Field.PITCH, PITCH.first + self._leaving_room_above(pitches))]
            if count > 1:
                other_tokens = np.concatenate([_IDS[first_token:current], _IDS[current + 1 : first_token + count]])
                segments.append(Segment(Field.DURATION, other_tokens))
            return segments
        return [Segment(Field.DURATION, _IDS[first_token : first_token + count])]

    def _pitch_choices(self) -> list[Segment]:
        """After a duration or velocity."""
        line = self.plan.lines[self.line]
        pitches = self.voice.pitches(self.start + self.position, self.pitch)
        first_token = DRUM.first if line.drum else PITCH.first
        return [Segment(Field.PITCH, first_token + self._leaving_room_above(pitches))]

    def _leaving_room_above(self, pitches: Ids) -> Ids:
        """Pitches that leave enough above them for the notes which have no later tick."""
        needed = self.min_notes - len(self.notes) - 1 - (self.ticks - 1 - self.position)
        if needed <= 0:
            return pitches
        return pitches[: len(pitches) - needed]

    def _max_duration(self, line: Line) -> int:
        """The longest duration that a note struck here may have."""
        tick = self.start + self.position
        max_ticks = line.until[self.bar] - tick
        after = self.min_notes - len(self.notes) - 1
        if after <= 0:
            return max_ticks
        by = self.start + self.ticks - after
        """The tick from which there must be room for one note per tick."""
        voice = self.voice
        if line.cap < UNCAPPED and voice.sounding(tick) + 1 >= line.cap and min(voice.held(tick), default=NEVER) > by:
            return min(max_ticks, by - tick)
        ends = voice.ends
        free = np.count_nonzero(ends <= tick)
        if free < 2 and int(np.min(ends[ends > tick], initial=NEVER)) > by:
            return min(max_ticks, by - tick)
        return max_ticks

    def _fixed_rhythm_choices(self) -> list[Segment]:
        """The next of the notes whose time is fixed."""
        line = self.plan.lines[self.line]
        assert line.rhythm is not None
        position, length = line.rhythm[self.bar][len(self.notes)]
        if position != self.position:
            return [Segment(Field.POSITION, _IDS[POSITION.first + position :][:1])]
        if length != self.length:
            return [Segment(Field.DURATION, _IDS[DURATION.first + length - 1 :][:1])]
        pitches = np.flatnonzero(line.allowed)
        above = pitches[pitches > self.pitch]
        return [Segment(Field.PITCH, PITCH.first + (above if len(above) else pitches))]
