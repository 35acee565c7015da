"""The word lists of the interpreter: what phrases of four languages mean, from `data/request_words`.

Kinds of meaning:
  style, mood, mode, metre, language, voice, instrument, section, density   a field's value, or what it follows from
  tempo          a speed in words; tempo-number: one with a usual number (adagio)
  tonic, sharp, flat, key-word         parts of a key
  number, half, and-half, to, approximate, bars, minutes, seconds, metre-unit, time-word, bpm, at, tempo-word, takes
  very, rather, too, no, only, with, for, and, in, topic, sing, after-each, letters-word   what changes its neighbours
  wordless       nobody sings
  filler         means nothing by itself
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from bandmate_music.instruments import instrument_names

from bandmate_generate.lyrics.syllables import strip_marks

LANGUAGES = ("en", "de", "fr", "es")
CONTENT_KINDS = frozenset(
    {"style", "mood", "mode", "instrument", "section", "tempo", "tempo-number", "metre", "bpm", "language", "voice"}
)
"""Kinds that count in a sentence of another language, too: a German asks for a "Ballade" or for a "ballad"."""
_UNIT_KINDS = frozenset({"bars", "minutes", "seconds"})
_AMBIGUOUS_INSTRUMENTS = frozenset(
    {
        "lead",
        "keys",
        "kit",
        "chorus",
        "bells",
        "pad",
        "clav",
        "horns",
        "applause",
        "atmosphere",
        "crystal",
        "helicopter",
    }
)
"""Names of instruments that mostly mean something else in a sentence."""
_WORD = re.compile(
    r"\d+(?:[.,:/]\d+)?"
    r"|[A-Ha-h][#♯♭](?:m(?:in|aj|inor|ajor)?)?(?![^\W\d_])"
    r"|(?:[dljnsmtc]|qu)['’](?=[^\W\d_])"
    r"|[^\W\d_]+(?:['’&][^\W\d_]+)*"
    r"|(?<=\d)[-–](?=\d)|[#♯♭&=.,;:!?()\[\]\"“”„«»]",
    re.IGNORECASE,
)
_GERMAN_HEADS = ("musik", "stuck", "lied", "song", "ballade", "walzer", "melodie", "begleitung", "solo", "marsch")
_WILDCARD_LETTERS = 3
PUNCTUATION = frozenset('.,;:!?()[]"“”„«»')


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a number or a punctuation mark; `plain` is in lower case without diacritics."""

    text: str
    plain: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Entry:
    """What a phrase means: kind → value."""

    words: tuple[str, ...]
    language: str
    meanings: dict[str, str]


def tokens_of(text: str) -> list[Token]:
    """The tokens of a text; a hyphen counts as a space, between digits as the word 'to'."""
    return [
        Token(match[0], "to" if match[0] in "-–" else strip_marks(match[0]), match.start(), match.end())
        for match in _WORD.finditer(unicodedata.normalize("NFC", text))
    ]


def split_compound(token: Token) -> list[Token]:
    """A German compound in its two parts: 'Klaviermusik' is 'Klavier' and 'musik'; any other word as it is."""
    for head in _GERMAN_HEADS:
        first = token.plain.removesuffix(head)
        if first != token.plain and lexicon("de").longest([Token(first, first, 0, 0)], 0) is not None:
            middle = token.end - len(head)
            return [
                Token(token.text[: -len(head)], first, token.start, middle),
                Token(token.text[-len(head) :], head, middle, token.end),
            ]
    return [token]


class Lexicon:
    """All phrases of one language, and those of the others that stand for content."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._by_first: dict[str, list[Entry]] = {}
        self._wild: list[Entry] = []
        own = _entries(language)
        known = {entry.words for entry in own}
        for entry in own:
            self._add(entry)
        for other in LANGUAGES:
            for entry in _entries(other) if other != language else ():
                meanings = {kind: value for kind, value in entry.meanings.items() if kind in CONTENT_KINDS}
                if meanings and entry.words not in known and _is_plain(entry, other):
                    known.add(entry.words)
                    self._add(Entry(entry.words, other, meanings))

    def longest(self, tokens: Sequence[Token], start: int) -> Entry | None:
        """The entry of most words that the tokens from `start` on say."""
        candidates = [*self._by_first.get(tokens[start].plain, ()), *self._wild]
        matching = [entry for entry in candidates if _matches(entry, tokens, start)]
        return max(matching, key=lambda entry: (len(entry.words), entry.language == self.language), default=None)

    def content_words(self) -> Iterator[str]:
        """Words of the language that stand for the value of a field by themselves, for the correction of errors."""
        for first, entries in self._by_first.items():
            own = [entry for entry in entries if len(entry.words) == 1 and entry.language == self.language]
            if any(entry.meanings.keys() & {*CONTENT_KINDS, *_UNIT_KINDS} for entry in own):
                yield first

    def knows(self, plain: str) -> bool:
        """Whether the word is part of any phrase of the language."""
        return any(_word_matches(word, plain) for word in _vocabulary(self.language, plain[:1]))

    def _add(self, entry: Entry) -> None:
        if entry.words[0].endswith("*"):
            self._wild.append(entry)
        else:
            self._by_first.setdefault(entry.words[0], []).append(entry)


@cache
def lexicon(language: str) -> Lexicon:
    """The lexicon for sentences of that language."""
    return Lexicon(language)


def language_of(tokens: Sequence[Token]) -> str:
    """The language of a sentence: the one whose lists hold most of its words; English where they are equal."""

    def known_words(language: str) -> int:
        return sum(
            any(_word_matches(word, token.plain) for word in _telling_words(language, token.plain[:1]))
            for token in tokens
        )

    return max(LANGUAGES, key=known_words)


@cache
def _vocabulary(language: str, initial: str) -> frozenset[str]:
    return frozenset(word for entry in _entries(language) for word in entry.words if word.startswith(initial))


@cache
def _telling_words(language: str, initial: str) -> frozenset[str]:
    """Words of the language that are not the same in all: names of styles ("bossa nova") tell nothing."""
    same_everywhere = {
        word
        for entry in _entries("en")
        if len(entry.words) <= 2 and entry.meanings.keys() <= {"style", "tempo-number"}
        for word in entry.words
    }
    return _vocabulary(language, initial) - (same_everywhere if language == "en" else frozenset())


@cache
def _entries(language: str) -> tuple[Entry, ...]:
    meanings: dict[tuple[str, ...], dict[str, str]] = {}
    source = files("bandmate_generate") / "data" / "request_words" / f"{language}.tsv"
    for row in source.read_text(encoding="utf-8").splitlines():
        if row.startswith("#"):
            continue
        kind, value, phrases = row.split("\t")
        for phrase in phrases.split(", "):
            meanings.setdefault(tuple(_phrase_words(phrase)), {}).setdefault(kind, value)
    if language == "en":
        for name in instrument_names():
            words = tuple(_phrase_words(name))
            if name not in _AMBIGUOUS_INSTRUMENTS and words not in meanings:
                meanings[words] = {"instrument": name}
    return tuple(Entry(words, language, found) for words, found in meanings.items())


def _phrase_words(phrase: str) -> list[str]:
    if phrase.endswith("*"):
        return [phrase]
    return [token.plain for token in tokens_of(phrase)]


def _is_plain(entry: Entry, language: str) -> bool:
    """Whether a phrase of another language means the same here: long enough not to be another word by chance."""
    return language == "en" or sum(map(len, entry.words)) >= 5


def _matches(entry: Entry, tokens: Sequence[Token], start: int) -> bool:
    end = start + len(entry.words)
    return end <= len(tokens) and all(
        _word_matches(word, token.plain) for word, token in zip(entry.words, tokens[start:end], strict=True)
    )


def _word_matches(word: str, plain: str) -> bool:
    if not word.endswith("*"):
        return word == plain
    return plain.startswith(word[:-1]) and len(plain) <= len(word) - 1 + _WILDCARD_LETTERS
