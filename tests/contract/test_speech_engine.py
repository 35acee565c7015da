"""The conformance suite of speech engines: espeak-ng and SVOX Pico in processes of their own, Amazon Polly by its wire
format.

Polly runs with both of its engines, and once as on a machine without espeak-ng.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from bandmate_shared.objects.directory import DirectoryStorage
from bandmate_shared.singing.check import UnknownVoice
from bandmate_vocal.speech.base import Speech, SpeechEngine, Utterance
from bandmate_vocal.speech.espeak.engine import EspeakEngine
from bandmate_vocal.speech.pico.engine import PicoEngine
from bandmate_vocal.speech.polly.client import PollyClient
from bandmate_vocal.speech.polly.engine import PollyEngine

from tests.support.numba_cache import pyin
from tests.support.polly_server import PollyServer

LINE = "morning light i wander home again"
NUCLEI = {"morning": 2, "light": 1, "i": 1, "wander": 2, "home": 1, "again": 2}


@pytest.fixture(scope="module")
def polly() -> Iterator[PollyServer]:
    with PollyServer() as server:
        yield server


@pytest.fixture(params=["espeak", "pico", "polly-neural", "polly-standard", "polly-alone"])
def open_engine(
    request: pytest.FixtureRequest, polly: PollyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], SpeechEngine]:
    """Opens the engine anew, as every job does, with the same cache."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_POLLY", polly.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDTEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    kind, _, form = request.param.partition("-")
    if kind == "espeak":
        return EspeakEngine
    if kind == "pico":
        pytest.importorskip("py_nanotts", reason="SVOX Pico has wheels for Linux on x86-64 only")
        return lambda: PicoEngine(EspeakEngine())
    client = PollyClient("standard" if form == "alone" else form)
    espeak = None if form == "alone" else EspeakEngine()
    return lambda: PollyEngine(client, DirectoryStorage(tmp_path), espeak=espeak)


@pytest.fixture
def engine(open_engine: Callable[[], SpeechEngine]) -> SpeechEngine:
    return open_engine()


def say(engine: SpeechEngine, *texts: str, language: str = "en", rate: int = 110) -> list[Speech]:
    voice = engine.choose_voice(language, None, 62.0)
    return engine.speak([Utterance(text, rate, 220.0) for text in texts], voice)


def words_of(speech: Speech, text: str) -> list[str]:
    return [text[word.char_start : word.char_end].strip() for word in speech.words]


def test_words_have_their_offsets_in_the_text(engine: SpeechEngine) -> None:
    (speech,) = say(engine, LINE)
    assert words_of(speech, LINE) == LINE.split()


def test_offsets_count_characters_not_bytes_and_not_markup(engine: SpeechEngine) -> None:
    text = "grüße & küsse <fröhlich> für's mädchen"
    (speech,) = say(engine, text, language="de")
    words = words_of(speech, text)
    for word in ("grüße", "küsse", "fröhlich", "mädchen"):
        assert sum(word in spoken for spoken in words) == 1, words
    starts = [word.char_start for word in speech.words]
    assert starts == sorted(starts)


def test_phones_follow_each_other_inside_their_words(engine: SpeechEngine) -> None:
    (speech,) = say(engine, LINE)
    assert all(phone.t0 < phone.t1 for phone in speech.phones)
    assert all(before.t1 <= after.t0 + 1e-9 for before, after in pairwise(speech.phones))
    assert speech.phones[-1].t1 <= len(speech.pcm) / speech.sample_rate + 1e-9
    for phone in speech.phones:
        word = speech.words[phone.word]
        assert word.t0 - 0.002 <= phone.t0
        assert phone.t1 <= word.t1 + 0.002


def test_every_syllable_has_its_nucleus(engine: SpeechEngine) -> None:
    (speech,) = say(engine, LINE)
    counted = dict.fromkeys(NUCLEI, 0)
    for phone in speech.phones:
        word = speech.words[phone.word]
        counted[LINE[word.char_start : word.char_end].strip()] += phone.is_nucleus
    assert counted == NUCLEI


def test_vowels_sound_where_the_phones_say(engine: SpeechEngine) -> None:
    """Speech is louder inside vowels than elsewhere, which a shift by half a syllable would break."""
    (speech,) = say(engine, LINE)
    power = speech.pcm.astype(float) ** 2
    vowels = np.zeros(len(power), dtype=bool)
    for phone in speech.phones:
        if phone.is_nucleus:
            vowels[int(phone.t0 * speech.sample_rate) : int(phone.t1 * speech.sample_rate)] = True
    contrast = 10 * np.log10(power[vowels].mean() / power[~vowels].mean())
    if engine.name != "pico":
        assert contrast > 4.0
        return
    # Pico's consonants are nearly as loud as its vowels: the contrast is small, and less where the vowels are shifted.
    shifted = np.roll(vowels, int(0.08 * speech.sample_rate)), np.roll(vowels, -int(0.08 * speech.sample_rate))
    assert all(contrast > 10 * np.log10(power[other].mean() / power[~other].mean()) + 0.5 for other in shifted)
    assert contrast > 1.0


def test_visemes_have_pollys_names_and_ascend(engine: SpeechEngine) -> None:
    (speech,) = say(engine, LINE)
    assert {viseme.name for viseme in speech.visemes} <= set("ptSTfkrsiu@aeEoO") | {"sil"}
    times = [viseme.t for viseme in speech.visemes]
    assert times == sorted(times)
    assert speech.visemes[0].name == "p"


def test_a_batch_is_answered_in_order(engine: SpeechEngine) -> None:
    texts = [LINE, "over hills of silver", "la", LINE]
    batch = say(engine, *texts)
    for text, speech in zip(texts, batch, strict=True):
        (alone,) = say(engine, text)
        assert np.array_equal(alone.pcm, speech.pcm)
        assert alone.phones == speech.phones
        assert words_of(speech, text)[0] == text.split()[0]


def test_a_later_job_gets_the_same_bytes(open_engine: Callable[[], SpeechEngine]) -> None:
    (first,) = say(open_engine(), LINE)
    (second,) = say(open_engine(), LINE)
    assert np.array_equal(first.pcm, second.pcm)
    assert (first.words, first.phones, first.visemes) == (second.words, second.phones, second.visemes)


def test_repeated_text_is_not_billed_twice(open_engine: Callable[[], SpeechEngine], polly: PollyServer) -> None:
    first, second = open_engine(), open_engine()
    say(first, LINE, "la la")
    calls = len(polly.calls)
    say(second, LINE, "la la")
    assert len(polly.calls) == calls
    assert second.usage.billed_characters == 0
    if not first.name.startswith("polly"):
        assert first.usage == second.usage
        assert first.usage.requests == 0
    else:
        # Each utterance is billed twice, for its sound and for its marks; tags cost nothing.
        assert first.usage.billed_characters == 2 * (len(LINE) + len("la la"))
        assert (first.usage.requests, second.usage.from_cache) == (4, 2)


def test_a_slower_rate_gives_longer_speech(engine: SpeechEngine) -> None:
    (slow,), (fast,) = say(engine, LINE, rate=80), say(engine, LINE, rate=200)
    assert len(slow.pcm) / slow.sample_rate > 1.5 * len(fast.pcm) / fast.sample_rate


def test_an_unknown_voice_is_refused_with_a_list(engine: SpeechEngine) -> None:
    with pytest.raises(UnknownVoice, match="has no voice 'nobody'; it has"):
        engine.speak([Utterance("la", 110, 220.0)], "nobody")
    with pytest.raises(UnknownVoice, match=r"no voice 'pavarotti'.*soprano, alto, tenor, bass"):
        engine.choose_voice("en", "pavarotti", 60.0)
    with pytest.raises(UnknownVoice, match=r"'tlh'.*(en-us|en-US)"):
        engine.choose_voice("tlh", None, 60.0)


def test_the_voice_matches_the_range_of_the_melody(engine: SpeechEngine) -> None:
    high, low = engine.choose_voice("en", None, 67.0), engine.choose_voice("en", None, 48.0)
    assert high != low
    assert engine.choose_voice("EN_us", "Alto", 48.0) == high
    assert engine.choose_voice("en", "tenor", 67.0) == low


@pytest.mark.parametrize("text", ["", "   ", "—", "…!?", "\n"])
def test_empty_text_is_no_error(engine: SpeechEngine, text: str) -> None:
    (speech, after) = say(engine, text, "la")
    assert speech.phones == ()
    assert after.phones


@pytest.mark.parametrize(
    "text",
    [
        "a\x00b",
        "bell \x07 rings",
        "]]> <!-- x --> </speak>",
        "&amp; &#65;",
        "tab\tnew\nline",
        "naïve 😀 day",
        "\ud800 odd",
    ],
)
def test_hostile_text_is_spoken(engine: SpeechEngine, text: str) -> None:
    speech, after = say(engine, text, "la")
    assert all(0 <= word.char_start < word.char_end <= len(text) for word in speech.words)
    assert after.phones


def test_long_text_is_spoken_to_its_end(engine: SpeechEngine) -> None:
    text = " ".join(["wander home"] * 300)
    assert len(text) > 3500
    (speech,) = say(engine, text, rate=240)
    assert len(speech.words) == 600
    assert text[speech.words[-1].char_start :].strip() == "home"
    assert all(before.t1 <= after.t0 + 1e-9 for before, after in pairwise(speech.phones))
    assert sum(phone.is_nucleus for phone in speech.phones) == 900


def test_the_pitch_is_as_reported(engine: SpeechEngine) -> None:
    voice = engine.choose_voice("en", "alto", 62.0)
    for pitch in (196.0, 311.0):
        (speech,) = engine.speak([Utterance(LINE, 110, pitch)], voice)
        hertz, voiced, _ = pyin(speech.pcm, fmin=60, fmax=600, sr=speech.sample_rate)
        cents = 1200 * np.log2(hertz[voiced & ~np.isnan(hertz)] / pitch)
        if engine.holds_pitch:
            assert speech.pitch == pytest.approx(pitch, abs=0.5)
            assert abs(np.median(cents)) < 15
            assert np.percentile(np.abs(cents), 90) < 40
        else:
            assert speech.pitch is None
            assert cents.std() > 60
