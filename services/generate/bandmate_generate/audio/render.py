"""Render parts with a General MIDI synthesiser (TinySoundFont), offline, one stem per part.

Events fall on exact samples: the synthesiser runs from event to event. A chord on a plucked instrument is strummed
where its notes begin together; all else sounds as written, at the velocities in the score. Drums play on the kit of
their program.
"""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import tinysoundfont
from bandmate_music.audio import SAMPLE_RATE
from bandmate_music.audio.parallel import over_cores
from bandmate_music.score import Part, Score
from bandmate_shared.errors import UnreadableFile
from numpy.typing import NDArray

from bandmate_generate.audio.soundfont_file import SoundfontFile

TAIL_SECONDS = 2.0
"""Sound after the last bar, for releases and the room."""

Audio = NDArray[np.float32]
"""[samples, 2], about -1..1."""

_PLUCKED = range(24, 32)
_STRUM_SECONDS = 0.012
_DRUM_BANK = 128
_MAX_BLOCK = 1 << 16


class Band:
    """Plays parts with a soundfont. Of the font only what a part needs is decoded, each time."""

    def __init__(self, font: Path) -> None:
        self._font = SoundfontFile(font)

    def play(self, part: Part, score: Score, seconds: float) -> Audio:
        """One part alone, dry, `seconds` long. Equal arguments give equal samples, whatever was played before."""
        length = round(seconds * SAMPLE_RATE)
        sound = np.zeros((length, 2), dtype=np.float32)
        if not len(part.notes):
            return sound
        synth = self._synthesiser(part)
        position = 0
        for sample, is_onset, pitch, velocity in _events(part, score):
            _run(synth, sound, position, min(sample, length))
            position = min(sample, length)
            if is_onset:
                synth.noteon(0, pitch, velocity)
            else:
                synth.noteoff(0, pitch)
        _run(synth, sound, position, length)
        return sound

    def play_all(
        self, parts: Sequence[Part], score: Score, seconds: float, done: Callable[[int], None] = lambda _: None
    ) -> list[Audio]:
        """A stem for each part, on all cores; `done` is called with how many are, in this thread."""
        return over_cores(lambda part: self.play(part, score, seconds), parts, done)

    def _synthesiser(self, part: Part) -> Any:
        """A synthesiser with the part's preset; where the font lacks it, the first of its family, else the piano."""
        bank = _DRUM_BANK if part.is_drum else 0
        wanted = (part.program, part.program // 8 * 8, 0)
        program = next((number for number in wanted if (bank, number) in self._font.presets), None)
        if program is None:
            raise UnreadableFile("the soundfont is not General MIDI: it lacks even the piano")
        notes = zip(part.notes.pitch.tolist(), part.notes.velocity.tolist(), strict=True)
        synth: Any = tinysoundfont.Synth(gain=0.0, samplerate=SAMPLE_RATE)
        font = synth.sfload(self._font.preset(bank, program, notes))
        synth.program_select(0, font, bank, program, part.is_drum)
        return synth


def _run(synth: Any, sound: Audio, start: int, end: int) -> None:
    while start < end:
        count = min(end - start, _MAX_BLOCK)
        block = np.frombuffer(synth.generate(count), dtype=np.float32)
        sound[start : start + count] = block.reshape(count, 2)
        start += count


@cache
def band(font: Path) -> Band:
    """The process's player of this font."""
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
    string_index = np.zeros(len(onsets))
    for index in range(1, len(onsets)):
        if onsets[index] == onsets[index - 1]:
            string_index[index] = string_index[index - 1] + 1
    return string_index * _STRUM_SECONDS
