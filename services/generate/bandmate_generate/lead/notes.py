"""A note of the tune."""

from typing import NamedTuple

from bandmate_generate.lyrics.lines import Syllable

LEAD_VELOCITY = 90
"""Of the tune in scores; performances have velocities of their own."""


class LeadNote(NamedTuple):
    """Onset and duration in grid ticks (24 a quarter) from the start of the song; a MIDI pitch.

    `syllable` is None in music without words, and on a note that carries on the syllable before it (a melisma), where
    `is_held` says so.
    """

    onset: int
    duration: int
    pitch: int
    syllable: Syllable | None = None
    is_held: bool = False

    @property
    def end(self) -> int:
        return self.onset + self.duration
