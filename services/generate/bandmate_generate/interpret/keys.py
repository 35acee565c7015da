"""The key or the mode that a sentence asks for: 'in D minor', 'fis-Moll', 'la mineur', 'a minor key'."""

import re

from bandmate_music.theory.keys import Key, Mode, parse_key

from bandmate_generate.interpret.sentence import Sentence

_CHORD = re.compile(r"([A-G])([#♯b♭]?)(m|min|maj|minor|major)")
_LETTER = re.compile(r"([A-Ga-g])([#♯♭b]?)")
_GERMAN = {
    "c": "C", "cis": "C#", "ces": "B", "d": "D", "dis": "D#", "des": "Db", "e": "E", "es": "Eb", "f": "F", "fis": "F#",
    "g": "G", "gis": "G#", "ges": "Gb", "a": "A", "as": "Ab", "ais": "A#", "b": "Bb", "h": "B",
}  # fmt: off
_SOLFEGE = {
    "do": "C", "ut": "C", "re": "D", "mi": "E", "fa": "F", "sol": "G", "la": "A", "si": "B",
}  # fmt: off
_CHURCH_MODES = frozenset({"dorian", "phrygian", "lydian", "mixolydian", "locrian", "dorisch", "lydisch", "phrygisch"})
_NOT_A_KEY = frozenset({"mode", "scale", "mood", "tonality", "feel", "way", "sound"})


def read_key(sentence: Sentence) -> Key | None:
    """The key asked for, taken as `key`; None where the sentence names none."""
    for index in range(len(sentence)):
        found = _key_at(sentence, index)
        if found is None:
            continue
        key, end = found
        first = _introduction(sentence, index)
        sentence.take(range(first, end), "key")
        if sentence.has(end, "key-word"):
            sentence.take([end], "key")
        return key
    return None


def read_mode(sentence: Sentence) -> Mode | None:
    """The mode asked for by itself, taken as `mode`: 'in a minor key', 'a minor blues', 'not in minor'."""
    for index in range(len(sentence)):
        mode = sentence.meaning(index, "mode")
        if mode is None or sentence.plain(index) in ("min", "maj"):
            continue
        first = _introduction(sentence, index)
        is_named = sentence.has(index + 1, "key-word", "style") or sentence.plain(index + 1) in _NOT_A_KEY
        if not (is_named or first < index or sentence.is_mark(index + 1) or not sentence.is_free(index + 1)):
            continue
        is_negated = sentence.is_negated(first)
        words = [*range(first, index + 1), *([index + 1] if sentence.has(index + 1, "key-word") else [])]
        if is_negated:
            words.append(first - 1)
        sentence.take(words, "mode")
        return ("major" if mode == "minor" else "minor") if is_negated else _mode(mode)
    return None


def _mode(text: str) -> Mode:
    return "minor" if text == "minor" else "major"


def _introduction(sentence: Sentence, index: int) -> int:
    """The index of the 'in', 'key of' or 'in a' before a key; the index itself where there is none."""
    first = index
    while sentence.has(first - 1, "key-word", "in") or sentence.plain(first - 1) in ("a", "the", "of", "der", "tonart"):
        first -= 1
    while first < index and not sentence.has(first, "key-word", "in"):
        first += 1
    return first


def _key_at(sentence: Sentence, index: int) -> tuple[Key, int] | None:
    """The key that begins at that item, and the index behind it."""
    if not sentence.is_free(index):
        return None
    text = sentence.items[index].text
    is_introduced = _introduction(sentence, index) < index
    if (chord := _CHORD.fullmatch(text)) and (is_introduced or text.lower() not in ("am", "em", "dm")):
        mode = "minor" if chord[3] in ("m", "min", "minor") else "major"
        return parse_key(f"{chord[1]}{chord[2]} {mode}"), index + 1
    pitch = _pitch_at(sentence, index)
    if pitch is None:
        return None
    name, after = pitch
    mode_word = sentence.meaning(after, "mode")
    if mode_word is None and sentence.items[after - 1].plain != "a" and sentence.plain(after) == "m":
        mode_word = "minor"
    if mode_word is not None:
        if sentence.plain(index) == "a" and text != "A" and _is_article(sentence, index, after):
            return None
        return parse_key(f"{name} {mode_word}"), after + 1
    return (parse_key(name), after) if _is_plain_key(sentence, index, after, is_introduced) else None


def _is_article(sentence: Sentence, index: int, after: int) -> bool:
    """Whether the 'a' of 'a minor …' is an article: a noun follows, or nothing says that a key is meant."""
    if sentence.has(after + 1, "key-word") or sentence.plain(after + 1) in _NOT_A_KEY:
        return True
    is_open = not sentence.is_mark(after + 1) and not sentence.has(after + 1, "with", "for", "and", "at", "no")
    return is_open and _introduction(sentence, index) == index


def _is_plain_key(sentence: Sentence, index: int, after: int, is_introduced: bool) -> bool:
    """Whether a note's name without a mode is a key: 'in D', 'key of g', not the article of 'in a park'."""
    if not is_introduced and sentence.has(after, "style") and sentence.items[index].text[0].isupper():  # "Bb blues"
        return sentence.plain(index) not in ("a", *_SOLFEGE, "es", "as")
    if not is_introduced or sentence.plain(index) in _SOLFEGE or sentence.plain(after) in _CHURCH_MODES:
        return False
    if sentence.language not in ("en", "de") and not sentence.items[index].text.isupper():
        return False
    if sentence.plain(index) in ("a", "as", "es"):
        is_closed = sentence.is_mark(after) or sentence.has(after, "with", "for", "and", "at", "no", "bars", "only")
        return sentence.items[index].text[0].isupper() and (is_closed or not sentence.is_free(after))
    return True


def _pitch_at(sentence: Sentence, index: int) -> tuple[str, int] | None:
    """The note named there, as `parse_key` spells it, and the index behind it."""
    plain, text = sentence.plain(index), sentence.items[index].text
    after = index + 1
    is_german = sentence.language == "de" or sentence.plain(after) in ("dur", "moll")
    if plain in _SOLFEGE and (sentence.has(after, "mode") or sentence.has(after + 1, "mode")):
        name = _SOLFEGE[plain]
    elif is_german and plain in _GERMAN:
        name = _GERMAN[plain]
    elif match := _LETTER.fullmatch(text):
        name = match[1].upper() + match[2]
    else:
        return None
    if len(name) == 1 and sentence.has(after, "sharp"):
        return f"{name}#", after + 1
    if len(name) == 1 and sentence.has(after, "flat"):
        return f"{name}b", after + 1
    return name, after
