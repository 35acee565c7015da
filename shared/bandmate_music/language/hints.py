"""Pronunciation hints in words: `leaves[ˈliːvz]` is written "leaves" and sung by the phonemes in the brackets."""

import re

_ONLY_PHONETIC = "ˈˌːɑɐɒʌəɚɛɜɪʊɔɹɾʃʒθŋɲʁʎɣβɕʑɡʔɫɨɯɵɤʏɥ"
_HINT = re.compile(rf"\[(?=[^\[\]\n]*[{_ONLY_PHONETIC}])([^\[\]\n]{{1,80}})\]")
"""Brackets with a sign that only phonetic writing has; "[Chorus]" is no hint."""


def hint_of(text: str) -> str | None:
    """The phonemes in IPA that a word's hint gives; None for a word without one."""
    found = _HINT.search(text)
    return found[1].strip() or None if found else None


def without_hints(text: str) -> str:
    """The text as it is written, hints taken out."""
    return _HINT.sub("", text)
