"""The tokens of a piece written as a grid of cells, one cell for each bar and part.

    START STYLE MODE TEMPO METRE (SLOT MONO|POLY [REGISTER])…           what holds for the whole piece
    for each bar:
        [AHEAD  cell…]                                    given cells of the bar after this one
        BAR [METRE] [CHORD…]                              the bar, its metre if new, its harmony if asked for
        cell…                                             in ascending order of slots, silent ones left out
    END
    cell:  SLOT REPEAT                                    drums: as so many bars ago, not written out again
           SLOT REPEAT note…                              other parts: the same, written out
           SLOT COUNT note…                               as many notes as COUNT's class says
    note:  [POSITION if new in the cell] [DURATION if new in the cell] PITCH
           [POSITION if new in the cell] [VELOCITY if new in the cell] DRUM

Bars come in order of time, so that parts stay aligned (REMI: Huang and Yang, 2020); inside a bar parts come one after
the other with attributes first, so that whole parts and single bars can be asked for (MMM: Ens and Pasquier, 2020);
given cells are written one bar before they sound, so that any cells can be filled in (Thickstun et al., 2023).
Pieces are in tonic C. Notes of a cell are in order of position and pitch.
"""

from bisect import bisect_right
from dataclasses import dataclass

from bandmate_model.data.tokens import DURATIONS, MAX_BAR_TICKS, METRES, SLOTS, TEMPO_BOUNDS, remaining_bucket

MAX_STYLES = 32
PHASES = 4
"""A bar token says the bar's place in a phrase of four."""
REMAINING_CLASSES = 7
REPEAT_BARS = (1, 2, 3, 4, 8, 16)
"""How many bars ago the cell stood that a REPEAT writes again; the nearest is written where several are equal."""
COUNT_BOUNDS = (2, 3, 4, 5, 7, 9, 13, 17, 25)
"""Classes of the number of notes in a cell: 1, 2, 3, 4, 5-6, 7-8, 9-12, 13-16, 17-24, 25 and more."""
COUNT_CLASSES = len(COUNT_BOUNDS) + 1
_CHORDS = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "dim": (0, 3, 6),
    "aug": (0, 4, 8),
    "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "m7": (0, 3, 7, 10),
    "m7b5": (0, 3, 6, 10),
    "dim7": (0, 3, 6, 9),
    "sus4": (0, 5, 7),
}
QUALITIES, QUALITY_STEPS = tuple(_CHORDS), tuple(_CHORDS.values())
"""Chord qualities with a token of their own, and the semitones of each above its root."""
MAX_CHORDS_PER_BAR = 2
"""A bar's harmony is told for the whole bar (one token) or for each half (two)."""


@dataclass(frozen=True, slots=True)
class Family:
    """A range of token ids that stand for the values 0, 1, … of one kind."""

    first: int
    size: int

    @property
    def end(self) -> int:
        return self.first + self.size

    def __contains__(self, token: object) -> bool:
        return isinstance(token, int) and self.first <= token < self.end

    def token(self, value: int) -> int:
        """The token of a value.

        Raises:
            ValueError: there is no such value.
        """
        if not 0 <= value < self.size:
            raise ValueError(f"{value} is no value of 0..{self.size - 1}")
        return self.first + value

    def value(self, token: int) -> int:
        return token - self.first


PAD, START, RESUME, END, AHEAD, MONO, POLY = range(7)
"""RESUME instead of START: the piece began earlier, what is written starts in its middle."""

STYLE = Family(8, MAX_STYLES)
MODE = Family(STYLE.end, 2)
"""0 major, 1 minor."""
TEMPO = Family(MODE.end, len(TEMPO_BOUNDS) + 1)
METRE = Family(TEMPO.end, len(METRES))
REGISTER = Family(METRE.end, 11)
"""The octave (MIDI pitch in C // 12) of a part's median note."""
SLOT = Family(REGISTER.end, SLOTS)
"""Value k is the slot token k + 1 of tokens.py."""
BAR = Family(SLOT.end, REMAINING_CLASSES * PHASES)
CHORD = Family(BAR.end, 12 * len(QUALITIES))
"""Value root * len(QUALITIES) + quality; the root in semitones above the tonic."""
REPEAT = Family(CHORD.end, len(REPEAT_BARS))
COUNT = Family(REPEAT.end, COUNT_CLASSES)
POSITION = Family(COUNT.end, MAX_BAR_TICKS)
DURATION = Family(POSITION.end, len(DURATIONS))
"""Value k is the duration token k + 1 of tokens.py."""
PITCH = Family(DURATION.end, 128)
DRUM = Family(PITCH.end, 128)
VELOCITY = Family(DRUM.end, 8)
"""Bands of 16."""
USED = VELOCITY.end
VOCABULARY_SIZE = -(-USED // 64) * 64
"""Rounded up for the sake of matrix products; the ids from USED on are never used."""


def bar_token(bar: int, bars: int) -> int:
    """The token of bar `bar` (0-based) of a piece of `bars` bars."""
    return BAR.token(remaining_bucket(bars - bar) * PHASES + bar % PHASES)


def count_class(notes: int) -> int:
    """The class (0-based) of a number of notes, at least 1."""
    return bisect_right(COUNT_BOUNDS, notes)


def count_limits(count: int) -> tuple[int, int]:
    """The least and the greatest number of notes of a class; the last class has no greatest (a large number)."""
    minimum = 1 if count == 0 else COUNT_BOUNDS[count - 1]
    maximum = COUNT_BOUNDS[count] - 1 if count < len(COUNT_BOUNDS) else 1 << 20
    return minimum, maximum


def chord_token(root: int, quality: int) -> int:
    """`root`: semitones above the tonic; `quality`: index in QUALITIES."""
    return CHORD.token(root % 12 * len(QUALITIES) + quality)
