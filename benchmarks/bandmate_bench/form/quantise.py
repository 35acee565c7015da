"""Puts played notes onto the metrical grid: sixteenths or triplets, whichever fits a quarter better, without swing."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bandmate_bench.form.piece import GRID

_DIVISIONS = ((6, 0.0), (8, 1.0), (4, 3.0), (3, 3.0))
"""Ticks between the places of a grid, and how much less likely it is than sixteenths, in nats a quarter.

Sixteenths, triplets of eighths, sextuplets, thirty-seconds.
"""
_MIN_NOISE, _MAX_NOISE = 0.3, 2.0
_STANDARD_DEVIATION = 1.4826
"""Of normal deviations, over the median of their absolute values."""
_ON_BEAT = 3.0
"""Onsets so near a quarter are taken for on it, and tell how exactly the piece is played."""
_STRAIGHT = 12.0
_SWINGS = tuple(13.0 + step / 4 for step in range(11))
"""Where an off-beat eighth may be played that is neither straight nor the last of a triplet: it swings."""
_SWING_GAIN = 0.5
"""A piece swings where undoing it leaves at most this share of the squared distances from sixteenths and triplets."""
_EARLY = 2.5
"""Ticks by which a note may come before the quarter that it belongs to."""


@dataclass(frozen=True, slots=True)
class MetricalGrid:
    """The grid of one piece.

    `off_beat` is where its off-beat eighths are played, in ticks after the beat; `noise` is the standard deviation of
    the onsets from their places, in ticks.
    """

    off_beat: float = _STRAIGHT
    noise: float = _MIN_NOISE

    @staticmethod
    def of(onsets: Sequence[float]) -> "MetricalGrid":
        """The grid of a piece with onsets at these quarters."""
        within = [onset * GRID % GRID for onset in onsets]
        on_beats = [abs(late) for tick in within if abs(late := tick - GRID * round(tick / GRID)) <= _ON_BEAT]
        noise = _STANDARD_DEVIATION * median(on_beats) if on_beats else 0.0
        return MetricalGrid(_off_beat(within), min(max(noise, _MIN_NOISE), _MAX_NOISE))

    def places(self, onsets: Sequence[float]) -> list[int]:
        """The grid tick of each onset, given in quarters. Onsets of one quarter share a division."""
        ticks = [self._straightened(onset * GRID) for onset in onsets]
        by_quarter: dict[int, list[int]] = defaultdict(list)
        for index, tick in enumerate(ticks):
            by_quarter[int((tick + _EARLY) // GRID)].append(index)
        places = [0] * len(ticks)
        for indices in by_quarter.values():
            spacing = self._division([ticks[index] for index in indices])
            for index in indices:
                places[index] = max(0, round(ticks[index] / spacing) * spacing)
        return places

    def ends(self, places: Sequence[int], ends: Sequence[float]) -> list[int]:
        """The grid tick of each end, given in quarters: the nearest sixteenth or triplet behind the onset's place."""
        result = []
        for place, end in zip(places, ends, strict=True):
            tick = self._straightened(end * GRID)
            nearest = min((round(tick / 6) * 6, round(tick / 8) * 8), key=lambda candidate: abs(candidate - tick))
            result.append(max(place + 3, nearest))
        return result

    def played(self, place: int) -> float:
        """Where a grid tick is played without any deviation, in quarters."""
        quarter, within = divmod(place, GRID)
        if within <= _STRAIGHT:
            return quarter + within / _STRAIGHT * self.off_beat / GRID
        return quarter + (self.off_beat + (within - _STRAIGHT) / _STRAIGHT * (GRID - self.off_beat)) / GRID

    def _division(self, ticks: Sequence[float]) -> int:
        """The likeliest spacing for the onsets of a quarter: normal deviations, and all its places equally likely."""

        def cost(division: tuple[int, float]) -> float:
            spacing, rarity = division
            errors = sum((tick - round(tick / spacing) * spacing) ** 2 for tick in ticks)
            return errors / (2 * self.noise**2) + len(ticks) * math.log(GRID / spacing) + rarity

        return min(_DIVISIONS, key=cost)[0]

    def _straightened(self, tick: float) -> float:
        quarter, within = divmod(tick, GRID)
        return quarter * GRID + _straightened(within, self.off_beat)


def _off_beat(within: Sequence[float]) -> float:
    """Where off-beat eighths are played, by the ticks of all onsets after their quarters."""
    straight = sum(min((tick - round(tick / 6) * 6) ** 2, (tick - round(tick / 8) * 8) ** 2) for tick in within)

    def swung(off_beat: float) -> float:
        ticks = [_straightened(tick, off_beat) for tick in within]
        return sum((tick - round(tick / 6) * 6) ** 2 for tick in ticks)

    best = min(_SWINGS, key=swung)
    return best if swung(best) < _SWING_GAIN * straight else _STRAIGHT


def _straightened(within: float, off_beat: float) -> float:
    """The tick after its quarter of an onset, with the off-beat moved to the middle."""
    if within <= off_beat:
        return within / off_beat * _STRAIGHT
    return _STRAIGHT + (within - off_beat) / (GRID - off_beat) * _STRAIGHT
