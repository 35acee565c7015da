"""Language tags ("de", "de-AT", "pt_BR") and the languages that are sung; names nearest to a misspelt one."""

import re
from collections.abc import Iterable
from difflib import SequenceMatcher

from bandmate_music.errors import InvalidRequest

LANGUAGES = {
    "en": "English",
    "de": "German",
    "fr": "French",
    "it": "Italian",
    "es": "Spanish",
    "pt": "Portuguese",
    "nl": "Dutch",
    "sv": "Swedish",
}
"""The languages whose singing is measured, by ISO 639-1 code."""
_CODES = (
    "af an az bs ca cs cy da eo et eu fi fo ga gd gl gn hr ht hu ia id io is jbo ku la lb lfn lt lv mi ms mt nb no "
    "om pap pl qu ro sk sl smj sq sw tk tn tr uz vi"
)
OTHER_LANGUAGES = tuple(_CODES.split())
"""Further languages in Latin script that espeak-ng pronounces; nobody has judged how they sound sung."""
_NATIVE_NAMES = {
    "deutsch": "de",
    "français": "fr",
    "francais": "fr",
    "italiano": "it",
    "español": "es",
    "espanol": "es",
    "castellano": "es",
    "português": "pt",
    "portugues": "pt",
    "nederlands": "nl",
    "svenska": "sv",
}
_PAIRS = "eng=en deu=de ger=de fra=fr fre=fr ita=it spa=es por=pt nld=nl dut=nl swe=sv"
_THREE_LETTERS = dict(pair.split("=") for pair in _PAIRS.split())
_TAG = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8})*")
MAX_SUGGESTIONS = 3


class UnknownLanguage(InvalidRequest):
    """No voice sings the language that was asked for; the detail names the nearest."""

    type = "unknown-voice"  # Published before languages had a name of their own.
    title = "Language not found"


def base_language(tag: str) -> str:
    """The language of a tag without its region: "de-AT" → "de"."""
    return tag.lower().replace("_", "-").partition("-")[0]


def parse_language(text: str) -> str:
    """A language by its tag or name, as a tag: "de_AT" → "de-AT", "German" and "deutsch" → "de".

    Raises UnknownLanguage, which names the nearest three.
    """
    wanted = text.strip().lower().replace("_", "-")
    by_name = {name.lower(): code for code, name in LANGUAGES.items()} | _NATIVE_NAMES | _THREE_LETTERS
    if wanted in by_name:
        return by_name[wanted]
    base, *regions = wanted.split("-")
    base = _THREE_LETTERS.get(base, base)
    if _TAG.fullmatch(wanted) and (base in LANGUAGES or base in OTHER_LANGUAGES):
        return "-".join([base, *(part.upper() if len(part) == 2 else part for part in regions)])
    known = {**{name: f"{code} ({name})" for code, name in LANGUAGES.items()}}
    known |= {code: known[name] for code, name in LANGUAGES.items()}
    suggestions = list(dict.fromkeys(known[name] for name in ranked(wanted, known)))[:MAX_SUGGESTIONS]
    raise UnknownLanguage(
        f"no voice sings the language {text[:40]!r}; the nearest are {', '.join(suggestions)}. Languages are named by "
        f"tags such as en, de-AT or pt-BR: {', '.join(LANGUAGES)}"
    )


def ranked(wanted: str, names: Iterable[str]) -> list[str]:
    """The names, the most similar to `wanted` first; capitals do not matter."""

    def difference(name: str) -> tuple[float, str]:
        return -SequenceMatcher(None, wanted.lower(), name.lower()).ratio(), name

    return sorted(names, key=difference)


def nearest(wanted: str, names: Iterable[str]) -> list[str]:
    """The three names most similar to a misspelt one; names that differ in capitals only count once."""
    return ranked(wanted, {name.lower(): name for name in reversed(list(names))}.values())[:MAX_SUGGESTIONS]
