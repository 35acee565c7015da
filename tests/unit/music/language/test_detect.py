"""The language of words is found from a stanza, and said to be unknown where nothing tells it."""

import pytest
from bandmate_music.language.detect import detect_language

STANZAS = {
    "en": ["Should auld acquaintance be forgot", "and never brought to mind", "and the days of long ago"],
    "de": ["Am Brunnen vor dem Tore, da steht ein Lindenbaum", "ich träumt in seinem Schatten so manchen süßen Traum"],
    "fr": ["Au clair de la lune, mon ami Pierrot", "prête-moi ta plume pour écrire un mot"],
    "it": ["Va, pensiero, sull'ali dorate", "va, ti posa sui clivi, sui colli"],
    "es": ["De la Sierra Morena, vienen bajando", "un par de ojitos negros, de contrabando"],
    "pt": ["O anel que tu me deste era vidro e se quebrou", "o amor que tu me tinhas era pouco e se acabou"],
    "nl": ["Berend Botje ging uit varen", "met zijn scheepje naar Zuidlaren"],
    "sv": ["Vem kan segla förutan vind", "vem kan ro utan åror"],
}


@pytest.mark.parametrize("code", STANZAS)
def test_two_lines_tell_their_language(code: str) -> None:
    found = detect_language(STANZAS[code])
    assert (found.code, found.certain) == (code, True)


@pytest.mark.parametrize("code", STANZAS)
def test_capitals_and_hints_do_not_matter(code: str) -> None:
    loud = [line.upper() + "[ˈliːvz]" for line in STANZAS[code]]
    assert detect_language(loud).code == code


@pytest.mark.parametrize("line", ["la la la", "Oh, oh, ooh!", "", "1999"])
def test_vocables_tell_no_language(line: str) -> None:
    found = detect_language([line])
    assert (found.code, found.certain) == ("en", False)


def test_a_repeated_chorus_does_not_outweigh_the_verses() -> None:
    verses = [
        "ich träumt in seinem Schatten so manchen süßen Traum",
        "Am Brunnen vor dem Tore, da steht ein Lindenbaum",
    ]
    assert detect_language([*verses, *["I love you baby"] * 20]).code == "de"
