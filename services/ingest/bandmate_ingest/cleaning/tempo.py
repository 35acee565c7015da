"""Reduces the tempi of a piece to one: that of most of the piece, halved or doubled into a countable range."""

from collections.abc import Sequence

import numpy as np
from bandmate_music.score import TempoChange

MIN_TEMPO, MAX_TEMPO = 20.0, 300.0
"""Quarter notes a minute; the range a song request allows."""
_PLAUSIBLE = (4.0, 1200.0)
DEFAULT = 120.0


def main_tempo(changes: Sequence[TempoChange], end: int) -> tuple[float, bool]:
    """The tempo that holds at the median tick of a piece ending at tick `end`, and whether the file stated one.

    Tempi no music has (a microsecond a quarter note) are passed over; without any, MIDI's default holds.
    """
    usable = [change for change in changes if _PLAUSIBLE[0] <= change.tempo <= _PLAUSIBLE[1] and change.onset < end]
    if not usable:
        return DEFAULT, False
    if len(usable) == 1:
        return usable[0].tempo, True
    onsets = np.array([change.onset for change in usable] + [end], dtype=np.float64)
    tempi = np.array([change.tempo for change in usable])
    order = np.argsort(tempi, kind="stable")
    held = np.cumsum(np.diff(onsets)[order])
    return float(tempi[order][np.searchsorted(held, held[-1] / 2)]), True


def countable(tempo: float) -> tuple[float, int]:
    """A tempo brought into MIN_TEMPO..MAX_TEMPO by halving or doubling, and the power of two it was divided by."""
    halvings = 0
    while tempo > MAX_TEMPO:
        tempo, halvings = tempo / 2, halvings + 1
    while tempo < MIN_TEMPO:
        tempo, halvings = tempo * 2, halvings - 1
    return tempo, halvings
