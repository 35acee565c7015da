"""The grammar of cells: at each step, the tokens that keep the piece valid.

Whatever a network prefers, a piece drawn from these choices has exactly the bars asked for, in them only what is to be
composed, every pitch within its part's range, no more notes at once in a part than it may hold, no pitch struck again
while the same part holds it, nothing sounding past the end of what is to be composed, and in a part of fixed rhythm
exactly those notes. Each free part sounds if it has any room; no bar is silent unless only parts of fixed rhythm play;
no music goes round for ever. Tokens stand in the one order that encode.py writes. There is always a legal token: each
step keeps room for the notes that COUNT has promised, one a tick if need be.
"""

from bisect import bisect_right
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bandmate_model.cells.line import NEVER, UNCAPPED, Cell, Line, Voice
from bandmate_model.cells.request import Plan
from bandmate_model.cells.vocabulary import (
    AHEAD,
    BAR,
    COUNT,
    COUNT_CLASSES,
    DRUM,
    DURATION,
    END,
    PITCH,
    POSITION,
    REPEAT,
    REPEAT_BARS,
    SLOT,
    VELOCITY,
    VOCABULARY_SIZE,
    count_class,
    count_limits,
)
from bandmate_model.cells.writing import Score, note_tokens
from bandmate_model.tokens import DURATIONS, TICKS_PER_QUARTER

MAX_CHORD = 10
"""Most notes one part strikes at once."""
MAX_NOTES_A_QUARTER = 16
"""Most notes a quarter in one part: a bound on the length of a piece, not a musical wish."""
LONGEST_ROUND = 3
"""So many bars in a row may each repeat the one before in all free parts."""

WHO, OVER, FORM, WHEN, LONG, WHAT = range(6)
"""Kinds of choices: a slot; the bar's end; COUNT or REPEAT; a position; a duration or velocity; a pitch or drum."""

Ids = NDArray[np.int64]
_IDS = np.arange(VOCABULARY_SIZE)
_COUNTS = [_IDS[COUNT.first : COUNT.first + number] for number in range(COUNT_CLASSES + 1)]
_VELOCITIES = _IDS[VELOCITY.first : VELOCITY.end]
_LIMITS = [count_limits(number) for number in range(COUNT_CLASSES)]
_LEAST = [least for least, _ in _LIMITS]
_DURATIONS = list(DURATIONS)
_NOTHING = _IDS[:0]


class Segment(NamedTuple):
    """Legal tokens of one kind, ascending."""

    kind: int
    ids: Ids


_AT_SLOT, _AT_FORM, _AT_NOTE, _AT_PITCH = range(4)


class Grammar:
    """Where a piece stands, and what may come next.

    While not `done`: draw one of the tokens in `choices()` and `accept` it; what accept returns is what the network
    takes in before the next choice. `bar`, `line`, `position` and so on say where things stand, for the leanings.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.score = Score(plan)
        self.voices = [Voice(line) for line in plan.lines]
        self.done = False
        self.bar = plan.first
        self.written: list[int] = []
        """The tokens of the present bar's cells so far."""
        self.line = -1
        """The line whose cell is being written, or was last."""
        self.position = -1
        self.length = 0
        """Duration token or velocity of the note before in the cell; 0 before the first."""
        self.pitch = -1
        """Of the note before at this position."""
        self.notes: list[tuple[int, int, int]] = []
        """The cell so far."""
        self.least = self.most = 0
        self.round = 0
        """So many bars in a row repeated the one before in all free parts."""
        self.sounded = [False] * len(plan.lines)
        self._sound_until = 0
        for bar in range(plan.first):
            self._take_given(bar)
        self._begin_bar()

    @property
    def start(self) -> int:
        """The first tick of the bar."""
        return self.plan.frame.starts[self.bar]

    @property
    def ticks(self) -> int:
        """The bar's length."""
        return self.plan.frame.lengths[self.bar]

    @property
    def voice(self) -> Voice:
        return self.voices[self.line]

    @property
    def open_lines(self) -> list[int]:
        """The lines that may still play in this bar, ascending."""
        return self._open

    def choices(self) -> list[Segment]:
        """What may come next, at least one token."""
        if self._state == _AT_SLOT:
            return self._who()
        if self._state == _AT_FORM:
            return self._form()
        if self.plan.lines[self.line].rhythm is not None:
            return self._fixed()
        return self._note() if self._state == _AT_NOTE else self._pitches_of_length()

    def accept(self, token: int) -> list[int]:
        """Take in a legal token. Returns it and what follows from it."""
        if token < SLOT.end:
            if SLOT.first <= token:
                self._begin_cell(token - SLOT.first + 1)
                return self._wrote([token])
            return self._end_bar()
        if token < BAR.end:
            return self._end_bar()
        if token < COUNT.first:
            return self._wrote([token, *self._repeat(REPEAT_BARS[token - REPEAT.first])])
        if token < COUNT.end:
            least, most = _LIMITS[token - COUNT.first]
            rhythm = self.plan.lines[self.line].rhythm
            if rhythm is not None:
                least = most = len(rhythm[self.bar])
            self.least, self.most = least, min(most, max(least, self._bound()))
            self._state = _AT_NOTE
        elif token < POSITION.end:
            self.position = token - POSITION.first
            self.pitch = -1
            self._struck = 0
            self._placed = True
        elif PITCH.first <= token < DRUM.end:
            self._strike(token - (DRUM.first if token >= DRUM.first else PITCH.first))
        else:
            self.length = token - (VELOCITY.first if token >= VELOCITY.first else DURATION.first) + 1
            self._state = _AT_PITCH
        return self._wrote([token])

    # Bars and slots.

    def _begin_bar(self) -> None:
        self.written = []
        self.line = -1
        self._state = _AT_SLOT
        plan, bar = self.plan, self.bar
        start, ticks = self.start, self.ticks
        self._next_head = self.score.head(bar + 1)
        """What ends this bar and begins the next."""
        self._open: list[int] = []
        self._free = False
        for number, line in enumerate(plan.lines):
            self.voices[number].forget(start)
            if not line.free[bar]:
                continue
            if line.rhythm is not None:
                if line.rhythm[bar]:
                    self._open.append(number)
            elif self.voices[number].free_from(start) < start + ticks:
                self._open.append(number)
                self._free = True
        given = any(cells[bar] for cells in self.score.cells)
        self._sounds = given or self._sound_until > start
        self._must_differ = self.round >= LONGEST_ROUND

    def _who(self) -> list[Segment]:
        plan, bar, lines = self.plan, self.bar, self.plan.lines
        found = []
        for number in self._open:
            if number <= self.line:
                continue
            found.append(SLOT.first + lines[number].slot - 1)
            if lines[number].rhythm is not None or (plan.chances[number] == bar and not self.sounded[number]):
                return [Segment(WHO, np.array(found))]
        if found and ((self._free and not self._sounds) or (self._must_differ and self._all_same_if_over())):
            return [Segment(WHO, np.array(found))]
        over = Segment(OVER, np.array(self._next_head[:1]))
        return [Segment(WHO, np.array(found)), over] if found else [over]

    def _all_same_if_over(self) -> bool:
        """Would the bar, ended now, be the one before in all free parts?"""
        cells, bar = self.score.cells, self.bar
        return bar > 0 and all(cells[number][bar] == cells[number][bar - 1] for number in self._round_lines())

    def _round_lines(self) -> list[int]:
        return [k for k, line in enumerate(self.plan.lines) if line.free[self.bar] and line.rhythm is None]

    def _end_bar(self) -> list[int]:
        """To the next bar in which there is something to choose; the heads of the bars until then."""
        tokens: list[int] = []
        while True:
            lines = self._round_lines()
            if lines and self._all_same_if_over():
                self.round += 1
            elif lines:
                self.round = 0
            self._take_given(self.bar)
            self.bar += 1
            if self.bar > self.plan.last:
                self.done = True
                return tokens
            tokens += self._next_head
            self._begin_bar()
            if self._open:
                return tokens

    def _take_given(self, bar: int) -> None:
        """What is given in a bar sounds on."""
        for line, voice in zip(self.plan.lines, self.voices, strict=True):
            voice.hold_all(line.held[bar])
            for tick, _, end in line.held[bar]:
                self._sound_until = max(self._sound_until, end, tick + 1)

    # Cells.

    def _begin_cell(self, slot: int) -> None:
        self.line = next(k for k, line in enumerate(self.plan.lines) if line.slot == slot)
        self.notes = []
        self.position = self.pitch = -1
        self.length = 0
        self._placed = False
        self._struck = 0
        self._state = _AT_FORM

    def _wrote(self, tokens: list[int]) -> list[int]:
        self.written += tokens
        return tokens

    def _bound(self) -> int:
        return max(MAX_CHORD, MAX_NOTES_A_QUARTER * self.ticks // TICKS_PER_QUARTER)

    def _form(self) -> list[Segment]:
        number, bar = self.line, self.bar
        line = self.plan.lines[number]
        if line.rhythm is not None:
            counts = _IDS[COUNT.first + count_class(len(line.rhythm[bar])) :][:1]
            repeats = self._legal_repeats(line, None)
            return [Segment(FORM, np.concatenate([repeats, counts]) if len(repeats) else counts)]
        classes = bisect_right(_LEAST, min(self._bound(), self._capacity()))
        counts = _COUNTS[classes]
        before = self.score.cells[number][bar - 1] if bar else ()
        unlike = before if self._must_differ and before and self._all_same_if_over_but(number) else None
        repeats = self._legal_repeats(line, unlike)
        if unlike is not None:
            others = counts[counts != COUNT.first + count_class(len(before))]
            counts = others if len(others) or len(repeats) else counts
        return [Segment(FORM, np.concatenate([repeats, counts]))]

    def _all_same_if_over_but(self, number: int) -> bool:
        """Are the lines before this one all as in the bar before?"""
        cells, bar = self.score.cells, self.bar
        return all(cells[k][bar] == cells[k][bar - 1] for k in self._round_lines() if k < number)

    def _legal_repeats(self, line: Line, unlike: Cell | None) -> Ids:
        """REPEAT tokens whose cell may stand here, the nearest of equal ones, none that equals `unlike`."""
        cells, lengths, bar = self.score.cells[self.line], self.plan.frame.lengths, self.bar
        found: list[int] = []
        seen: list[Cell] = []
        for number, lag in enumerate(REPEAT_BARS):
            if bar - lag < self.score.first:
                break
            cell = cells[bar - lag]
            if not cell or cell == unlike or lengths[bar - lag] != lengths[bar] or cell in seen:
                continue
            seen.append(cell)
            if self._may_stand(line, cell):
                found.append(REPEAT.first + number)
        return np.array(found, np.int64) if found else _NOTHING

    def _may_stand(self, line: Line, cell: Cell) -> bool:
        """Is a cell, as a whole, legal in this bar?"""
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
            end = tick + _DURATIONS[length - 1]
            if end > until or ends.get(pitch, int(voice.ends[pitch])) > tick:
                return False
            ends[pitch] = end
            if line.cap < UNCAPPED:
                sounding = [each for each in sounding if each > tick]
                sounding.append(end)
                if len(sounding) > line.cap:
                    return False
        return True

    def _repeat(self, lag: int) -> list[int]:
        """Write the cell of `lag` bars ago again. Returns its notes' tokens, if they are written."""
        line = self.plan.lines[self.line]
        cell = self.score.cells[self.line][self.bar - lag]
        for position, length, pitch in cell:
            self._sound(line, self.start + position, length, pitch)
        self.notes = list(cell)
        self._end_cell()
        return [] if line.drum else note_tokens(cell, drum=False)

    def _end_cell(self) -> None:
        self.score.cells[self.line][self.bar] = tuple(self.notes)
        self.sounded[self.line] = True
        self._sounds = True
        self._state = _AT_SLOT

    # Notes.

    def _strike(self, pitch: int) -> None:
        line = self.plan.lines[self.line]
        self.notes.append((self.position, self.length, pitch))
        self._sound(line, self.start + self.position, self.length, pitch)
        self.pitch = pitch
        self._struck += 1
        self._placed = False
        self._state = _AT_NOTE
        self.score.cells[self.line][self.bar] = tuple(self.notes)
        self.sounded[self.line] = True
        self._sounds = True
        if len(self.notes) >= self.most:
            self._end_cell()

    def _sound(self, line: Line, tick: int, length: int, pitch: int) -> None:
        end = tick if line.drum else tick + _DURATIONS[length - 1]
        self._sound_until = max(self._sound_until, end, tick + 1)
        if not line.drum:
            self.voice.hold(pitch, end)

    def _capacity(self) -> int:
        """How many notes the cell can surely hold: a chord at the first free tick, then one a tick."""
        start, ticks = self.start, self.ticks
        first = self.voice.free_from(start)
        if first >= start + ticks:
            return 0
        return self._chord_room(first) + start + ticks - 1 - first

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

    def _note(self) -> list[Segment]:
        """At the beginning of a cell, after a position, or after a note."""
        line = self.plan.lines[self.line]
        if self._placed:
            return self._lengths_and_pitches(line, self.voice.pitches(self.start + self.position))
        found = self._positions(line)
        if self.position >= 0 and self._chord_goes_on(line):
            above = self.voice.pitches(self.start + self.position, self.pitch)
            if len(above):
                found = self._lengths_and_pitches(line, above) + found
        if len(self.notes) >= self.least and self.notes:
            found += self._who()
        return found

    def _chord_goes_on(self, line: Line) -> bool:
        if self._struck >= MAX_CHORD:
            return False
        if line.cap == UNCAPPED:
            return True
        if line.drum:
            return self._struck < line.cap
        return self.voice.sounding(self.start + self.position) < line.cap

    def _positions(self, line: Line) -> list[Segment]:
        """Later positions at which a note may be struck so that those promised still have room."""
        start, ticks = self.start, self.ticks
        tick = self.voice.free_from(start + self.position + 1)
        first = tick - start
        if first >= ticks:
            return []
        last = ticks - 1
        needed = self.least - len(self.notes)
        if needed > 1:
            last -= max(0, needed - (1 if line.cap == 1 else self._chord_room(tick)))
        if last < first:
            return []
        return [Segment(WHEN, _IDS[POSITION.first + first : POSITION.first + last + 1])]

    def _lengths_and_pitches(self, line: Line, pitches: Ids) -> list[Segment]:
        """A new duration or velocity, or a pitch with the one before. `pitches` are free and in order here."""
        if line.drum:
            if not self.length:
                return [Segment(LONG, _VELOCITIES)]
            others = np.delete(_VELOCITIES, self.length - 1)
            return [Segment(WHAT, DRUM.first + self._with_room_above(pitches)), Segment(LONG, others)]
        longest = self._longest(line)
        known = bisect_right(_DURATIONS, longest)
        first = DURATION.first
        if 0 < self.length <= known:
            here = first + self.length - 1
            found = [Segment(WHAT, PITCH.first + self._with_room_above(pitches))]
            if known > 1:
                others = np.concatenate([_IDS[first:here], _IDS[here + 1 : first + known]])
                found.append(Segment(LONG, others))
            return found
        return [Segment(LONG, _IDS[first : first + known])]

    def _pitches_of_length(self) -> list[Segment]:
        """After a duration or velocity."""
        line = self.plan.lines[self.line]
        pitches = self.voice.pitches(self.start + self.position, self.pitch)
        first = DRUM.first if line.drum else PITCH.first
        return [Segment(WHAT, first + self._with_room_above(pitches))]

    def _with_room_above(self, pitches: Ids) -> Ids:
        """Pitches that leave enough above them for the notes which have no later tick."""
        needed = self.least - len(self.notes) - 1 - (self.ticks - 1 - self.position)
        if needed <= 0:
            return pitches
        return pitches[: len(pitches) - needed]

    def _longest(self, line: Line) -> int:
        """The longest duration that a note struck here may have."""
        tick = self.start + self.position
        longest = line.until[self.bar] - tick
        after = self.least - len(self.notes) - 1
        if after <= 0:
            return longest
        by = self.start + self.ticks - after
        """The tick from which there must be room for a note a tick."""
        voice = self.voice
        if line.cap < UNCAPPED and voice.sounding(tick) + 1 >= line.cap and min(voice.held(tick), default=NEVER) > by:
            return min(longest, by - tick)
        ends = voice.ends
        free = np.count_nonzero(ends <= tick)
        if free < 2 and int(np.min(ends[ends > tick], initial=NEVER)) > by:
            return min(longest, by - tick)
        return longest

    def _fixed(self) -> list[Segment]:
        """The next of the notes whose time is fixed."""
        line = self.plan.lines[self.line]
        assert line.rhythm is not None
        position, length = line.rhythm[self.bar][len(self.notes)]
        if position != self.position:
            return [Segment(WHEN, _IDS[POSITION.first + position :][:1])]
        if length != self.length:
            return [Segment(LONG, _IDS[DURATION.first + length - 1 :][:1])]
        pitches = np.flatnonzero(line.allowed)
        above = pitches[pitches > self.pitch]
        return [Segment(WHAT, PITCH.first + (above if len(above) else pitches))]


assert max(AHEAD, END) < SLOT.first
"""accept() tells tokens apart by their order."""
