"""The conformance suite of engines that sing: phones with natural times, then samples at given times and pitches."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from bandmate_music.audio import SAMPLE_RATE
from bandmate_shared.singing.catalogue import SINGERS
from bandmate_shared.singing.check import UnknownVoice
from bandmate_vocal.speech.base import PITCH_STEP, LineScore, LineText, Reading, SingingEngine, SpeechEngine, SungSound
from bandmate_vocal.speech.neural.engine import NeuralEngine
from bandmate_vocal.speech.neural.hibari import HibariNetwork
from bandmate_vocal.synthesis.measure import track
from scipy.signal import resample_poly

WORDS = ("morning", "light", "i", "wander", "home", "again")
NUCLEI = (2, 1, 1, 2, 1, 2)
ENGINES: dict[str, Callable[[], SingingEngine]] = {"hibari": lambda: NeuralEngine(HibariNetwork())}


@pytest.fixture(scope="module", params=ENGINES)
def open_engine(request: pytest.FixtureRequest) -> Callable[[], SingingEngine]:
    """Opens the engine anew, as every job does."""
    return ENGINES[request.param]


@pytest.fixture(scope="module")
def engine(open_engine: Callable[[], SingingEngine]) -> SingingEngine:
    return open_engine()


def read(engine: SingingEngine, *words: str, voice: str = "alto") -> Reading:
    (reading,) = engine.read([LineText(words)], engine.choose_voice("en", voice, 62.0))
    return reading


def score(reading: Reading, hertz: float, stretch: float = 2.0, start: float = 1.0) -> LineScore:
    """The line at one pitch, every vowel `stretch` times as long as it naturally is."""
    song, natural, time = [start], [reading.phones[0].t0], start
    for phone in reading.phones:
        time += (phone.t1 - phone.t0) * (stretch if phone.is_nucleus else 1.0)
        song.append(time)
        natural.append(phone.t1)
    count = int((time - start + 0.6) / PITCH_STEP)
    return LineScore(reading, np.array(song), np.array(natural), start - 0.3, np.full(count, hertz))


def sung(engine: SingingEngine, hertz: float, voice: str = "alto", seed: int = 0) -> tuple[LineScore, SungSound]:
    plan = score(read(engine, *WORDS, voice=voice), hertz)
    return plan, engine.sing(plan, engine.choose_voice("en", voice, 62.0), seed)


def test_it_is_an_engine_that_sings_and_not_one_that_speaks(engine: SingingEngine) -> None:
    assert isinstance(engine, SingingEngine)
    assert not isinstance(engine, SpeechEngine)
    assert engine.usage.billed_characters == 0


def test_words_have_their_offsets_and_phones_follow_each_other_inside_them(engine: SingingEngine) -> None:
    reading, text = read(engine, *WORDS), " ".join(WORDS)
    assert [text[word.char_start : word.char_end] for word in reading.words] == list(WORDS)
    assert all(phone.t0 < phone.t1 for phone in reading.phones)
    assert all(before.t1 <= after.t0 + 1e-9 for before, after in pairwise(reading.phones))
    for phone in reading.phones:
        assert reading.words[phone.word].t0 <= phone.t0
        assert phone.t1 <= reading.words[phone.word].t1


def test_every_syllable_has_its_nucleus(engine: SingingEngine) -> None:
    reading = read(engine, *WORDS)
    counted = [sum(phone.is_nucleus for phone in reading.phones if phone.word == word) for word in range(len(WORDS))]
    assert counted == list(NUCLEI)


def test_a_word_in_brackets_is_pronounced_as_it_says(engine: SingingEngine) -> None:
    assert [phone.ipa for phone in read(engine, "[ˈliːvz]").phones] == ["l", "ˈiː", "v", "z"]
    assert read(engine, "[lɛd]", "pipe").phones[1].ipa == "ɛ"


def test_a_rest_parts_two_words(engine: SingingEngine) -> None:
    voice = engine.choose_voice("en", "alto", 62.0)
    apart, together = engine.read([LineText(("go", "home"), frozenset({0})), LineText(("go", "home"))], voice)
    assert apart.words[1].t0 - apart.words[0].t1 > together.words[1].t0 - together.words[0].t1


@pytest.mark.parametrize(("voice", "hertz"), [("alto", 261.6), ("alto", 392.0), ("tenor", 174.6), ("soprano", 523.3)])
def test_what_is_sung_has_the_given_pitch(engine: SingingEngine, voice: str, hertz: float) -> None:
    plan, line = sung(engine, hertz, voice)
    times, heard = track(resample_poly(line.pcm, SAMPLE_RATE // 300, line.sample_rate // 300), hertz / 3, 3 * hertz)
    edges = plan.song - line.start
    inside = np.zeros(len(times), dtype=bool)
    for phone, begin, end in zip(plan.reading.phones, edges, edges[1:], strict=False):
        inside |= phone.is_nucleus & (times > begin + 0.03) & (times < end - 0.03)
    cents = 1200 * np.log2(heard[inside & ~np.isnan(heard)] / hertz)
    assert len(cents) > 0.65 * inside.sum() > 40
    assert abs(np.median(cents)) < 5
    assert np.mean(np.abs(cents) < 50) > 0.97


def test_vowels_sound_when_they_are_told_to(engine: SingingEngine) -> None:
    plan, line = sung(engine, 261.6)
    edges = np.round((plan.song - line.start) * line.sample_rate).astype(int)
    power = line.pcm.astype(float) ** 2
    vowel = np.zeros(len(power), dtype=bool)
    for phone, begin, end in zip(plan.reading.phones, edges, edges[1:], strict=False):
        vowel[begin:end] = phone.is_nucleus
    line_only = np.arange(edges[0], edges[-1])
    vowels, others = power[line_only][vowel[line_only]], power[line_only][~vowel[line_only]]
    assert 10 * np.log10(vowels.mean() / others.mean()) > 2.5
    assert line.start < plan.song[0]
    assert line.start + len(line.pcm) / line.sample_rate > plan.song[-1]


def test_fricatives_have_the_air_of_a_mouth(engine: SingingEngine) -> None:
    plan = score(read(engine, "sea", "sun", "seven"), 261.6)
    line = engine.sing(plan, engine.choose_voice("en", "alto", 62.0), 0)
    first = round((plan.song[0] - line.start) * line.sample_rate)
    hiss = line.pcm[first : first + round((plan.song[1] - plan.song[0]) * line.sample_rate)]
    spectrum = np.abs(np.fft.rfft(hiss)) ** 2
    high = np.fft.rfftfreq(len(hiss), 1 / line.sample_rate) > 6000
    assert spectrum[high].sum() > 0.1 * spectrum.sum()


def test_a_later_job_gets_the_same_bytes_and_another_seed_others(open_engine: Callable[[], SingingEngine]) -> None:
    _, first = sung(open_engine(), 261.6, seed=1)
    _, second = sung(open_engine(), 261.6, seed=1)
    _, other = sung(open_engine(), 261.6, seed=2)
    assert np.array_equal(first.pcm, second.pcm)
    assert not np.array_equal(first.pcm, other.pcm)


def test_every_singer_sounds_different(engine: SingingEngine) -> None:
    spectra = {}
    for singer in SINGERS:
        _, line = sung(engine, 220.0, singer)
        levels = np.abs(np.fft.rfft(line.pcm)) ** 2
        bands = [band.mean() for band in np.array_split(levels[: len(levels) * 5 // 12], 40)]
        spectra[singer] = 10 * np.log10(np.array(bands) / np.mean(bands))
    for name, levels in spectra.items():
        for other, others in spectra.items():
            assert name == other or np.abs(levels - others).mean() > 0.5, (name, other)


def test_a_breath_has_no_pitch(engine: SingingEngine) -> None:
    air = engine.breath(0.4, engine.choose_voice("en", "alto", 62.0), 1)
    if air is None:
        pytest.skip("this engine has no breath")
    assert len(air.pcm) / air.sample_rate == pytest.approx(0.4, abs=0.05)
    loud = np.diff(air.pcm.astype(float))[len(air.pcm) // 3 :]
    repeats = np.fft.irfft(np.abs(np.fft.rfft(loud, 2 * len(loud))) ** 2)
    assert repeats[60:200].max() < 0.4 * repeats[0]


def test_unknown_voices_and_languages_are_refused_with_a_list(engine: SingingEngine) -> None:
    with pytest.raises(UnknownVoice, match=r"no voice 'pavarotti'.*soprano, alto, tenor, bass"):
        engine.choose_voice("en", "pavarotti", 60.0)
    with pytest.raises(UnknownVoice, match=r"'tlh'.*en"):
        engine.choose_voice("tlh", None, 60.0)
    with pytest.raises(UnknownVoice, match="'nobody'"):
        engine.read([LineText(("la",))], "nobody")


def test_the_voice_matches_the_range_of_the_melody(engine: SingingEngine) -> None:
    assert engine.choose_voice("en", None, 64.0) == "alto"
    assert engine.choose_voice("en", None, 74.0) == "soprano"
    assert engine.choose_voice("en-US", None, 52.0) == "tenor"
    assert engine.choose_voice("EN_us", "Bass", 74.0) == "bass"


@pytest.mark.parametrize("word", ["—", "😀", "a\x00b", "]]></speak>", "naïve", "\ud800odd", "你好", "[]", "x" * 300])
def test_any_word_is_sung(engine: SingingEngine, word: str) -> None:
    reading = read(engine, "la", word, "la")
    assert len(reading.words) == 3
    assert {phone.word for phone in reading.phones} == {0, 1, 2}
    assert any(phone.is_nucleus for phone in reading.phones)


def test_a_long_line_is_sung_to_its_end(engine: SingingEngine) -> None:
    reading = read(engine, *(["wander", "home"] * 60))
    assert sum(phone.is_nucleus for phone in reading.phones) == 180
    line = engine.sing(score(reading, 220.0), engine.choose_voice("en", "alto", 62.0), 0)
    last = line.pcm[round((score(reading, 220.0).song[-3] - line.start) * line.sample_rate) :]
    assert np.sqrt(np.mean(last**2)) > 0.1 * np.sqrt(np.mean(line.pcm**2))
