"""Pronunciation hints in words: `leaves[ˈliːvz]` is written "leaves" and sung by the phonemes in the brackets."""

import re
from itertools import pairwise

_ONLY_PHONETIC = "ˈˌːɑɐɒʌəɚɛɜɪʊɔɹɾʃʒθŋɲʁʎɣβɕʑɡʔɫɨɯɵɤʏɥ"
HINT = re.compile(rf"\[(?=[^\[\]\n]*[{_ONLY_PHONETIC}])([^\[\]\n]{{1,80}})\]")
"""Brackets with a sign that only phonetic writing has; "[Chorus]" is no hint."""
_VOWELS = re.compile(r"[aeiouyɑɐɒæʌəɚɛɜɝɪʊɔøœɨɯɵɤʏ][aeiouyɑɐɒæʌəɚɛɜɝɪʊɔøœɨɯɵɤʏː\u0300-\u036f]*")
_BREAKS = re.compile(r"[.\s]+|(?=[ˈˌ])")


def hint_of(text: str) -> str | None:
    """The phonemes in IPA that a word's hint gives; None for a word without one."""
    found = HINT.search(text)
    return found[1].strip() or None if found else None


def without_hints(text: str) -> str:
    """The text as it is written, hints taken out."""
    return HINT.sub("", text)


def syllables_of_hint(phonemes: str) -> list[str]:
    """Phonemes cut into syllables: one a vowel or diphthong, of the consonants between two the last goes to the right.

    A dot, a space or a stress mark begins a new one: "ˈfaɪ.ɚ".
    """
    syllables: list[str] = []
    for piece in filter(None, _BREAKS.split(phonemes)):
        vowels = list(_VOWELS.finditer(piece))
        cuts = [max(left.end(), right.start() - 1) for left, right in pairwise(vowels)]
        syllables += [piece[start:end] for start, end in pairwise([0, *cuts, len(piece)])]
    return syllables
