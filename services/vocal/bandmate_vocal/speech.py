"""The one interface behind which a voice speaks: text in, samples with timed words and phones out.

Implementations: `espeak_process.EspeakEngine`. A singer needs more of an engine than a reader does: steady pitch and
the exact time of every phone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from bandmate_shared.errors import BandmateError, InvalidRequest
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


class SpeechEngineMissing(BandmateError):
    """No speech engine is installed on the worker. Installing one mends it; trying again does not."""

    type = "speech-engine-missing"
    title = "No speech engine is installed"
    status = 503


class SpeechFailed(BandmateError):
    """The engine's process crashed, hung, or answered nonsense. A fresh one may do better."""

    type = "speech-failed"
    title = "The speech engine failed"
    status = 503
    retryable = True


class UnknownVoice(InvalidRequest):
    """The voice or language asked for does not exist; the detail lists what does."""

    type = "unknown-voice"
    title = "There is no such voice"


@dataclass(frozen=True, slots=True)
class Utterance:
    """What to say in one breath: `rate` in words a minute, `pitch` the constant fundamental in Hz."""

    text: str
    rate: int
    pitch: float


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word as the engine cut it; `char_start`, `char_end` are offsets into the utterance's text."""

    char_start: int
    char_end: int
    t0: float
    t1: float


@dataclass(frozen=True, slots=True)
class Phone:
    """One speech sound. `t0`, `t1` in seconds; `is_nucleus`: it carries a syllable; `word` indexes Speech.words."""

    ipa: str
    t0: float
    t1: float
    is_nucleus: bool
    word: int


@dataclass(frozen=True, slots=True)
class Viseme:
    """A mouth shape that begins at `t` seconds, in the names Amazon Polly uses."""

    name: str
    t: float


@dataclass(frozen=True, slots=True)
class Speech:
    """A spoken utterance: `pcm` is mono in -1..1, of constant fundamental `pitch` Hz where it is voiced."""

    pcm: FloatArray
    sample_rate: int
    pitch: float
    words: tuple[SpokenWord, ...]
    phones: tuple[Phone, ...]
    visemes: tuple[Viseme, ...]


class SpeechEngine(Protocol):
    """What every engine offers. Equal arguments give equal bytes, whatever was said before."""

    @property
    def name(self) -> str: ...

    def speak(self, utterances: Sequence[Utterance], voice: str) -> list[Speech]:
        """Say each utterance, in order. Raises UnknownVoice, SpeechEngineMissing, SpeechFailed."""
        ...

    def choose_voice(self, language: str, voice: str | None, middle_pitch: float) -> str:
        """What to pass to `speak` for a request's language and voice (None: one that suits a melody around that MIDI
        pitch). Raises UnknownVoice, whose detail lists what there is."""
        ...
