"""Parts to sound: a General MIDI synthesiser (TinySoundFont) played offline, one stem a part.

Events fall on exact samples: the synthesiser runs from event to event. A chord on a plucked instrument is strummed;
all else sounds as written, at the velocities in the score.
"""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from bandmate_shared.audio import SAMPLE_RATE
from bandmate_shared.errors import UnreadableFile
from bandmate_shared.music.score import Part, Score
from numpy.typing import NDArray

TAIL_SECONDS = 2.0
"""Sound after the last bar, for releases and the room."""

Audio = NDArray[np.float32]
"""[samples, 2], about -1..1."""

_PLUCKED = range(24, 32)
_STRUM_SECONDS = 0.012
_DRUM_BANK = 128
_LONGEST_RUN = 1 << 16


class Band:
    """A synthesiser with its soundfont. Loading takes 0.03 s for an .sf2 of 6 MB, about 2 s for an .sf3: keep it."""

    def __init__(self, font: Path) -> None:
        import tinysoundfont

        self._synth: Any = tinysoundfont.Synth(gain=0.0, samplerate=SAMPLE_RATE)
        try:
            self._font = self._synth.sfload(str(font))
        except Exception as error:
            raise UnreadableFile(f"{font} is not a soundfont that can be read: {error}") from error

    def play(self, part: Part, score: Score, seconds: float) -> Audio:
        """One part alone, dry, `seconds` long. Equal arguments give equal samples, whatever was played before."""
        synth = self._synth
        synth.sounds_off(0)
        synth.control_change(0, 121, 0)
        self._choose(part)
        self._settle()
        events = _events(part, score)
        length = round(seconds * SAMPLE_RATE)
        sound = np.zeros((length, 2), dtype=np.float32)
        position = 0
        for sample, is_onset, pitch, velocity in events:
            self._run(sound, position, min(sample, length))
            position = min(sample, length)
            if is_onset:
                synth.noteon(0, pitch, velocity)
            else:
                synth.noteoff(0, pitch)
        self._run(sound, position, length)
        return sound

    def _choose(self, part: Part) -> None:
        """The part's preset; its nearest relative where the font lacks it."""
        synth, font = self._synth, self._font
        bank, program = (_DRUM_BANK, part.program) if part.is_drum else (0, part.program)
        for candidate in (program, program // 8 * 8, 0):
            if synth.sfpreset_name(font, bank, candidate):
                synth.program_select(0, font, bank, candidate, part.is_drum)
                return
        raise UnreadableFile("the soundfont is not General MIDI: it lacks even the piano")

    def _settle(self) -> None:
        """Let what sounded before die away, so that it does not leak into this stem."""
        for _ in range(200):
            if not np.frombuffer(self._synth.generate(2048), dtype=np.float32).any():
                return

    def _run(self, sound: Audio, start: int, end: int) -> None:
        while start < end:
            count = min(end - start, _LONGEST_RUN)
            block = np.frombuffer(self._synth.generate(count), dtype=np.float32)
            sound[start : start + count] = block.reshape(count, 2)
            start += count


@cache
def band(font: Path) -> Band:
    """The process's synthesiser with this font, loaded once."""
    return Band(font)


def _events(part: Part, score: Score) -> list[tuple[int, int, int, int]]:
    """(sample, is onset, pitch, velocity), in order; at one sample the ends come first."""
    notes = part.notes
    starts = score.seconds_at(notes.onset)
    ends = score.seconds_at(notes.onset + notes.duration)
    if not part.is_drum and part.program in _PLUCKED:
        starts = np.minimum(starts + _strum(notes.onset), ends)
    events = []
    for start, end, pitch, velocity in zip(
        starts.tolist(), ends.tolist(), notes.pitch.tolist(), notes.velocity.tolist(), strict=True
    ):
        first = round(start * SAMPLE_RATE)
        last = max(first + 1, round(end * SAMPLE_RATE))
        events += [(first, 1, pitch, velocity), (last, 0, pitch, 0)]
    return sorted(events)


def _strum(onsets: NDArray[np.int32]) -> NDArray[np.float64]:
    """Seconds by which each note of a chord comes late, from the lowest string up; notes are sorted by onset, pitch."""
    place = np.zeros(len(onsets))
    for index in range(1, len(onsets)):
        if onsets[index] == onsets[index - 1]:
            place[index] = place[index - 1] + 1
    return place * _STRUM_SECONDS
