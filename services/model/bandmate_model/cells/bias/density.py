"""The bias that keeps a part's number of notes within its density level: what each number of notes in a bar costs.

Bar by bar the part should stay in the corridor between the bounds of its level, wide while there is time to make up
for it, narrow at the end; inside the corridor it is drawn to the level's middle, in the network's own rhythm.
"""

import math

from bandmate_shared.contracts.composition import DENSITY_BOUNDS

from bandmate_model.cells.grammar import Grammar
from bandmate_model.data.tokens import TICKS_PER_QUARTER

_BOUNDS = (0.0, *DENSITY_BOUNDS, 8.0)
_MARGIN = 0.04
"""How far inside its bounds, as a share of them, a part should stay: room for the last bar's rounding."""
_TARGETS = (0.36, 0.74, 1.45, 2.8, 5.2)
"""Notes per quarter to aim for in each level, near the middle of its bounds."""
_SLACK = 3.0
"""Quarters by whose notes a part may be ahead or behind while there is as much to come."""


class NoteQuota:
    """How many notes a line with a density level should play in the current bar."""

    def __init__(self, grammar: Grammar, number: int, *, pull: float, outside: float) -> None:
        """`pull`: natural log units for e times too many or too few notes in a bar; `outside`: beyond the corridor."""
        line = grammar.plan.lines[number]
        assert line.density is not None
        lengths = grammar.plan.frame.lengths
        self._grammar, self._number = grammar, number
        self._quarters = [
            ticks / TICKS_PER_QUARTER if free else 0.0 for ticks, free in zip(lengths, line.free, strict=True)
        ]
        self._total = sum(self._quarters)
        self._low = _BOUNDS[line.density - 1] * (1 + _MARGIN)
        self._high = _BOUNDS[line.density] * (1 - _MARGIN)
        self._target_density = _TARGETS[line.density - 1]
        self._pull, self._outside = pull, outside
        self._bar = -1
        self._min_notes = self._max_notes = 0
        self._target = 0.0

    def cost(self, notes: int) -> float:
        """The bias (0 or less) of a number of notes in the current bar."""
        self._update()
        away = abs(math.log((notes + 0.5) / (self._target + 0.5)))
        out = max(self._min_notes - notes, notes - self._max_notes, 0)
        return -self._pull * away - (self._outside + out if out else 0.0)

    def continuation(self, notes: int) -> float:
        """The bias of adding one note to the number already in the current bar."""
        self._update()
        if notes < self._min_notes:
            return self._outside
        if notes >= self._max_notes:
            return -self._outside
        return self.cost(notes + 1) - self.cost(notes)

    def class_cost(self, minimum: int, maximum: int) -> float:
        """The highest bias of any number of notes within these limits."""
        self._update()
        nearest = min(max(round(self._target), minimum, self._min_notes), maximum)
        return self.cost(max(minimum, min(nearest, max(self._max_notes, minimum))))

    def _update(self) -> None:
        """At the beginning of a bar: count the notes played so far and the time that remains."""
        bar = self._grammar.bar
        if bar == self._bar:
            return
        self._bar = bar
        cells = self._grammar.grid.cells[self._number]
        free = self._grammar.plan.lines[self._number].free
        played = sum(len(cells[index]) for index in range(bar) if free[index])
        now = self._quarters[bar]
        passed = sum(self._quarters[:bar]) + now
        remaining = self._total - passed
        slack = min(remaining, _SLACK)
        self._min_notes = (
            math.ceil(self._low * (passed - slack / 2) - played)
            if remaining
            else math.ceil(self._low * self._total - played)
        )
        self._max_notes = math.ceil(self._high * (passed + slack) - played) - 1
        self._target = max(0.0, self._target_density * self._total - played) * now / (now + remaining)
