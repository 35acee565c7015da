"""Write signs and figures out as words, as a singer says them: "Rock & Roll 66" → "Rock and Roll sixty six"."""

import re

from bandmate_music.language.names import base_language
from bandmate_music.language.numbers import number_words

_SIGNS = {
    "&": "en=and de=und fr=et it=e es=y pt=e nl=en sv=och",
    "%": "en=percent de=Prozent fr=pour_cent it=per_cento es=por_ciento pt=por_cento nl=procent sv=procent",
    "@": "en=at de=at fr=arobase it=chiocciola es=arroba pt=arroba nl=apenstaartje sv=snabel_a",
}
_WORDS = {sign: dict(entry.split("=") for entry in entries.split()) for sign, entries in _SIGNS.items()}
_FIGURES = re.compile(r"(?<![\w.,])(\d{1,3}(?:[.,]\d{3})+(?![.,]?\d)|\d+(?:[.,]\d+)?)|\d+")
_THOUSANDS = re.compile(r"\d{1,3}(?:[.,]\d{3})+")
_SIGN = re.compile(f"[{re.escape(''.join(_WORDS))}＆]")


def written_out(text: str, language: str) -> str:
    """The text with its signs and figures as words of the language; all else as it was."""
    code = base_language(language)

    def sign(match: re.Match[str]) -> str:
        words = _WORDS["&" if match[0] == "＆" else match[0]]
        return f" {words.get(code, words['en']).replace('_', ' ')} "

    def figures(match: re.Match[str]) -> str:
        found = match[0]
        if _THOUSANDS.fullmatch(found):
            found = re.sub(r"[.,]", "", found)
        return f" {' '.join(number_words(found, code))} "

    if not _SIGN.search(text) and not any(character.isdigit() for character in text):
        return text
    spoken = _FIGURES.sub(figures, _SIGN.sub(sign, text))
    return re.sub(r"[ \t]{2,}", " ", spoken).strip(" \t")
