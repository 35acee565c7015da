"""Keeping the number of a part's notes within the density level asked for: how much each number of notes in a bar is in
the way.

Bar by bar the part should stay in the corridor between the bounds of its level, wide while there is time to make up
for it, narrow at the end; inside the corridor it is drawn to the level's middle, in the network's own rhythm.
"""

import math

from bandmate_shared.contracts.composition import DENSITY_BOUNDS

from bandmate_model.cells.grammar import Grammar
from bandmate_model.tokens import TICKS_PER_QUARTER

_EDGES = (0.0, *DENSITY_BOUNDS, 8.0)
_MARGIN = 0.04
"""How far inside its bounds, as a share of them, a part should stay."""
_AIMS = (0.36, 0.74, 1.45, 2.8, 5.2)
"""Notes a quarter to aim for in each level."""
_SLACK = 3.0
"""Quarters by whose notes a part may be ahead or behind while there is as much to come."""


class Quota:
    """What a line with a density level may still play."""

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
        self._low = _EDGES[line.density - 1] * (1 + _MARGIN)
        self._high = _EDGES[line.density] * (1 - _MARGIN)
        self._aim = _AIMS[line.density - 1]
        self._pull, self._outside = pull, outside
        self._bar = -1
        self._least = self._most = 0
        self._wanted = 0.0

    def cost(self, notes: int) -> float:
        """What so many notes in the present bar cost, 0 or less."""
        self._look()
        away = abs(math.log((notes + 0.5) / (self._wanted + 0.5)))
        out = max(self._least - notes, notes - self._most, 0)
        return -self._pull * away - (self._outside + out if out else 0.0)

    def going_on(self, notes: int) -> float:
        """How much is to be said for one more note after so many in the present bar."""
        self._look()
        if notes < self._least:
            return self._outside
        if notes >= self._most:
            return -self._outside
        return self.cost(notes + 1) - self.cost(notes)

    def class_cost(self, least: int, most: int) -> float:
        """What a number of notes within these limits costs at best."""
        self._look()
        nearest = min(max(round(self._wanted), least, self._least), most)
        return self.cost(max(least, min(nearest, max(self._most, least))))

    def _look(self) -> None:
        """At the beginning of a bar: what has been played, what is to come."""
        bar = self._grammar.bar
        if bar == self._bar:
            return
        self._bar = bar
        cells = self._grammar.score.cells[self._number]
        free = self._grammar.plan.lines[self._number].free
        played = sum(len(cells[each]) for each in range(bar) if free[each])
        now = self._quarters[bar]
        passed = sum(self._quarters[:bar]) + now
        rest = self._total - passed
        slack = min(rest, _SLACK)
        self._least = (
            math.ceil(self._low * (passed - slack / 2) - played)
            if rest
            else math.ceil(self._low * self._total - played)
        )
        self._most = math.ceil(self._high * (passed + slack) - played) - 1
        self._wanted = max(0.0, self._aim * self._total - played) * now / (now + rest)
