"""The interface of engines, of which there are two kinds.

- A `SpeechEngine` speaks: text in, samples with timed words and phones out; `synthesis` retunes them by PSOLA.
  `espeak.engine.EspeakEngine`, `polly.engine.PollyEngine`, `neural.speaking_engine.SpeakingEngine`.
- A `SingingEngine` sings: it says how long each phone of a line would naturally last, is told when each is sung and
  at which pitch, and gives the sung samples. `neural.engine.NeuralEngine`.

Both need the exact time of every phone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from bandmate_vocal.speech import ipa

FloatArray = NDArray[np.float32]
Curve = NDArray[np.float64]
PITCH_STEP = 0.001
"""Seconds between points of a pitch curve."""

_SPLIT = 0.6
"""Where a phone of two nuclei ("aɪɚ") is cut, as a share of its length."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """A line to speak: `rate` in words per minute, `pitch` the constant fundamental in Hz.

    Without a pitch it gets the intonation of speech, as everything does from an engine that cannot hold a pitch.
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
    begun_words: set[int] = set()
    for phone in phones:
        begin = times[phone.word][0] if phone.word in begun_words else phone.t0
        times[phone.word] = (begin, phone.t1)
        begun_words.add(phone.word)
    return tuple(SpokenWord(a, b, t0, t1) for (a, b, _), (t0, t1) in zip(spans, times, strict=True))


def syllabic_phones(speech: Speech) -> list[Phone]:
    """The phones, each with at most one nucleus: one with two ("aɪɚ") is cut in two."""
    phones: list[Phone] = []
    for phone in speech.phones:
        if ipa.nuclei(phone.ipa) < 2:
            phones.append(phone)
            continue
        middle = phone.t0 + _SPLIT * (phone.t1 - phone.t0)
        phones.append(replace(phone, ipa=phone.ipa[:-1], t1=middle))
        phones.append(replace(phone, ipa=phone.ipa[-1], t0=middle))
    return phones


@dataclass(frozen=True, slots=True)
class Usage:
    """Use of a paid service since the engine was opened."""

    billed_characters: int = 0
    requests: int = 0
    from_cache: int = 0
    """Utterances that were found in the object store instead."""


class Engine(Protocol):
    """What both kinds of engine share. Equal arguments give equal bytes, whatever was said before."""

    @property
    def name(self) -> str: ...

    @property
    def usage(self) -> Usage: ...

    def choose_voice(self, language: str, voice: str | None, middle_pitch: float) -> str:
        """What to pass to the engine for a request's language and voice (None: one that suits a melody around that
        MIDI pitch). Raises UnknownVoice, whose detail lists what there is."""
        ...


@runtime_checkable
class SpeechEngine(Engine, Protocol):
    """Speaks utterances; `tests/contract/test_speech_engine.py` is its conformance suite."""

    @property
    def holds_pitch(self) -> bool:
        """Whether utterances are spoken at their `pitch`. If not, one recording serves every pitch as well as many."""
        ...

    def speak(self, utterances: Sequence[Utterance], voice: str) -> list[Speech]:
        """Say each utterance, in order. Raises UnknownVoice, SpeechEngineMissing, SpeechFailed."""
        ...


@dataclass(frozen=True, slots=True)
class LineText:
    """A line to sing: its words, and the numbers of those after which the melody rests.

    A word in square brackets is its pronunciation in IPA: "[ˈliːvz]".
    """

    words: tuple[str, ...]
    rests: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Reading:
    """How a singing engine says a line: words (offsets into them joined by spaces), phones, and their natural times.

    An engine that needs more to sing it later returns a subclass.
    """

    words: tuple[SpokenWord, ...]
    phones: tuple[Phone, ...]


@dataclass(frozen=True, slots=True)
class LineScore:
    """When and at which pitch a line is sung.

    At `song[i]` seconds of the song sounds what lies at `read[i]` seconds of the reading; both rise, and between two
    points time runs evenly. `pitch` in Hz, one value every PITCH_STEP from `pitch_start` seconds of the song on.
    """

    reading: Reading
    song: Curve
    read: Curve
    pitch_start: float
    pitch: Curve


@dataclass(frozen=True, slots=True)
class SungSound:
    """Samples of a line, mono in about -1..1; the first sounds at `start` seconds of the song.

    They go on a little before and after the line, so that lines can be joined by a crossfade.
    """

    pcm: FloatArray
    sample_rate: int
    start: float


@runtime_checkable
class SingingEngine(Engine, Protocol):
    """Sings lines; `tests/contract/test_singing_engine.py` is its conformance suite."""

    def read(self, lines: Sequence[LineText], voice: str) -> list[Reading]:
        """Pronounce each line, in order. Raises UnknownVoice, SpeechEngineMissing, SpeechFailed."""
        ...

    def sing(self, score: LineScore, voice: str, seed: int) -> SungSound:
        """Sing a line that this engine has read. Raises what `read` does."""
        ...

    def breath(self, seconds: float, voice: str, seed: int) -> SungSound | None:
        """An intake of air, root mean square 1 where it is loudest; None where the engine has none."""
        ...
