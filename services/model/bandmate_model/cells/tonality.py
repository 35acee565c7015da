"""What makes a piece be heard in the key that was asked for: a leaning on pitch classes, only where a key is a wish.

A key that the service chose itself is told to the network like any other property of a piece, and it modulates as its
sources do. Who asks for D minor wants to hear D minor: its third, its scale, and the tonic at both ends. The leaning
listens: what has been composed so far is held against how real music spreads its time over the degrees of a key, and
what is missing becomes likelier. A piece that keeps to its key is hardly touched.
"""

import numpy as np
from numpy.typing import NDArray

from bandmate_model.cells.chords import Chord
from bandmate_model.cells.grammar import Grammar
from bandmate_model.cells.line import Cell, Line
from bandmate_model.cells.taste import Taste
from bandmate_model.tokens import TICKS_PER_QUARTER, duration_ticks

Array = NDArray[np.float64]

MAJOR = frozenset({0, 2, 4, 5, 7, 9, 11})
MINOR = frozenset({0, 2, 3, 5, 7, 8, 9, 10, 11})
"""Natural minor with the raised sixth and seventh of the melodic form."""

SHARES = {
    "major": (0.230, 0.010, 0.106, 0.009, 0.138, 0.098, 0.016, 0.196, 0.017, 0.093, 0.013, 0.075),
    "minor": (0.256, 0.019, 0.080, 0.146, 0.016, 0.099, 0.016, 0.184, 0.072, 0.017, 0.057, 0.039),
}
"""Mean share of the sounding time that each degree has in those of 1,200 passages of eight bars that are heard in their
own key (training files of four packs: songs, quartets, chorales, rock)."""
_FLOOR = 0.02
"""Added to shares before they are compared: a degree that real music hardly uses is not sought for."""
_PATIENCE = 2.0
"""So many quarters of each part count as heard before the first note, spread as in real music."""
_MOST = 2.5
"""The balance never leans more than this."""
_IN_CHORDS = 1.5
"""How much more the balance counts under a chord that was asked for, which leaves it little room."""


class Tonality:
    """The wish for a key over one piece that is being composed. Pitch classes are counted from the tonic."""

    def __init__(self, grammar: Grammar, taste: Taste) -> None:
        plan = grammar.plan
        mode = plan.request.mode
        self._grammar, self._taste = grammar, taste
        self._shares = np.array(SHARES[mode]) / sum(SHARES[mode])
        self._inside = np.isin(np.arange(12), list(MAJOR if mode == "major" else MINOR))
        self._triad = np.isin(np.arange(12), [0, 4 if mode == "major" else 3, 7])
        self._tonic = np.arange(12) == 0
        pitched = sum(not line.drum for line in plan.lines)
        self._sounded = _PATIENCE * TICKS_PER_QUARTER * pitched * self._shares
        self._lowest = _lowest(plan.lines)
        self._at = plan.first, 0
        """The cell up to which `_sounded` counts."""
        self._lean = np.zeros(12)
        self._chosen: dict[int, Array] = {}
        """`_lean` within the chords asked for."""
        self._last = len(plan.frame.starts) - 1

    def pull(self, chord: Chord | None) -> Array:
        """(12,): on the pitch classes of the note to come. `chord`: what is asked for here. It wins: the key then only
        chooses among its tones, and has the close only where the chord's lowest note is the tonic."""
        grammar, taste = self._grammar, self._taste
        here = grammar.bar, grammar.line
        if here != self._at:
            self._listen(here)
        lean = self._lean if chord is None else self._within(chord)
        strength = taste.key_closing if grammar.bar == self._last else taste.key_opening if grammar.bar == 0 else 0.0
        if strength and grammar.line == self._lowest and grammar.pitch < 0:
            return lean + strength * self._tonic if chord is None or chord.bass == 0 else lean
        return lean + strength * self._triad if strength and chord is None else lean

    def _within(self, chord: Chord) -> Array:
        """No chord tone less likely, nothing else likelier than without the wish."""
        found = self._chosen.get(id(chord))
        if found is None:
            lean = np.clip(_IN_CHORDS * self._lean, -_MOST, _MOST)
            inside = lean - lean[chord.inside].min(initial=0.0)
            found = self._chosen[id(chord)] = np.where(chord.inside, inside, np.minimum(lean, 0.0))
        return found

    def misfit(self, cell: Cell) -> float:
        """What it costs to repeat a cell in the last bar, 0 or more."""
        line = self._grammar.line
        if self._grammar.bar < self._last:
            return 0.0
        ends = [(position + duration_ticks(length), pitch % 12) for position, length, pitch in cell]
        last = max(end for end, _ in ends)
        final = next(pitch for end, pitch in ends if end == last)
        fits = self._tonic[final] if line == self._lowest else self._triad[final]
        return 0.0 if fits else 2 * self._taste.key_closing

    def _listen(self, here: tuple[int, int]) -> None:
        """Take in the cells that have been composed since, and compare."""
        plan, cells = self._grammar.plan, self._grammar.score.cells
        bar, number = self._at
        while (bar, number) < here:
            line = plan.lines[number]
            if line.free[bar] and not line.drum:
                for _, length, pitch in cells[number][bar]:
                    self._sounded[pitch % 12] += duration_ticks(length)
            number += 1
            if number == len(plan.lines):
                bar, number = bar + 1, 0
        self._at = here
        self._chosen.clear()
        heard = self._sounded / self._sounded.sum()
        pull = self._taste.key_balance * np.log((self._shares + _FLOOR) / (heard + _FLOOR))
        self._lean = np.clip(pull, -_MOST, np.where(self._inside, _MOST, 0.0))


def _lowest(lines: tuple[Line, ...]) -> int:
    """The line on which the harmony stands: the bass, or else the one that lies lowest; -1 without any."""
    pitched = [number for number, line in enumerate(lines) if not line.drum]

    def height(number: int) -> tuple[bool, float]:
        return lines[number].role != "bass", float(np.flatnonzero(lines[number].allowed).mean())

    return min(pitched, key=height, default=-1)
