"""The grid of cells of a piece that is being composed, and the tokens of its context, exactly as encode.py writes them.

Given cells of the bars before the first one to compose stand in place; from there on they are written one bar ahead.
Where the window is full the context is rewritten from a later bar on, with RESUME.
"""

from collections.abc import Sequence

from bandmate_model.cells.line import Cell
from bandmate_model.cells.plan import Plan
from bandmate_model.cells.vocabulary import (
    AHEAD,
    COUNT,
    DRUM,
    DURATION,
    END,
    METRE,
    PITCH,
    POSITION,
    REPEAT,
    REPEAT_BARS,
    RESUME,
    SLOT,
    START,
    VELOCITY,
    bar_token,
    count_class,
)

_SLOT, _REPEAT, _COUNT = SLOT.first - 1, REPEAT.first, COUNT.first
_POSITION, _DURATION, _VELOCITY = POSITION.first, DURATION.first - 1, VELOCITY.first - 1
_PITCH, _DRUM = PITCH.first, DRUM.first


def note_tokens(cell: Cell, *, drum: bool) -> list[int]:
    """The notes of a cell, without its slot and attributes."""
    length_of, pitch_of = (_VELOCITY, _DRUM) if drum else (_DURATION, _PITCH)
    tokens = []
    before = last_length = -1
    for position, length, pitch in cell:
        if position != before:
            tokens.append(_POSITION + position)
        if length != last_length:
            tokens.append(length_of + length)
        tokens.append(pitch_of + pitch)
        before, last_length = position, length
    return tokens


def cell_tokens(slot: int, cell: Cell, *, drum: bool, repeat: int | None = None) -> list[int]:
    """A cell. `repeat`: the index in REPEAT_BARS of the bar it repeats."""
    if repeat is None:
        return [_SLOT + slot, _COUNT + count_class(len(cell)), *note_tokens(cell, drum=drum)]
    return [_SLOT + slot, _REPEAT + repeat, *([] if drum else note_tokens(cell, drum=drum))]


class CellGrid:
    """The given cells and those composed so far."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.cells: list[list[Cell]] = [list(line.given) for line in plan.lines]
        """By line and bar; () for what is silent or not composed yet."""
        self.first = 0
        """The first bar of the network's context; earlier bars cannot be repeated."""
        self._lengths = plan.frame.lengths
        self._bars = len(self._lengths)

    def repeats(self, line: int, bar: int) -> int | None:
        """The index in REPEAT_BARS of the nearest bar that has the same cell of this line."""
        cells = self.cells[line]
        cell = cells[bar]
        if not cell:
            return None
        for number, lag in enumerate(REPEAT_BARS):
            if bar - lag < self.first:
                break
            if cells[bar - lag] == cell and self._lengths[bar - lag] == self._lengths[bar]:
                return number
        return None

    def ahead(self, bar: int) -> list[int]:
        """The AHEAD section with the given cells of `bar`; empty without any."""
        plan = self.plan
        if not plan.first <= bar < self._bars:
            return []
        tokens = []
        for line, cells in zip(plan.lines, self.cells, strict=True):
            if cells[bar] and not line.free[bar]:
                tokens += cell_tokens(line.slot, cells[bar], drum=line.drum)
        return [AHEAD, *tokens] if tokens else []

    def head(self, bar: int) -> list[int]:
        """The AHEAD section before `bar`, its BAR, its metre if new, and its chords; END after the last bar."""
        if bar >= self._bars:
            return [END]
        metres = self.plan.frame.metres
        metre_changes = bar > self.first and metres[bar] != metres[bar - 1]
        metre = [METRE.token(metres[bar])] if metre_changes else []
        return [*self.ahead(bar + 1), bar_token(bar, self._bars), *metre, *self.plan.harmony.tokens[bar]]

    def body(self, bar: int) -> list[int]:
        """The cells written in place in a finished bar."""
        tokens = []
        for number, line in enumerate(self.plan.lines):
            cell = self.cells[number][bar]
            if cell and (bar < self.plan.first or line.free[bar]):
                tokens += cell_tokens(line.slot, cell, drum=line.drum, repeat=self.repeats(number, bar))
        return tokens

    def _opening(self, first_bar: int) -> list[int]:
        """The header, with the metre of the first bar of the context."""
        metre = METRE.token(self.plan.frame.metres[first_bar])
        header = [metre if token in METRE else token for token in self.plan.header]
        return [RESUME if first_bar else START, *header]

    def context(self, first_bar: int, bar: int) -> list[int]:
        """From the header through the head of `bar`, written from bar `first_bar` on."""
        self.first = first_bar
        tokens = [*self._opening(first_bar), *self.ahead(first_bar)]
        for number in range(first_bar, bar):
            tokens += self.head(number) + self.body(number)
        return tokens + self.head(bar)

    def fitting(self, bar: int, written: Sequence[int], room: int) -> list[int]:
        """The context of `bar` and what is `written` of it already, from as early a bar as `room` tokens allow: from
        the beginning, or from where half of them are filled. A bar that does not fit is cut off at its beginning."""
        all_tokens = [*self.context(0, bar), *written]
        if len(all_tokens) <= room:
            return all_tokens
        self.first = first_bar = bar
        size = len(self.ahead(bar)) + len(self.head(bar)) + len(written) + 1 + len(self.plan.header)
        while first_bar > 0:
            size += len(self.head(first_bar - 1)) + len(self.body(first_bar - 1))
            if size > room // 2:
                break
            first_bar -= 1
        tokens = [*self.context(first_bar, bar), *written]
        if len(tokens) <= room * 3 // 4:
            return tokens
        head = [RESUME, *self._opening(first_bar)[1:]][: room // 4]
        return head + tokens[-(room // 2) :]
