"""The one interface behind which a voice speaks: text in, samples with timed words and phones out.

Implementations: `espeak_process.EspeakEngine`, `polly_engine.PollyEngine`. A singer needs more of an engine than a
reader does: the exact time of every phone, and a steady pitch if it can be had.
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
    """What to say in one breath: `rate` in words a minute, `pitch` the constant fundamental in Hz.

    Without a pitch it is said as people speak, up and down; so says everything an engine that cannot hold a pitch.
    """

    text: str
    rate: int
    pitch: float | None


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
    """A spoken utterance: `pcm` is mono in -1..1, of constant fundamental `pitch` Hz where it is voiced.

    `pitch` None: the fundamental varies, and has to be followed (`contour`).
    """

    pcm: FloatArray
    sample_rate: int
    pitch: float | None
    words: tuple[SpokenWord, ...]
    phones: tuple[Phone, ...]
    visemes: tuple[Viseme, ...]


def spoken_words(spans: Sequence[tuple[int, int, float]], phones: Sequence[Phone]) -> tuple[SpokenWord, ...]:
    """Words from (char_start, char_end, begin in seconds): each lasts from its first phone to the end of its last.

    What has no phones of its own begins when it is said to, and takes no time.
    """
    times = [(begin, begin) for _, _, begin in spans]
    heard: set[int] = set()
    for phone in phones:
        begin = times[phone.word][0] if phone.word in heard else phone.t0
        times[phone.word] = (begin, phone.t1)
        heard.add(phone.word)
    return tuple(SpokenWord(a, b, t0, t1) for (a, b, _), (t0, t1) in zip(spans, times, strict=True))


@dataclass(frozen=True, slots=True)
class Usage:
    """What an engine has asked of a paid service since it was opened."""

    billed_characters: int = 0
    requests: int = 0
    from_cache: int = 0
    """Utterances that were found in the object store instead."""


class SpeechEngine(Protocol):
    """What every engine offers; `tests/contract/test_speech_engine.py` is its conformance suite.

    Equal arguments give equal bytes, whatever was said before.
    """

    @property
    def name(self) -> str: ...

    @property
    def holds_pitch(self) -> bool:
        """Whether utterances are spoken at their `pitch`. If not, one recording serves every pitch as well as many."""
        ...

    @property
    def usage(self) -> Usage: ...

    def speak(self, utterances: Sequence[Utterance], voice: str) -> list[Speech]:
        """Say each utterance, in order. Raises UnknownVoice, SpeechEngineMissing, SpeechFailed."""
        ...

    def choose_voice(self, language: str, voice: str | None, middle_pitch: float) -> str:
        """What to pass to `speak` for a request's language and voice (None: one that suits a melody around that MIDI
        pitch). Raises UnknownVoice, whose detail lists what there is."""
        ...
