"""A part of a piece to compose, in the model's terms, and the notes that it holds."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Cell = tuple[tuple[int, int, int], ...]
"""The notes of one part in one bar, ascending: (position, length, pitch) as in the columns of pieces.Cells.notes.
`length` is a duration token, of drums the velocity's (1-8); `pitch` a MIDI pitch in the model's key, or a drum."""
Held = tuple[int, int, int]
"""A given note as it sounds: first tick, pitch in the model's key (also one the vocabulary cannot hold), end tick."""

NEVER = 1 << 40
"""A tick after every piece."""
UNCAPPED = 1 << 20
"""A cap that no part reaches."""


@dataclass(frozen=True, slots=True)
class Line:
    """A part. What is counted by bars has one entry for each bar of the piece; ticks are the model's."""

    part: int
    """Index in the request."""
    slot: int
    role: str
    drum: bool
    allowed: NDArray[np.bool_] = field(repr=False)
    """(128,): the pitches it may be given by the model."""
    shift: int
    """Semitones from the request's pitches to the model's."""
    cap: int
    """Maximum number of notes sounding at once; for drums, struck at once."""
    free: tuple[bool, ...]
    """The bars to compose."""
    until: tuple[int, ...]
    """For free bars the tick at which the run of free bars ends: what is composed there ends there at the latest."""
    given: tuple[Cell, ...]
    held: tuple[tuple[Held, ...], ...] = field(repr=False)
    """Given notes by the bar they begin in."""
    rhythm: tuple[tuple[tuple[int, int], ...], ...] | None = None
    """For parts whose times are fixed: (position, duration token) of the notes of each bar."""
    density: int | None = None
    phrase_ends: frozenset[int] = frozenset()
    """Ticks of fixed notes that close a phrase."""
    mono: bool = False
    """What the header says: one note at a time."""
    register: int = 5
    repeats: tuple[float, ...] = ()
    """How many of its bars come again in the style: quantiles over pieces (lineup.REPEAT_QUANTILES)."""


class Voice:
    """The notes that a line holds at a tick, and when each pitch may be struck again."""

    __slots__ = ("_held", "allowed", "ends", "line")

    def __init__(self, line: Line) -> None:
        self.line = line
        self.allowed = line.allowed
        self.ends = np.where(line.allowed, 0, NEVER)
        """(128,): when each pitch is free again; NEVER for those it may not play."""
        self._held: list[int] = []

    def hold(self, pitch: int, end: int) -> None:
        """Add a note that sounds until `end`; a given one may lie outside the range."""
        if 0 <= pitch < 128 and self.allowed[pitch] and self.ends[pitch] < end:
            self.ends[pitch] = end
        if self.line.cap < UNCAPPED:
            self._held.append(end)

    def hold_all(self, notes: Iterable[Held]) -> None:
        """Add given notes; drums are not held."""
        if not self.line.drum:
            for _, pitch, end in notes:
                self.hold(pitch, end)

    def forget(self, tick: int) -> None:
        """Drop notes that ended before `tick`."""
        if self._held:
            self._held = self.held(tick)

    def held(self, tick: int) -> list[int]:
        """The ends of the notes that sound at `tick`; empty for lines without a cap."""
        return [end for end in self._held if end > tick]

    def sounding(self, tick: int) -> int:
        """How many notes sound at `tick`; 0 for lines without a cap."""
        return len(self.held(tick)) if self._held else 0

    def free_from(self, tick: int) -> int:
        """The first tick, `tick` or later, at which some pitch may be struck."""
        first_tick = max(tick, int(self.ends.min()))
        if not self._held:
            return first_tick
        held_ends = self.held(tick)
        over = len(held_ends) - self.line.cap
        return max(first_tick, sorted(held_ends)[over]) if over >= 0 else first_tick

    def pitches(self, tick: int, above: int = -1) -> NDArray[np.int64]:
        """The pitches above a given one that may be struck at `tick`."""
        if above < 0:
            return np.flatnonzero(self.ends <= tick)
        return np.flatnonzero(self.ends[above + 1 :] <= tick) + (above + 1)
