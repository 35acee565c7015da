"""Signs and figures become words of the language."""

import pytest
from bandmate_music.language.spoken import written_out


@pytest.mark.parametrize(
    ("text", "language", "words"),
    [
        ("Rock & Roll", "en", "Rock and Roll"),
        ("Salz & Pfeffer", "de-AT", "Salz und Pfeffer"),
        ("toi&moi", "fr", "toi et moi"),
        ("sal & pimienta", "es", "sal y pimienta"),
        ("du & jag", "sv", "du och jag"),
        ("1999", "en", "nineteen ninety nine"),
        ("1999", "de", "neunzehn hundert neun und neunzig"),
        ("1999", "fr", "mille neuf cent quatre vingt dix neuf"),
        ("1999", "it", "mille nove cento novanta nove"),
        ("1999", "es", "mil novecientos noventa y nueve"),
        ("1999", "pt", "mil novecentos e noventa e nove"),
        ("1999", "nl", "negentien honderd negen en negentig"),
        ("1999", "sv", "nitton hundra nittio nio"),
        ("2001", "en", "two thousand one"),
        ("1905", "en", "nineteen oh five"),
        ("71", "fr", "soixante et onze"),
        ("28", "it", "ventotto"),
        ("21.000", "es", "veintiún mil"),
        ("100", "pt", "cem"),
        ("3.14", "en", "three point one four"),
        ("3,14", "de", "drei Komma eins vier"),
        ("1,000,000,000 tears", "en", "one zero zero zero zero zero zero zero zero zero tears"),
        ("007", "en", "zero zero seven"),
        ("100%", "fr", "cent pour cent"),
        ("no signs + none", "en", "no signs + none"),
        ("5", "pl", "five"),
    ],
)
def test_as_a_singer_says_it(text: str, language: str, words: str) -> None:
    assert written_out(text, language) == words
