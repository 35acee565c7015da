"""The quantities behind every composer's vocabulary: time, bars, instruments and their slots, durations, velocities.

Time is counted in model ticks, 12 a quarter. Pieces are moved to tonic C before they are written down
(`cells/vocabulary.py`), and moved to the key asked for afterwards.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

TICKS_PER_QUARTER = 12
GRID_PER_TICK = 2
"""Grid ticks (24 a quarter, the contract's) in a model tick."""

MAX_BAR_TICKS = 96
"""A longer bar is treated as several model bars."""

CLASSES: tuple[str, ...] = (
    *("voice", "wind", "brass", "strings", "lead", "organ", "piano"),
    *("mallet", "guitar", "ensemble", "pad", "other", "bass", "drums"),
)
"""Instrument classes in the order in which notes of one position are written: melody carriers first."""
SLOTS_PER_CLASS = 4
SLOTS = len(CLASSES) * SLOTS_PER_CLASS
SLOT_SIZE = SLOTS + 1
"""Slot tokens: 0 is none, 1 + class * SLOTS_PER_CLASS + index within the class, highest instrument first."""

PAD_DRUMS = {22: 42, 26: 46, 58: 43}
"""Electronic kits (Roland's) send these for the edges of the hi-hat and the rim of the low tom; General MIDI's drum for
each. 58 means so only where the others occur: elsewhere it is the vibraslap."""

DURATIONS: tuple[int, ...] = (
    *range(1, 13),
    *(14, 15, 16, 18, 20, 21, 22, 24, 27, 30, 33, 36, 40, 42, 45, 48),
    *range(54, 97, 6),
    *range(108, 145, 12),
    *(168, 192),
)
"""Ticks of the duration tokens: every tick up to a quarter, then coarser, up to four bars of 4/4."""
METRES = ("4/4", "3/4", "2/4", "6/8", "2/2", "3/8", "9/8", "12/8", "3/2", "5/4", "6/4", "4/8", "7/8", "other")
TEMPO_BOUNDS = (60.0, 80.0, 100.0, 120.0, 140.0, 170.0)
_LAST_PROGRAMS = {
    7: "piano",
    15: "mallet",
    23: "organ",
    31: "guitar",
    39: "bass",
    47: "strings",
    51: "ensemble",
    54: "voice",
    55: "ensemble",
    63: "brass",
    79: "wind",
    87: "lead",
    95: "pad",
    127: "other",
}
"""The last General MIDI program (from 0) of each family of the standard's table, and the family's class."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The bars of a piece: for each, its first tick, its length in ticks and its metre's number in METRES."""

    starts: tuple[int, ...]
    lengths: tuple[int, ...]
    metres: tuple[int, ...]

    @property
    def end(self) -> int:
        return self.starts[-1] + self.lengths[-1]

    @staticmethod
    def from_bars(bars: Sequence[tuple[int, int, int]]) -> "Frame":
        """From (length in ticks, numerator, denominator) rows. Bars over MAX_BAR_TICKS are split evenly."""
        starts, lengths, metres = [], [], []
        tick = 0
        for length, numerator, denominator in bars:
            metre = metre_token(numerator, denominator)
            if 0 < length <= MAX_BAR_TICKS:
                starts.append(tick)
                lengths.append(length)
                metres.append(metre)
                tick += length
                continue
            remaining = length
            while remaining > 0:
                piece = min(remaining, MAX_BAR_TICKS)
                starts.append(tick)
                lengths.append(piece)
                metres.append(metre)
                tick += piece
                remaining -= piece
        return Frame(tuple(starts), tuple(lengths), tuple(metres))

    def bar_at(self, tick: int) -> int:
        """The bar that holds `tick`; the last one for ticks past the end."""
        return bisect_right(self.starts, tick) - 1


@cache
def metre_token(numerator: int, denominator: int) -> int:
    name = f"{numerator}/{denominator}"
    return METRES.index(name) if name in METRES else len(METRES) - 1


def tempo_token(tempo: float) -> int:
    return bisect_right(TEMPO_BOUNDS, tempo)


def duration_token(ticks: int) -> int:
    """The nearest duration, the shorter of two equally near."""
    index = bisect_right(DURATIONS, ticks)
    if index == 0:
        return 1
    if index == len(DURATIONS):
        return index
    below, above = DURATIONS[index - 1], DURATIONS[index]
    return index if ticks - below <= above - ticks else index + 1


def duration_ticks(token: int) -> int:
    return DURATIONS[token - 1]


def velocity_token(velocity: int) -> int:
    return 1 + min(max(velocity, 0), 127) // 16


def velocity_value(token: int) -> int:
    """The middle of the band."""
    return (token - 1) * 16 + 8


def remaining_bucket(bars: int) -> int:
    """Bars to go, this one included: 1, 2, 3, 4, 5-8, 9-16, 17 and more. It lets the model prepare the ending."""
    return bars - 1 if bars <= 4 else 4 if bars <= 8 else 5 if bars <= 16 else 6


def instrument_class(*, program: int, is_drum: bool, is_voice: bool = False) -> str:
    """The class an instrument belongs to. A singer is known by the flag or by a choir's program."""
    if is_drum:
        return "drums"
    if is_voice:
        return "voice"
    return next(name for last_program, name in _LAST_PROGRAMS.items() if program <= last_program)


def assign_slots(classes: Sequence[str], heights: Sequence[float]) -> list[int]:
    """A slot token for each part, 0 for parts beyond the room there is.

    Within a class the highest part (by `heights`: mean pitch, or the middle of a range) takes the first slot. A class
    that is full borrows from 'other', then from any class with room; drums only from drums."""
    used: set[int] = set()
    result = [0] * len(classes)
    order = sorted(range(len(classes)), key=lambda index: (-heights[index], index))
    overflow = []
    for index in order:
        base = 1 + CLASSES.index(classes[index]) * SLOTS_PER_CLASS
        slot = next((base + k for k in range(SLOTS_PER_CLASS) if base + k not in used), 0)
        if slot:
            used.add(slot)
            result[index] = slot
        else:
            overflow.append(index)
    first_drum = 1 + CLASSES.index("drums") * SLOTS_PER_CLASS
    first_other = 1 + CLASSES.index("other") * SLOTS_PER_CLASS
    for index in overflow:
        if classes[index] == "drums":
            continue
        choices = [*range(first_other, first_other + SLOTS_PER_CLASS), *range(first_drum - 1, 0, -1)]
        slot = next((choice for choice in choices if choice not in used), 0)
        used.add(slot)
        result[index] = slot
    return result


def is_drum_slot(slot: int) -> bool:
    return slot > CLASSES.index("drums") * SLOTS_PER_CLASS


def slot_class(slot: int) -> str:
    return CLASSES[(slot - 1) // SLOTS_PER_CLASS]
