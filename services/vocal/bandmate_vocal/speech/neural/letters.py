"""The alphabet of the networks (that of Kokoro and misaki): a letter a sound, and what each letter says in IPA."""

import re

_DIPHTHONGS = {"A": "eɪ", "I": "aɪ", "O": "oʊ", "Q": "əʊ", "W": "aʊ", "Y": "ɔɪ"}
_TO_IPA = {**_DIPHTHONGS, "ᵊ": "ə", "T": "ɾ", "ʤ": "dʒ", "ʧ": "tʃ", "ᵻ": "ɪ", "ʦ": "ts", "ʣ": "dz"}
_FROM_IPA = [
    *sorted(((spelling, letter) for letter, spelling in _TO_IPA.items() if len(spelling) > 1), key=lambda p: p[0]),
    ("g", "ɡ"),
    ("ɝ", "ɜɹ"),
    ("ɚ", "əɹ"),
    ("ɫ", "l"),
    ("r", "ɹ"),
]
VOWELS = frozenset("aɑɐɒæʌəɚɛɜeɪiɨɯuʊoɔøœyAIOQWYᵊᵻɤ")
SONORANTS = frozenset("mnŋlɹwjɲɥɰʎɾTɳɴɻ")
VOICELESS = frozenset("ptkfθsʃhʧʦçxʔcqɕɸχʂʈ")
STRESS_MARKS, LENGTH_MARKS = frozenset("ˈˌ"), frozenset("ːʲ̃ʰ")
_STRESSED_ONSET = re.compile(f"([{''.join(STRESS_MARKS)}])([^{''.join(STRESS_MARKS | VOWELS)}]+)")


def to_ipa(letter: str) -> str:
    """The IPA that a letter stands for."""
    return _TO_IPA.get(letter, letter)


def from_ipa(spelling: str) -> str:
    """The letters for a pronunciation in IPA; ties, syllable dots and spaces go, stress moves to the vowel."""
    letters = "".join(character for character in spelling if character not in "͜͡. ‿")
    for sound, letter in _FROM_IPA:
        letters = letters.replace(sound, letter)
    return _STRESSED_ONSET.sub(r"\2\1", letters)
