"""A song sung once for all tests of its sound, and a pitch tracker independent of the service's."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from bandmate_shared.contracts.vocals import SungNote
from bandmate_vocal.speech.base import SingingEngine, SpeechEngine
from bandmate_vocal.speech.espeak.engine import EspeakEngine
from bandmate_vocal.synthesis.performance import PreparedLyrics, perform, prepare_lyrics
from bandmate_vocal.synthesis.tone import polish
from numpy.typing import NDArray

from tests.support.ear import hear
from tests.support.polly_server import PollyServer

SAMPLE_RATE = 44100

LINES = [
    ("In the mor-ning light I wan-der home a-gain", (60, 60, 64, 62, 60, 64, 67, 65, 64, 62, 60)),
    ("O-ver hills of sil-ver through the fal-ling rain", (62, 64, 65, 65, 67, 69, 67, 65, 64, 62, 64)),
    ("Till the fi-re's burn-ing and the night is gone", (60, 62, 64, 65, 67, 65, 64, 64, 62, 62, 60)),
]
BEATS = (0.5, 0.5, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 1, 0.5, 2)


@dataclass(frozen=True)
class Sung:
    """A melody, what was spoken for it, and the voice, [samples] at 44.1 kHz."""

    notes: list[SungNote]
    seconds: float
    spoken: PreparedLyrics
    voice: NDArray[np.float32]


def syllables_of(text: str) -> list[tuple[str, bool]]:
    """'mor-ning light' → (mor, False), (ning, True), (light, True)."""
    return [
        (part, number == len(parts) - 1)
        for parts in (word.split("-") for word in text.split())
        for number, part in enumerate(parts)
    ]


def melody(transpose: int = 0, tempo: float = 96.0) -> tuple[list[SungNote], float]:
    """Three lines with a rest after each; returns the notes and the length of the song."""
    beat, time, notes = 60.0 / tempo, 0.3, []
    for text, pitches in LINES:
        syllables = syllables_of(text)
        for number, ((syllable, word_end), pitch, beats) in enumerate(zip(syllables, pitches, BEATS, strict=True)):
            last = number == len(pitches) - 1
            sung = {"syllable": syllable, "word_end": word_end, "line_end": last}
            notes.append(SungNote(onset=time, duration=beats * beat, pitch=pitch + transpose, **sung))
            time += beats * beat
        time += beat
    return notes, time + 0.3


def eighths(tempo: float) -> tuple[list[SungNote], float]:
    """A run of eighths with leaps, without a rest: the hard case for pitch and for consonants."""
    text = "The quick brown fox is jump-ing o-ver la-zy dogs and sing-ing all the way back home to see the sun a-gain"
    random = np.random.default_rng(3)
    step, time, pitch, notes = 30.0 / tempo, 0.3, 64, []
    for syllable, word_end in syllables_of(text):
        pitch = int(np.clip(pitch + random.choice([-5, -4, -2, -1, 1, 2, 3, 4]), 57, 74))
        notes.append(SungNote(onset=time, duration=step, pitch=pitch, syllable=syllable, word_end=word_end))
        time += step
    return notes, time + 0.5


def sing(
    notes: list[SungNote],
    seconds: float,
    voice: str = "en-us+linda",
    engine: SpeechEngine | SingingEngine | None = None,
) -> Sung:
    spoken = prepare_lyrics(notes, engine or EspeakEngine(), voice)
    return Sung(notes, seconds, spoken, polish(perform(spoken, notes, seconds, 1)))


def raw_pitch_accuracy(voice: NDArray[np.float32], notes: Sequence[SungNote]) -> tuple[float, float]:
    """By librosa's pYIN: share of voiced frames inside notes within 50 cents, and the worst note's median in cents.

    Inside: without the first 20 and the last 50 ms, where the voice glides from note to note (at most a quarter each).
    """
    rows = [(note.onset, note.duration, note.pitch) for note in notes]
    judgement = hear(voice, SAMPLE_RATE, rows, skip_begin=0.02, skip_end=0.05)
    return judgement.share, judgement.worst_cents


@pytest.fixture(scope="session")
def sung() -> Sung:
    return sing(*melody())


@pytest.fixture(scope="session")
def singing() -> "Callable[..., Sung]":
    return sing


@pytest.fixture(scope="session")
def melodies() -> dict[str, tuple[list[SungNote], float]]:
    return {"alto": melody(), "tenor": melody(-12), "eighths": eighths(140.0)}


@pytest.fixture(scope="session")
def pitch_judge() -> "Callable[[NDArray[np.float32], Sequence[SungNote]], tuple[float, float]]":
    return raw_pitch_accuracy


@pytest.fixture(scope="session")
def judged(sung: Sung) -> tuple[float, float]:
    """The independent tracker's judgement of `sung`."""
    return raw_pitch_accuracy(sung.voice, sung.notes)


@pytest.fixture
def polly(monkeypatch: pytest.MonkeyPatch) -> Iterator[PollyServer]:
    """Amazon Polly on loopback, and an environment that leads there."""
    with PollyServer() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_POLLY", server.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDTEST")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        yield server
