"""Slow down at the end of a song, as its tempo and its style ask for."""

from bandmate_music.theory.bars import Bars
from bandmate_music.theory.metrical_grid import beat_ticks

from bandmate_generate.performance.played_note import SCALE

_FASTEST = 160.0
"""In quarters a minute: faster songs end in time."""
_DEEPEST = 0.3
_NOTICEABLE = 0.04
_LONG_BELOW = 100.0
_MIN_BARS = 8


def tempi_with_ritardando(frame: Bars, tempo: float, looseness: float) -> tuple[tuple[int, float], ...]:
    """(performance tick, quarters a minute), from tick 0: the tempo, and slower beat by beat in the last bar.

    Two bars where the song is slow and loose; none where it is fast, stiff or shorter than eight bars.
    """
    depth = min(_DEEPEST, 0.5 * min(1.0, max(0.0, looseness)) * (_FASTEST - tempo) / 90.0)
    if depth < _NOTICEABLE or len(frame) < _MIN_BARS:
        return ((0, tempo),)
    bars = 2 if tempo < _LONG_BELOW and looseness >= 0.5 else 1
    beats = [
        tick for bar in frame.bars[len(frame) - bars :] for tick in range(bar.onset, bar.end, beat_ticks(bar.metre))
    ]
    changes = []
    for index, tick in enumerate(beats):
        share = (index + 1) / len(beats)
        changes.append((tick * SCALE, round(tempo * (1.0 - depth * share * share), 2)))
    return ((0, tempo), *changes)
