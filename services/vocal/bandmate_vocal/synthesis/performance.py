"""Sing a melody with words, by either kind of engine: prepare the words, then perform them."""

from collections.abc import Callable, Sequence

import numpy as np
from bandmate_shared.contracts.vocals import SungNote
from numpy.typing import NDArray

from bandmate_vocal.speech.base import SingingEngine, SpeechEngine
from bandmate_vocal.synthesis.retuned import SpokenLyrics, retune, speak_lyrics
from bandmate_vocal.synthesis.sung import ReadLyrics, read_lyrics, sing_lines

PreparedLyrics = SpokenLyrics | ReadLyrics


def prepare_lyrics(
    notes: Sequence[SungNote],
    engine: SpeechEngine | SingingEngine,
    voice: str,
    progress: Callable[[float], None] = lambda _: None,
) -> PreparedLyrics:
    """Have the words spoken or read, and laid out in time.

    Raises what the engine raises (UnknownVoice, SpeechEngineMissing, SpeechFailed).
    """
    if isinstance(engine, SingingEngine):
        return read_lyrics(notes, engine, voice, progress)
    return speak_lyrics(notes, engine, voice, progress)


def perform(
    lyrics: PreparedLyrics,
    notes: Sequence[SungNote],
    seconds: float,
    seed: int,
    progress: Callable[[float], None] = lambda _: None,
) -> NDArray[np.float32]:
    """The dry voice: mono at SAMPLE_RATE, exactly `seconds` long, silent in the rests, the same for the same seed."""
    if isinstance(lyrics, ReadLyrics):
        return sing_lines(lyrics, notes, seconds, seed, progress)
    return retune(lyrics, notes, seconds, seed, progress)
