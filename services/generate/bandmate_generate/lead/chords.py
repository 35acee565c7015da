"""The chord under each note of the tune."""

from bisect import bisect_right
from collections.abc import Sequence

from bandmate_music.theory.metrical_grid import EIGHTH
from bandmate_shared.contracts.composition import ChordSpan


class ChordTrack:
    """The chords of a song by time."""

    def __init__(self, chords: Sequence[ChordSpan]) -> None:
        self._chords = sorted(chords, key=lambda chord: chord.onset)
        self._onsets = [chord.onset for chord in self._chords]

    def at(self, tick: int) -> ChordSpan | None:
        """The chord that sounds at a tick."""
        index = bisect_right(self._onsets, tick) - 1
        if index < 0:
            return None
        chord = self._chords[index]
        return chord if tick < chord.onset + chord.duration else None

    def under(self, onset: int, duration: int) -> ChordSpan | None:
        """The chord that a note is heard with: the next one, if it comes at most an eighth before it and stays."""
        now = self.at(onset)
        end = now.onset + now.duration if now else onset
        if now is not None and end - onset <= EIGHTH and duration > 2 * (end - onset):
            return self.at(end) or now
        return now
