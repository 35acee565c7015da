"""Syllables and stress in the languages that are sung, against words divided by hand."""

import pytest
from bandmate_generate.lyrics.lines import read_lyrics
from bandmate_generate.lyrics.syllables_by_language import split_in

# The stressed syllable in capitals.
DIVIDED = {
    "de": (
        "LIE-be HERZ NACHT STER-ne MÄD-chen IM-mer ver-LO-ren GLÜCK-lich SIN-gen MUT-ter TRÄU-me "
        "ge-GAN-gen AU-gen FRÜH-ling be-KOM-men GE-ben ER-de HIM-mel ge-SANG schön"
    ),
    "fr": (
        "a-MOUR nuit é-TOI-le tou-JOURS per-DU heu-REUX oi-SEAU BEL-le RÊ-ve so-LEIL GUER-re QUAND no-ËL "
        "lu-MIÈ-re vieux"
    ),
    "it": (
        "po-e-SI-a al-le-GRI-a ma-GI-a ad-DI-o pa-U-ra STO-ria me-lo-DI-a "
        "GRAN-de a-MO-re NOT-te SO-le CUO-re pia-CE-re CHIA-ro GIOR-no fa-MI-glia AC-qua QUAN-do cit-TÀ per-CHÉ FIO-re"
    ),
    "es": (
        "co-ra-ZÓN NO-che DÍ-a a-MOR CIE-lo QUIE-ro gui-TA-rra ciu-DAD A-gua pa-ÍS SIEM-pre TIE-rra "
        "po-e-SÍ-a muy can-TAR"
    ),
    "pt": ("co-ra-ÇÃO sau-DA-de NOI-te a-MOR can-ÇÃO mu-LHER vo-CÊ es-TRE-la Á-gua TEM-po ir-MÃO mãe DI-a QUAN-do"),
    "nl": ("LIEF-de hart nacht STER-ren MEIS-je ver-LO-ren ZIN-gen VO-gel leeuw huis BLOE-men MOE-der droom"),
    "sv": ("KÄR-lek HJÄR-ta natt STJÄR-na ALL-tid SOM-mar VIN-ter SJUN-ga BLOM-ma MÄN-ni-ska"),
    "en": ("in-VIT-ed GATH-er-ing MAY-be WAN-der-ing PEO-ple's SOME-where where-OF CARE-worn di-VID-ed"),
}


@pytest.mark.parametrize("language", DIVIDED)
def test_words_are_divided_and_stressed_as_singers_do(language: str) -> None:
    wrong = {}
    for divided in DIVIDED[language].split():
        parts, stressed = split_in(divided.replace("-", "").lower(), language)
        shown = "-".join(part.upper() if index == stressed else part for index, part in enumerate(parts))
        if shown != (divided if "-" in divided else divided.upper()):
            wrong[divided] = shown
    allowed = 1 if language == "en" else 0
    assert len(wrong) <= allowed, wrong


def test_every_letter_is_kept() -> None:
    for language, words in DIVIDED.items():
        for word in words.replace("-", "").split():
            assert "".join(split_in(word, language)[0]) == word


def test_lyrics_are_divided_in_their_language() -> None:
    (line,) = read_lyrics("Sehnsucht und Liebe", "de-AT").lines
    assert [syllable.text for syllable in line.syllables] == ["Sehn", "sucht", "und", "Lie", "be"]


@pytest.mark.parametrize(
    ("word", "parts"),
    [("savèd", ["sa", "vèd"]), ("Noël", ["No", "ël"]), ("café", ["ca", "fé"]), ("aren't", ["aren't"]), ("'d", ["'d"])],
)
def test_marks_and_contractions_of_english(word: str, parts: list[str]) -> None:
    assert split_in(word, "en")[0] == parts
