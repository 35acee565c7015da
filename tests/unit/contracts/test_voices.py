"""Voices, engines and languages that contradict each other are refused with the nearest that would do."""

from pathlib import Path

import pytest
from bandmate_music.theory.note_names import note_name
from bandmate_shared.errors import InvalidRequest
from bandmate_shared.singing.catalogue import ENGINES, voices
from bandmate_shared.singing.check import check_voice, sung_language


@pytest.mark.parametrize(
    ("voice", "language", "engine", "field", "detail"),
    [
        ("tenro", None, None, "voice", "the nearest are tenor, "),
        ("Joanna", None, "pico", "voice", "Joanna is a voice of polly, not of pico; the nearest are "),
        ("pico-de", "fr", None, "voice", "pico-de sings de-DE, not 'fr'; the nearest voices that do are pico-fr, "),
        (None, "nl", "pico", "engine", "SVOX Pico does not speak 'nl', but en, de, es, fr, it"),
        (None, None, "esppeak", "engine", "the nearest are espeak, "),
        (None, "jerman", None, "language", "the nearest are de \\(German\\), "),
        ("robosoft99", None, None, "voice", "the nearest are robosoft"),
        ("xx-yy", None, None, "voice", "there is no voice 'xx-yy'"),
    ],
)
def test_what_nobody_sings_is_refused(
    voice: str | None, language: str | None, engine: str | None, field: str, detail: str
) -> None:
    with pytest.raises(InvalidRequest, match=detail) as caught:
        check_voice(voice, language, engine)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("voice", "language", "engine"),
    [
        (None, None, None),
        ("Alto", "nl", "espeak"),
        ("en-gb+linda", "en", None),
        ("f5", None, None),
        ("joanna", "en-GB", "polly"),
        ("pico-de+tenor", "de-AT", None),
        ("Newcomer2031", "en", "polly"),
        ("de", None, None),
    ],
)
def test_what_somebody_sings_passes(voice: str | None, language: str | None, engine: str | None) -> None:
    check_voice(voice, language, engine)


def test_each_voice_is_of_a_known_engine_and_says_how_it_sounds() -> None:
    engines = {engine.name for engine in ENGINES} | {"any"}
    names = [voice.name.lower() for voice in voices()]
    assert len(names) == len(set(names))
    for voice in voices():
        assert voice.engine in engines
        assert voice.languages
        assert 24 <= voice.lowest < voice.highest <= 96
        assert voice.sounds


@pytest.mark.parametrize(
    ("language", "voice", "tag", "source"),
    [
        ("de_AT", "pico-fr", "de-AT", "request"),
        (None, "Lotte", "nl-NL", "voice"),
        (None, "en-gb+linda", "en-GB", "voice"),
        (None, "alto", "sv", "words"),
        (None, None, "sv", "words"),
    ],
)
def test_the_language_is_given_the_voices_or_the_words(
    language: str | None, voice: str | None, tag: str, source: str
) -> None:
    sung = sung_language(["Vem kan segla förutan vind"], language, voice)
    assert (sung.tag, sung.source) == (tag, source)


def test_the_reference_describes_every_singer_and_engine() -> None:
    page = (Path(__file__).parents[3] / "docs" / "reference" / "voices.md").read_text(encoding="utf-8")
    for voice in voices():
        if voice.engine == "polly":
            continue
        (line,) = [line for line in page.splitlines() if line.startswith(f"| `{voice.name}` |")]
        assert voice.sounds in line
        if voice.engine == "any":
            assert f"| {note_name(voice.lowest)}-{note_name(voice.highest)} |" in line
    for engine in ENGINES:
        assert f"| `{engine.name}` |" in page
