"""Voices that sing with the lead: a double, a second voice in thirds or sixths, a choir.

The rule of the second voice: in the key of the melody (found from its notes) it sings two steps of the scale below each
note for thirds, five for sixths. A note that is not of the scale is taken as the scale's note below it, and the second
voice as much above its own. Words, timing and melismas are the lead's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from bandmate_music.analysis.key_finder import find_key
from bandmate_music.audio import SAMPLE_RATE
from bandmate_shared.contracts.vocals import HIGHEST_PITCH, LOWEST_PITCH, Ensemble, SungNote
from bandmate_shared.singing.singers import singer_for
from numpy.typing import NDArray

from bandmate_vocal.speech.base import SingingEngine, SpeechEngine
from bandmate_vocal.synthesis.performance import perform, prepare_lyrics
from bandmate_vocal.synthesis.tone import polish

_SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
_THIRD, _SIXTH, _OCTAVE = 2, 5, 7
_TICKS_PER_SECOND = 960


@dataclass(frozen=True, slots=True)
class BackingVoice:
    """A voice beside the lead: `steps` of the scale below it, `singer` None for the lead's own or the one that suits,
    `delay` in seconds, `level` in dB of the lead's."""

    steps: int
    singer: str | None
    delay: float
    level: float


ENSEMBLES: dict[Ensemble, tuple[BackingVoice, ...]] = {
    "solo": (),
    "double": (BackingVoice(0, None, 0.018, -7.0), BackingVoice(0, None, -0.012, -9.0)),
    "thirds": (BackingVoice(_THIRD, None, 0.012, -6.0),),
    "sixths": (BackingVoice(_SIXTH, None, 0.012, -6.0),),
    "choir": (
        BackingVoice(0, "soprano", 0.016, -5.0),
        BackingVoice(0, "dark", -0.014, -5.0),
        BackingVoice(0, "breathy", 0.027, -6.0),
        BackingVoice(_THIRD, "alto", 0.01, -6.0),
        BackingVoice(_SIXTH, "tenor", 0.021, -6.0),
        BackingVoice(_OCTAVE, "bass", 0.008, -6.0),
    ),
}
"""Who sings with the lead. Delays keep voices apart, as people do; pitch drifts and vibratos differ by the seed."""


def sing_backing(
    ensemble: Ensemble,
    notes: Sequence[SungNote],
    lead: str,
    engine: SpeechEngine | SingingEngine,
    language: str,
    seconds: float,
    seed: int,
    progress: Callable[[float], None] = lambda _: None,
) -> NDArray[np.float32] | None:
    """The voices beside a lead that sings `notes` as `lead`, together, [samples]; None for a solo."""
    voices = ENSEMBLES[ensemble]
    if not voices:
        return None
    total = np.zeros(round(seconds * SAMPLE_RATE), dtype=np.float32)
    for number, backing in enumerate(voices):
        own = [_delayed(note, backing.delay) for note in lower_voice(notes, backing.steps)]
        pitches = [note.pitch for note in own]
        singer = backing.singer or (singer_for(pitches).name if backing.steps else None)
        voice = engine.choose_voice(language, singer, float(np.median(pitches))) if singer else lead
        dry = perform(prepare_lyrics(own, engine, voice), own, seconds, seed + 101 * (number + 1))
        total += polish(dry) * np.float32(10.0 ** (backing.level / 20.0))
        progress((number + 1) / len(voices))
    return total


def lower_voice(notes: Sequence[SungNote], steps: int) -> list[SungNote]:
    """The notes `steps` of the melody's scale lower; 0: as they are. What would be too low for a voice stays above."""
    if not steps:
        return list(notes)
    onset, duration = (
        np.array([round(value * _TICKS_PER_SECOND) for value in column], dtype=np.int64)
        for column in ([note.onset for note in notes], [max(note.duration, 0.01) for note in notes])
    )
    pitch = np.array([note.pitch for note in notes], dtype=np.int64)
    key = find_key(onset, duration, pitch, _TICKS_PER_SECOND // 2).key
    scale = _SCALES[key.mode]
    return [note.model_copy(update={"pitch": _below(note.pitch, steps, key.tonic, scale)}) for note in notes]


def _below(pitch: int, steps: int, tonic: int, scale: Sequence[int]) -> int:
    octave, rest = divmod(pitch - tonic, 12)
    degree = max(index for index, semitones in enumerate(scale) if semitones <= rest)
    raised = rest - scale[degree]
    lower_octaves, lower_degree = divmod(degree - steps, len(scale))
    lowered = tonic + 12 * (octave + lower_octaves) + scale[lower_degree] + raised
    return min(max(lowered, LOWEST_PITCH), HIGHEST_PITCH)


def _delayed(note: SungNote, seconds: float) -> SungNote:
    return note.model_copy(update={"onset": max(0.0, note.onset + seconds)})
