"""Turn visemes into phones.

A viseme names a group of sounds (`p` is p, b or m; `i` is the vowel of "see" and the glide of "yes"). With a
pronunciation at hand (`pronunciation`) the two are matched like two spellings of a word; without one the letters of the
word decide. Times are always Polly's.
"""

import itertools
from collections.abc import Sequence

from bandmate_vocal.speech import ipa
from bandmate_vocal.speech.base import Phone
from bandmate_vocal.speech.polly.marks import Sound

_VOWELS = {"a": "a", "e": "eɪ", "E": "ɛ", "@": "ə", "i": "i", "o": "oʊ", "O": "ɔ", "u": "u"}
_CONSONANTS = {
    "p": {"p": "p", "b": "b", "m": "m"},
    "t": {"t": "t", "d": "d", "n": "n", "l": "l"},
    "l": {"l": "l"},
    "k": {"k": "k", "c": "k", "q": "k", "x": "k", "ng": "ŋ", "n": "ŋ", "g": "ɡ", "h": "h", "r": "ʁ"},
    "T": {"th": "θ"},
    "f": {"f": "f", "ph": "f", "v": "v", "w": "v"},
    "s": {"s": "s", "z": "z", "c": "s"},
    "S": {"sh": "ʃ", "ch": "tʃ", "j": "dʒ", "g": "dʒ"},
    "r": {"r": "ɹ"},
    "J": {"ñ": "ɲ"},
    "B": {"b": "b", "v": "b"},
}
"""For each viseme the letters that may write it, and the sound they stand for; the first where none is found."""
_GLIDES = {"i": "j", "u": "w"}
_VOWEL_LETTERS = set("aeiouyäöüáéíóúàèìòùâêîôûæœøåãõ")
_GROUP_COST, _KIND_COST, _SKIP_COST = 0.7, 2.5, 1.0


def phones_from_visemes(
    sounds: Sequence[Sound], texts: Sequence[str], pronunciation: Sequence[str]
) -> tuple[Phone, ...]:
    """One phone a sound. `texts` are the words' spellings; `pronunciation` is the line in IPA, empty if not known."""
    spelled: list[str] = []
    for word, group in itertools.groupby(sounds, key=lambda sound: sound.word):
        spelled += _by_letters([sound.viseme for sound in group], texts[word].lower())
    matched = _matched([sound.viseme for sound in sounds], pronunciation)
    symbols = [known or guess for known, guess in zip(matched, spelled, strict=True)]
    return tuple(
        Phone(symbol, sound.t0, sound.t1, ipa.nuclei(symbol) > 0, sound.word)
        for symbol, sound in zip(symbols, sounds, strict=True)
    )


def _by_letters(visemes: Sequence[str], word: str) -> list[str]:
    """IPA of a word's mouth shapes, reading its letters from left to right."""
    symbols: list[str] = []
    index = 0
    for number, viseme in enumerate(visemes):
        follower = visemes[number + 1] if number + 1 < len(visemes) else ""
        if follower in _VOWELS and (read := _glide(viseme, follower, word, index)) is not None:
            symbols.append(_GLIDES[viseme])
            index += read
            continue
        if viseme in _VOWELS:
            symbols.append(_VOWELS[viseme])
            while index < len(word) and word[index] not in _VOWEL_LETTERS:
                index += 1
            if follower in _VOWELS:  # the letters after it are the next vowel's
                index += 1
                continue
            while index < len(word) and word[index] in _VOWEL_LETTERS:
                index += 1
            continue
        written = _CONSONANTS.get(viseme, {"t": "t"})
        matches = [(word.find(letters, index), -len(letters), letters) for letters in written]
        position, length, letters = min(
            ((i, n, spelling) for i, n, spelling in matches if i >= 0), default=(index, 0, "")
        )
        symbols.append(written[letters] if letters else next(iter(written.values())))
        index = position - length
    return symbols


def _glide(viseme: str, follower: str, word: str, index: int) -> int | None:
    """How many letters write the glide that an `i` or `u` before a vowel is; None where it is a vowel ("doing")."""
    letter, before = word[index : index + 1], word[index - 1 : index] if index else ""
    if viseme == "i":
        if letter in ("y", "j"):
            return 1
        return 0 if follower == "u" else None  # "music" and "few" write it with the vowel
    if viseme == "u":
        if letter == "w" or (letter == "u" and before in ("q", "g", "s")):
            return 1
        return 0 if letter == "o" and index == 0 else None  # "one"
    return None


def _matched(visemes: Sequence[str], phones: Sequence[str]) -> list[str]:
    """For each viseme the phone that stands against it in the cheapest alignment, '' where none does."""
    if not phones:
        return [""] * len(visemes)
    groups = [(ipa.viseme(phone), ipa.nuclei(phone) > 0) for phone in phones]
    rows, columns = len(visemes) + 1, len(phones) + 1
    cost = [[_SKIP_COST * (row + column) for column in range(columns)] for row in range(rows)]
    for row in range(1, rows):
        for column in range(1, columns):
            cost[row][column] = min(
                cost[row - 1][column - 1] + _difference(visemes[row - 1], *groups[column - 1]),
                cost[row - 1][column] + _SKIP_COST,
                cost[row][column - 1] + _SKIP_COST,
            )
    matched = [""] * len(visemes)
    row, column = rows - 1, columns - 1
    while row and column:
        cell_cost = cost[row][column]
        if cell_cost == cost[row - 1][column - 1] + _difference(visemes[row - 1], *groups[column - 1]):
            row, column = row - 1, column - 1
            matched[row] = phones[column]
        elif cell_cost == cost[row - 1][column] + _SKIP_COST:
            row -= 1
        else:
            column -= 1
    return matched


def _difference(viseme: str, group: str, is_vowel: bool) -> float:
    if viseme == group:
        return 0.0
    return _GROUP_COST if (viseme in _VOWELS) == is_vowel else _KIND_COST
