"""Spell espeak-ng's phones of Portuguese, Dutch and Swedish in the letters of Kokoro.

Kokoro was trained on espeak-ng's IPA, with a letter for each affricate and for each of five diphthongs. Its alphabet
lacks some sounds of Dutch and Swedish; they get the nearest that a recogniser understood best.
"""

from bandmate_vocal.speech.neural.letters import STRESS_MARKS

ESPEAK_VOICES = {"pt": "pt-br", "nl": "nl", "sv": "sv"}
"""The voice of espeak-ng that reads each language. Portuguese is Brazilian, as Kokoro's own is."""
_DIPHTHONGS = {"eɪ": "A", "aɪ": "I", "oʊ": "O", "aʊ": "W", "ɔɪ": "Y"}
_EVERYWHERE = (("tʃ", "ʧ"), ("dʒ", "ʤ"), ("ts", "ʦ"), ("g", "ɡ"))
_BY_LANGUAGE = {
    # In unstressed endings espeak-ng's events say y and æ where its IPA says i and ɐ.
    "pt": (("y", "i"), ("æ", "ɐ"), ("ɾə", "ɾ"), ("r", "ɾ")),
    "nl": (("ɵ", "œ"), ("ʏ", "œ"), ("ɣ", "x"), ("y", "u"), ("ʋ", "v")),
    "sv": (("sx", "ʃ"), ("ɧ", "ʃ"), ("ʉ", "u"), ("ɵ", "ʊ"), ("ʏ", "y")),
}
_VOWELS = frozenset("aɑɐɒæʌəɚɛɜeɪiɨɯuʊʉoɔøœyʏɘɵɤɞɶᵻ")
_GLIDES = {"ɪ": "j", "i": "j", "y": "j", "ʊ": "w", "u": "w"}


def letters_of(ipa: str, language: str) -> str:
    """The letters of one phone, its stress mark before them. A diphthong without a letter of its own is a vowel and a
    glide, so that no phone has two vowels of one syllable."""
    sound = ipa.lstrip("".join(STRESS_MARKS))
    marks = ipa[: len(ipa) - len(sound)]
    for symbols, letter in _EVERYWHERE:
        sound = sound.replace(symbols, letter)
    if sound in _DIPHTHONGS:
        return marks + _DIPHTHONGS[sound]
    letters, has_vowel = "", False
    for letter in sound:
        glides = has_vowel and letter in _GLIDES
        letters += _GLIDES[letter] if glides else letter
        has_vowel |= letter in _VOWELS
    for symbols, letter in _BY_LANGUAGE[language]:
        letters = letters.replace(symbols, letter)
    return marks + letters
