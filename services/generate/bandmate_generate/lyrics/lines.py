"""Split lyrics into sections, lines, words and syllables, with an estimate of each syllable's stress.

What singers type is understood: `glo-ry` is one word, divided at its hyphen; `-` or `_` alone hold the vowel before for
another note, inside a word after its hyphen (`glo- _ ry`); `leaves[ˈliːvz]` gives a word's pronunciation, `[ˈliːvz]` a
word by it alone.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bandmate_music.language.detect import DEFAULT_LANGUAGE
from bandmate_music.language.hints import HINT, hint_of, syllables_of_hint, without_hints
from bandmate_music.language.names import base_language
from bandmate_music.language.spoken import written_out
from bandmate_shared.errors import InvalidRequest

from bandmate_generate.lyrics.sections import Section, read_header
from bandmate_generate.lyrics.syllables import is_function_word, strip_marks
from bandmate_generate.lyrics.syllables_by_language import split_in

_HYPHEN = re.compile("[-‐‑\u00ad]")
_LETTERS = r"[^\W\d_]+(?:['’][^\W\d_]+)*['’]?"
_TOKEN = re.compile(
    rf"(?P<word>{_LETTERS}(?:{_HYPHEN.pattern}{_LETTERS})*)?(?P<hint>{HINT.pattern})"
    rf"|(?P<plain>{_LETTERS}(?:{_HYPHEN.pattern}{_LETTERS})*)(?P<goes_on>{_HYPHEN.pattern}(?=\s+[-_](?!\S)))?"
    r"|(?<!\S)[-_](?!\S)"
)
"""A word with a pronunciation, or a pronunciation alone; a word, or its part before a hold; a sign that holds."""
_SPELLED_WITH_HYPHENS = ("fr", "pt")
"""Languages whose spelling has hyphens between words ("dis-moi", "diga-me"): there they part words."""
MAX_SYLLABLE_CHARACTERS = 24
_MAX_HINTED_CHARACTERS = 64
_SIGNS = frozenset(".,;:!?…\"'“”„‚«»‹›‘’()[]¿¡")
"""Punctuation that is written with the word it touches. Hyphens and the like are left out: scores and karaoke files
divide words by them."""


@dataclass(frozen=True, slots=True)
class Syllable:
    """What is sung on one note. `stress` is 0 (weak) to 1 (strong); `word_end` is False where the word goes on.

    `before` and `behind` are the signs around it in the words, which are written in the score and not sung. `hint`, on
    a word's last syllable, is the word's pronunciation in IPA.
    """

    text: str
    stress: float
    word_end: bool
    line_end: bool = False
    before: str = ""
    behind: str = ""
    hint: str | None = None

    @classmethod
    def from_sung(cls, text: str, stress: float, *, word_end: bool, line_end: bool) -> "Syllable":
        """The syllable whose `sung_text` this is."""
        return cls(without_hints(text), stress, word_end, line_end, hint=hint_of(text))

    @property
    def is_held(self) -> bool:
        """Whether the vowel before is held here: a note of the rhythm without a text."""
        return not self.text

    @property
    def written(self) -> str:
        """The syllable as it stands in the score: 'moon!' where 'moon' is sung."""
        return f"{self.before}{self.text}{self.behind}"

    @property
    def sung_text(self) -> str:
        """The text as the singer takes it, with the word's pronunciation in brackets."""
        return self.text if self.hint is None else f"{self.text}[{self.hint}]"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the lyrics. `stanza` counts from 0; a blank line begins the next one."""

    syllables: tuple[Syllable, ...]
    stanza: int


@dataclass(frozen=True, slots=True)
class Lyrics:
    """The lines to sing, and the sections that headers between them name; both in order."""

    lines: tuple[Line, ...]
    sections: tuple[Section, ...] = ()
    language: str = DEFAULT_LANGUAGE


def sung_lines(text: str) -> list[str]:
    """The lines of lyrics as they are written, without section headers; a line for each of the text's."""
    lines = []
    for raw in text.splitlines():
        header = read_header(raw)
        lines.append(raw if header is None else header.rest)
    return lines


def read_lyrics(text: str, language: str = DEFAULT_LANGUAGE) -> Lyrics:
    """Split lyrics into lines of syllables. Lines without a word are left out; figures are spoken in `language`.

    Section headers ("[Verse 1]", "Chorus:") become `sections` and are not sung; each begins a stanza. A vowel that is
    held is a syllable without a text (`is_held`), and a word that it ends has its `word_end` there.

    Raises:
        InvalidRequest: no line has a syllable, a word is written in a script whose syllables are not known, or the
            words begin with a vowel that is held.
    """
    lines: list[Line] = []
    sections: list[Section] = []
    stanza, stanza_ended = 0, False
    for number, raw in enumerate(text.splitlines(), start=1):
        header = read_header(raw)
        if header is not None:
            sections.append(Section(header.kind, header.number, header.text, len(lines), header.times))
        sung_text = raw if header is None else header.rest
        stanza_ended = stanza_ended or header is not None or not raw.strip()
        syllables = _syllables_of(written_out(sung_text, language), number, base_language(language))
        if not syllables:
            continue
        if syllables[0].is_held:
            raise InvalidRequest(
                f"lyric line {number} begins with a vowel that is held; write a syllable before the first - or _"
            )
        if stanza_ended and lines:
            stanza += 1
        stanza_ended = False
        lines.append(Line(tuple(syllables), stanza))
    if not lines:
        if sections:
            raise InvalidRequest(
                f"the lyrics hold section names ({sections[0].header}) and no syllables that can be sung; write the "
                f"words under the names, or leave the lyrics out and give the form as `sections`"
            )
        raise InvalidRequest("the lyrics hold no syllables that can be sung; write words in Latin letters")
    return Lyrics(tuple(lines), tuple(sections), language)


def as_sung(syllables: Sequence[Syllable | None]) -> list[Syllable | None]:
    """None in place of each held syllable; the word and the line that it ends do so with the syllable before.

    Rhythms are made of them all, so that no word is cut before its vowel is over.
    """
    sung: list[Syllable | None] = []
    before: Syllable | None = None
    last = -1
    for syllable in syllables:
        if syllable is None or not syllable.is_held:
            if syllable is not None:
                before, last = syllable, len(sung)
            sung.append(syllable)
            continue
        assert before is not None, "read_lyrics lets no words begin so"
        before = replace(before, word_end=syllable.word_end, line_end=before.line_end or syllable.line_end)
        sung[last] = before
        sung.append(None)
    return sung


def _syllables_of(line: str, number: int, language: str) -> list[Syllable]:
    syllables: list[Syllable] = []
    matches = list(_TOKEN.finditer(line))
    for place, match in enumerate(matches):
        written, hint = match["word"] or match["plain"], None if match["hint"] is None else hint_of(match["hint"])
        if written is None and hint is None:
            held = Syllable("", 0.0, True)
            if syllables:
                held = replace(held, word_end=syllables[-1].word_end)
                syllables[-1] = replace(syllables[-1], word_end=False)
            syllables.append(held)
            continue
        word: list[Syllable] = []
        for parts, stressed in [_pronounced(hint)] if written is None and hint else _words_of(written or "", language):
            word += _checked(parts, stressed, number, language)
        word[-1] = replace(word[-1], hint=hint, word_end=not match["goes_on"])
        if len(word[-1].sung_text) > _MAX_HINTED_CHARACTERS:
            raise InvalidRequest(f"{word[-1].sung_text[:40]!r} (lyric line {number}) is longer than a word can be")
        before = _signs(line[matches[place - 1].end() if place else 0 : match.start()].rpartition(" ")[2])
        behind = line[match.end() : matches[place + 1].start() if place + 1 < len(matches) else len(line)]
        if " " not in behind and place + 1 < len(matches):
            behind = ""  # The signs of two words that touch are before the second.
        word[0] = replace(word[0], before=before)
        word[-1] = replace(word[-1], behind=_signs(behind.partition(" ")[0]))
        syllables += word
    if syllables:
        syllables[-1] = replace(syllables[-1], word_end=True, line_end=True)
    return syllables


def _signs(text: str) -> str:
    return "".join(character for character in text if character in _SIGNS)


def _words_of(written: str, language: str) -> list[tuple[list[str], int]]:
    """The words of letters with hyphens between: the syllables of each, and the index of the stressed one.

    Hyphens divide one word into its syllables ("glo-ry") where its parts are the syllables that the joined word has, or
    as many and no weak words; else they part words ("rock-and-roll").
    """
    pieces = _HYPHEN.split(written)
    if len(pieces) > 1 and language not in _SPELLED_WITH_HYPHENS:
        joined, stressed = split_in("".join(pieces), language)
        alone = [split_in(piece, language)[0] for piece in pieces]
        weak = language == DEFAULT_LANGUAGE and any(is_function_word(strip_marks(piece)) for piece in pieces)
        if joined == pieces or (len(joined) == len(pieces) and not weak and all(len(parts) == 1 for parts in alone)):
            return [(pieces, stressed)]
    return [split_in(piece, language) for piece in pieces]


def _pronounced(hint: str) -> tuple[list[str], int]:
    """A word that only its pronunciation is given of, written as it sounds."""
    parts = syllables_of_hint(hint)
    return parts, next((index for index, part in enumerate(parts) if part.startswith("ˈ")), 0)


def _checked(parts: list[str], stressed: int, number: int, language: str) -> list[Syllable]:
    """A word's syllables with their stress. Raises InvalidRequest for what cannot be sung."""
    word = "".join(parts)
    if not parts:
        raise InvalidRequest(f"no syllables were found in a word of lyric line {number}; write words in Latin letters")
    if any(len(part) > MAX_SYLLABLE_CHARACTERS for part in parts):
        raise InvalidRequest(f"{word[:40]!r} (lyric line {number}) is not a word that can be sung")
    weak = len(parts) == 1 and language == DEFAULT_LANGUAGE and is_function_word(strip_marks(word))
    return [
        Syllable(
            part,
            0.1 if weak else 1.0 if index == stressed else 0.4 if abs(index - stressed) == 2 else 0.0,
            index == len(parts) - 1,
        )
        for index, part in enumerate(parts)
    ]
