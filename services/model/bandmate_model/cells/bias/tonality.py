"""The bias of pitch classes towards a requested key.

A key that the service chose itself is only a condition of the network, and the piece modulates as its sources do. A
requested key must be audible: its third, its scale, and the tonic at both ends. The sounding time of each scale degree
so far is compared with its share in real music, and degrees that are missing become likelier. A piece that keeps to
its key is hardly changed."""

import numpy as np
from numpy.typing import NDArray

from bandmate_model.cells.bias.weights import BiasWeights
from bandmate_model.cells.chords import Chord
from bandmate_model.cells.grammar import Grammar
from bandmate_model.cells.line import Cell, Line
from bandmate_model.data.tokens import TICKS_PER_QUARTER, duration_ticks

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
"""Added to shares before they are compared, so that degrees which real music hardly uses get no bias."""
_PRIOR_QUARTERS = 2.0
"""Quarters of each part that count as heard before the first note, spread as in real music."""
_MAX_BALANCE = 2.5
"""Bound of the balance in natural log units: twelve times as likely."""
_CHORD_FACTOR = 1.5
"""The balance counts so much more under a requested chord, which leaves it few pitch classes."""


class Tonality:
    """The bias towards a requested key in one piece that is being composed. Pitch classes are counted from the
    tonic."""

    def __init__(self, grammar: Grammar, weights: BiasWeights) -> None:
        plan = grammar.plan
        mode = plan.request.mode
        self._grammar, self._weights = grammar, weights
        self._shares = np.array(SHARES[mode]) / sum(SHARES[mode])
        self._inside = np.isin(np.arange(12), list(MAJOR if mode == "major" else MINOR))
        self._triad = np.isin(np.arange(12), [0, 4 if mode == "major" else 3, 7])
        self._tonic = np.arange(12) == 0
        pitched = sum(not line.drum for line in plan.lines)
        self._sounding_ticks = _PRIOR_QUARTERS * TICKS_PER_QUARTER * pitched * self._shares
        self._lowest = lowest_line(plan.lines)
        self._counted_to = plan.first, 0
        """The cell up to which `_sounding_ticks` counts."""
        self._balance = np.zeros(12)
        self._chord_balances: dict[int, Array] = {}
        """`_balance` within the chords asked for."""
        self._last_bar = len(plan.frame.starts) - 1

    def bias(self, chord: Chord | None) -> Array:
        """(12,): on the pitch classes of the note to come. `chord`: what is asked for here. It wins: the key then only
        chooses among its tones, and has the close only where the chord's lowest note is the tonic."""
        grammar, weights = self._grammar, self._weights
        place = grammar.bar, grammar.line
        if place != self._counted_to:
            self._count_composed(place)
        balance = self._balance if chord is None else self._within(chord)
        strength = (
            weights.key_closing if grammar.bar == self._last_bar else weights.key_opening if grammar.bar == 0 else 0.0
        )
        if strength and grammar.line == self._lowest and grammar.pitch < 0:
            return balance + strength * self._tonic if chord is None or chord.bass == 0 else balance
        return balance + strength * self._triad if strength and chord is None else balance

    def _within(self, chord: Chord) -> Array:
        """Chord tones never become less likely than without the requested key, other tones never likelier."""
        chord_balance = self._chord_balances.get(id(chord))
        if chord_balance is None:
            balance = np.clip(_CHORD_FACTOR * self._balance, -_MAX_BALANCE, _MAX_BALANCE)
            inside = balance - balance[chord.inside].min(initial=0.0)
            chord_balance = self._chord_balances[id(chord)] = np.where(chord.inside, inside, np.minimum(balance, 0.0))
        return chord_balance

    def misfit(self, cell: Cell) -> float:
        """The cost (0 or more) of repeating a cell in the last bar."""
        line = self._grammar.line
        if self._grammar.bar < self._last_bar:
            return 0.0
        ends = [(position + duration_ticks(length), pitch % 12) for position, length, pitch in cell]
        last_end = max(end for end, _ in ends)
        final = next(pitch for end, pitch in ends if end == last_end)
        fits = self._tonic[final] if line == self._lowest else self._triad[final]
        return 0.0 if fits else 2 * self._weights.key_closing

    def _count_composed(self, place: tuple[int, int]) -> None:
        """Count the cells composed since the last call, and update the balance."""
        plan, cells = self._grammar.plan, self._grammar.grid.cells
        bar, number = self._counted_to
        while (bar, number) < place:
            line = plan.lines[number]
            if line.free[bar] and not line.drum:
                for _, length, pitch in cells[number][bar]:
                    self._sounding_ticks[pitch % 12] += duration_ticks(length)
            number += 1
            if number == len(plan.lines):
                bar, number = bar + 1, 0
        self._counted_to = place
        self._chord_balances.clear()
        sounding_shares = self._sounding_ticks / self._sounding_ticks.sum()
        log_ratio = self._weights.key_balance * np.log((self._shares + _FLOOR) / (sounding_shares + _FLOOR))
        self._balance = np.clip(log_ratio, -_MAX_BALANCE, np.where(self._inside, _MAX_BALANCE, 0.0))


def lowest_line(lines: tuple[Line, ...]) -> int:
    """The line on which the harmony stands: the bass, or else the one that lies lowest; -1 without any."""
    pitched = [number for number, line in enumerate(lines) if not line.drum]

    def height(number: int) -> tuple[bool, float]:
        return lines[number].role != "bass", float(np.flatnonzero(lines[number].allowed).mean())

    return min(pitched, key=height, default=-1)
