"""The speech engine's process: the same bytes each time, honest errors, and the library kept out of this process."""

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from bandmate_shared.singing.check import UnknownVoice
from bandmate_vocal.speech.base import Utterance
from bandmate_vocal.speech.errors import SpeechEngineMissing, SpeechFailed
from bandmate_vocal.speech.espeak.engine import EspeakEngine

from tests.support.numba_cache import pyin

LINE = Utterance("in the morning light i wander", 100, 220.0)


def test_speaks_words_and_phones_in_time() -> None:
    (speech,) = EspeakEngine().speak([LINE], "en-us")
    assert speech.sample_rate == 22050
    assert [phone.ipa for phone in speech.phones[:3]] == ["ɪ", "n", "ð"]
    assert [LINE.text[word.char_start :].split()[0] for word in speech.words] == [
        "in",
        "morning",
        "light",
        "i",
        "wander",
    ]
    times = [(phone.t0, phone.t1) for phone in speech.phones]
    assert all(t0 < t1 for t0, t1 in times)
    assert all(before[1] <= after[0] + 1e-9 for before, after in pairwise(times))
    assert times[-1][1] <= len(speech.pcm) / speech.sample_rate
    assert sum(phone.is_nucleus for phone in speech.phones) == 8
    assert {viseme.name for viseme in speech.visemes} >= {"i", "t", "T", "O"}


def test_holds_the_pitch_it_is_asked_for() -> None:
    for pitch in (110.0, 262.0, 440.0):
        (speech,) = EspeakEngine().speak([Utterance("sing a song", 100, pitch)], "en-us")
        hertz, voiced, _ = pyin(speech.pcm, fmin=70, fmax=700, sr=speech.sample_rate)
        assert np.median(hertz[voiced]) == pytest.approx(pitch, rel=0.01)


def test_equal_requests_give_equal_bytes_in_any_order() -> None:
    other = Utterance("hush little baby", 120, 300.0)
    engine = EspeakEngine()
    alone = engine.speak([LINE], "en-us+linda")[0].pcm
    after_others = engine.speak([other, LINE, LINE], "en-us+linda")
    assert np.array_equal(alone, after_others[1].pcm)
    assert np.array_equal(alone, after_others[2].pcm)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_library_is_never_loaded_here() -> None:
    EspeakEngine().speak([LINE], "en-us")
    assert "espeak" not in Path("/proc/self/maps").read_text()
    assert "espeakng_loader" not in sys.modules


def test_a_voice_that_does_not_exist_is_refused_with_the_list() -> None:
    engine = EspeakEngine()
    with pytest.raises(UnknownVoice, match=r"en-gb.*fr-fr"):
        engine.speak([LINE], "xx-yy")
    with pytest.raises(UnknownVoice, match=r"alto.*linda.*en-us"):
        engine.choose_voice("en", "pavarotti", 60.0)
    with pytest.raises(UnknownVoice, match=r"'tlh'.*en-us"):
        engine.choose_voice("tlh", None, 60.0)


@pytest.mark.parametrize(
    ("language", "voice", "pitch", "chosen"),
    [
        ("en", None, 67.0, "en-us+linda"),
        ("en", None, 50.0, "en-us"),
        ("de", "Alto", 50.0, "de+linda"),
        ("en-GB", "bass", 60.0, "en-gb+m3"),
        ("en", "f5", 60.0, "en-us+f5"),
        ("en", "fr-fr+linda", 60.0, "fr-fr+linda"),
    ],
)
def test_singers_variants_and_codes_are_understood(language: str, voice: str | None, pitch: float, chosen: str) -> None:
    engine = EspeakEngine()
    assert engine.choose_voice(language, voice, pitch) == chosen
    assert len(engine.speak([Utterance("la la", 120, 200.0)], chosen)[0].phones) >= 4


def test_a_missing_engine_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SpeechEngineMissing, match=r"pip install bandmate-vocal\[espeak\]"):
        EspeakEngine().speak([LINE], "en-us")
    with pytest.raises(SpeechEngineMissing, match="no libespeak-ng"):
        EspeakEngine(folder=tmp_path).speak([LINE], "en-us")


def test_a_broken_slow_or_starved_engine_is_a_retryable_failure(tmp_path: Path) -> None:
    (tmp_path / "libespeak-ng.so").write_text("not a library")
    for engine in (
        EspeakEngine(folder=tmp_path),
        EspeakEngine(timeout_seconds=0.001),
        EspeakEngine(memory_bytes=5_000_000),
    ):
        with pytest.raises(SpeechFailed) as raised:
            engine.speak([LINE], "en-us")
        assert raised.value.retryable
