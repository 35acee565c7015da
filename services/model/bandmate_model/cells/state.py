"""The state of a piece that is being composed: bars, cells and sounding notes, updated token by token."""

from bandmate_model.cells.grid import CellGrid, note_tokens
from bandmate_model.cells.line import Line, Voice
from bandmate_model.cells.plan import Plan
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
    count_limits,
)
from bandmate_model.data.tokens import DURATIONS, TICKS_PER_QUARTER

MAX_CHORD = 10
"""Maximum number of notes that one part strikes at once."""
MAX_NOTES_PER_QUARTER = 16
"""Maximum notes per quarter in one part. This bounds the length of a piece and is not a musical preference."""
MAX_REPEATED_BARS = 3
"""Maximum number of bars in a row that repeat the previous bar in all free parts."""

COUNT_LIMITS = [count_limits(number) for number in range(COUNT_CLASSES)]

AT_SLOT, AT_FORM, AT_NOTE, AT_PITCH = range(4)
"""What comes next: a slot or the bar's end; COUNT or REPEAT; a note; the pitch of a note whose length is written."""


class PieceState:
    """The notes composed so far and the place of the next token.

    `accept` takes in a legal token; what it returns is what the network takes in before the next choice.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.grid = CellGrid(plan)
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
        self.min_notes = self.max_notes = 0
        """How many notes the cell has, by its COUNT."""
        self.repeated_bars = 0
        """How many bars in a row repeated the previous bar in all free parts."""
        self.sounded = [False] * len(plan.lines)
        self._sound_until = 0
        for bar in range(plan.first):
            self._hold_given(bar)
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

    def accept(self, token: int) -> list[int]:
        """Take in a legal token. Returns it and what follows from it."""
        if token < SLOT.end:
            if SLOT.first <= token:
                self._begin_cell(token - SLOT.first + 1)
                return self._append([token])
            return self._end_bar()
        if token < BAR.end:
            return self._end_bar()
        if token < COUNT.first:
            return self._append([token, *self._write_repeat(REPEAT_BARS[token - REPEAT.first])])
        if token < COUNT.end:
            minimum, maximum = COUNT_LIMITS[token - COUNT.first]
            rhythm = self.plan.lines[self.line].rhythm
            if rhythm is not None:
                minimum = maximum = len(rhythm[self.bar])
            self.min_notes, self.max_notes = minimum, min(maximum, max(minimum, self._max_notes()))
            self._state = AT_NOTE
        elif token < POSITION.end:
            self.position = token - POSITION.first
            self.pitch = -1
            self._struck = 0
            self._placed = True
        elif PITCH.first <= token < DRUM.end:
            self._strike(token - (DRUM.first if token >= DRUM.first else PITCH.first))
        else:
            self.length = token - (VELOCITY.first if token >= VELOCITY.first else DURATION.first) + 1
            self._state = AT_PITCH
        return self._append([token])

    def _begin_bar(self) -> None:
        self.written = []
        self.line = -1
        self._state = AT_SLOT
        plan, bar = self.plan, self.bar
        start, ticks = self.start, self.ticks
        self._next_head = self.grid.head(bar + 1)
        """What ends this bar and begins the next."""
        self._open: list[int] = []
        self._has_free_line = False
        for number, line in enumerate(plan.lines):
            self.voices[number].forget(start)
            if not line.free[bar]:
                continue
            if line.rhythm is not None:
                if line.rhythm[bar]:
                    self._open.append(number)
            elif self.voices[number].free_from(start) < start + ticks:
                self._open.append(number)
                self._has_free_line = True
        has_given = any(cells[bar] for cells in self.grid.cells)
        self._bar_sounds = has_given or self._sound_until > start
        self._must_differ = self.repeated_bars >= MAX_REPEATED_BARS

    def _repeats_last_bar(self) -> bool:
        """Whether the bar, if it ended now, would equal the previous bar in all free parts."""
        cells, bar = self.grid.cells, self.bar
        return bar > 0 and all(cells[number][bar] == cells[number][bar - 1] for number in self._free_lines())

    def _free_lines(self) -> list[int]:
        return [k for k, line in enumerate(self.plan.lines) if line.free[self.bar] and line.rhythm is None]

    def _end_bar(self) -> list[int]:
        """To the next bar in which there is something to choose; the heads of the bars until then."""
        tokens: list[int] = []
        while True:
            lines = self._free_lines()
            if lines and self._repeats_last_bar():
                self.repeated_bars += 1
            elif lines:
                self.repeated_bars = 0
            self._hold_given(self.bar)
            self.bar += 1
            if self.bar > self.plan.last:
                self.done = True
                return tokens
            tokens += self._next_head
            self._begin_bar()
            if self._open:
                return tokens

    def _hold_given(self, bar: int) -> None:
        """Start the given notes of the bar."""
        for line, voice in zip(self.plan.lines, self.voices, strict=True):
            voice.hold_all(line.held[bar])
            for tick, _, end in line.held[bar]:
                self._sound_until = max(self._sound_until, end, tick + 1)

    def _begin_cell(self, slot: int) -> None:
        self.line = next(k for k, line in enumerate(self.plan.lines) if line.slot == slot)
        self.notes = []
        self.position = self.pitch = -1
        self.length = 0
        self._placed = False
        self._struck = 0
        self._state = AT_FORM

    def _append(self, tokens: list[int]) -> list[int]:
        self.written += tokens
        return tokens

    def _max_notes(self) -> int:
        return max(MAX_CHORD, MAX_NOTES_PER_QUARTER * self.ticks // TICKS_PER_QUARTER)

    def _write_repeat(self, lag: int) -> list[int]:
        """Write the cell of `lag` bars ago again. Returns its notes' tokens, if they are written."""
        line = self.plan.lines[self.line]
        cell = self.grid.cells[self.line][self.bar - lag]
        for position, length, pitch in cell:
            self._hold(line, self.start + position, length, pitch)
        self.notes = list(cell)
        self._end_cell()
        return [] if line.drum else note_tokens(cell, drum=False)

    def _end_cell(self) -> None:
        self.grid.cells[self.line][self.bar] = tuple(self.notes)
        self.sounded[self.line] = True
        self._bar_sounds = True
        self._state = AT_SLOT

    def _strike(self, pitch: int) -> None:
        line = self.plan.lines[self.line]
        self.notes.append((self.position, self.length, pitch))
        self._hold(line, self.start + self.position, self.length, pitch)
        self.pitch = pitch
        self._struck += 1
        self._placed = False
        self._state = AT_NOTE
        self.grid.cells[self.line][self.bar] = tuple(self.notes)
        self.sounded[self.line] = True
        self._bar_sounds = True
        if len(self.notes) >= self.max_notes:
            self._end_cell()

    def _hold(self, line: Line, tick: int, length: int, pitch: int) -> None:
        end = tick if line.drum else tick + DURATIONS[length - 1]
        self._sound_until = max(self._sound_until, end, tick + 1)
        if not line.drum:
            self.voice.hold(pitch, end)


assert max(AHEAD, END) < SLOT.first
"""accept() tells tokens apart by their order."""
