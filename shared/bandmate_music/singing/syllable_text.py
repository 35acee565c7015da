"""Clean the syllables of a line of words: signs that hold a vowel, typed hyphens, typed elisions, verse numbers.

Notation programs keep such signs in fields of their own; many files have them typed into the text.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from bandmate_music.score import Lyric

_HOLDS = re.compile(r"(?:[-‐‑‒–—―_+~〜～ー*.…=]|\s)+")
"""A text of these alone holds the vowel before: '-', '_', '+', '+~', 'ー', '—'."""
_HYPHENS = "-‐‑\u00ad\u2010\u2043\u2212\ufe63\uff0d"
_DASHES = "–‒"
"""Hyphens too where they touch a syllable and the next one begins in lower case."""
_INVISIBLE = re.compile("[\u200b-\u200d\u2060\ufeff]")
_TYPED_ELISION = re.compile(r"[‿⁀\u00a0]+|(?<=\w)[_~]+(?=\w)")
_LINE_AT_END = re.compile(r"(?<=\w)[_~ー]+$")
_VERSE_NUMBER = re.compile(r"""^(?:[(\[]?\d{1,2}\s*[.):\]]+\s*(?:[-–&,]\s*)?)+(?=$|[^\d\s])""")
_ROMAN_NUMBER = re.compile(r"^(?:i{2,3}|i?v|vi{1,3}|ix|x)\.\s*(?=\S)", re.IGNORECASE)
_BARE_NUMBER = re.compile(r"^(?:\d{1,2}\s+|#\d{1,2}\s+|I\.\s+)(?=[^\W\d_])")
_LABEL = re.compile(
    r"^[(\[]?(?:chorus|refrain|ref|verse|verso|vs?(?=\.?\s*\d)|strophe|strofa|vers|couplet|refr|chor|coro|ritornello|estribillo|refrão|refräng)"
    r"(?:\s*\d{1,2})?\s*[.:)\]]+\s*(?=\S)",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?;:][\"'”’»)\]]*$")


def clean_syllables(lyrics: Sequence[Lyric]) -> list[Lyric]:
    """The syllables as they are sung, in the same order; those that only hold the vowel before have an empty text."""
    cleaned: list[Lyric] = []
    last = -1
    """Index of the last syllable with a text."""
    for number, lyric in enumerate(lyrics):
        text = _plain(lyric.text, is_first=last < 0)
        if text[-1:] and text[-1] in _DASHES and _begins_in_lower_case(lyrics[number + 1 :]):
            text = text.rstrip(_DASHES) + "-"
        if not any(character.isalnum() for character in text.replace("ー", "")) and text != "&":
            cleaned.append(replace(lyric, text=""))
            continue
        held = lyric.held
        if shorter := _LINE_AT_END.sub("", text):
            held, text = held or shorter != text, shorter
        if text[0] in _HYPHENS and last >= 0:
            cleaned[last] = replace(cleaned[last], word_end=False)
        word_end = lyric.word_end and text[-1] not in _HYPHENS
        text = text.strip(_HYPHENS).strip()
        line_end = lyric.line_end or (word_end and _SENTENCE_END.search(text) is not None)
        last = len(cleaned)
        cleaned.append(replace(lyric, text=text, word_end=word_end, held=held, line_end=line_end))
    if last >= 0 and not cleaned[last].word_end:
        cleaned[last] = replace(cleaned[last], word_end=True)
    return cleaned


def _begins_in_lower_case(lyrics: Sequence[Lyric]) -> bool:
    following = next((lyric.text for lyric in lyrics if any(map(str.isalpha, lyric.text))), "")
    return following[:1].islower()


def _plain(text: str, is_first: bool) -> str:
    """The text on one line, without invisible characters, verse numbers and labels, elisions as spaces."""
    plain = " ".join(_TYPED_ELISION.sub(" ", _INVISIBLE.sub("", text)).split())
    if _HOLDS.fullmatch(plain):
        return ""
    plain = _ROMAN_NUMBER.sub("", _VERSE_NUMBER.sub("", plain))
    if is_first:
        plain = _BARE_NUMBER.sub("", plain)
    return _LABEL.sub("", plain)
