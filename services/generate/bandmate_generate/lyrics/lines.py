"""Split lyrics into sections, lines, words and syllables, with an estimate of each syllable's stress."""

import re
from dataclasses import dataclass, replace

from bandmate_music.language.detect import DEFAULT_LANGUAGE
from bandmate_music.language.names import base_language
from bandmate_music.language.spoken import written_out
from bandmate_shared.errors import InvalidRequest

from bandmate_generate.lyrics.sections import Section, read_header
from bandmate_generate.lyrics.syllables import is_function_word, strip_marks
from bandmate_generate.lyrics.syllables_by_language import split_in

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*['’]?")
_SIGNS = frozenset(".,;:!?…\"'“”„‚«»‹›‘’()[]¿¡")
"""Punctuation that is written with the word it touches. Hyphens and the like are left out: scores and karaoke files
divide words by them."""
MAX_SYLLABLE_CHARACTERS = 24


@dataclass(frozen=True, slots=True)
class Syllable:
    """What is sung on one note. `stress` is 0 (weak) to 1 (strong); `word_end` is False where the word goes on.

    `before` and `behind` are the signs around it in the words, which are written in the score and not sung.
    """

    text: str
    stress: float
    word_end: bool
    line_end: bool = False
    before: str = ""
    behind: str = ""

    @property
    def written(self) -> str:
        """The syllable as it stands in the score: 'moon!' where 'moon' is sung."""
        return f"{self.before}{self.text}{self.behind}"


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

    Section headers ("[Verse 1]", "Chorus:") become `sections` and are not sung; each begins a stanza.

    Raises:
        InvalidRequest: no line has a syllable, or a word is written in a script whose syllables are not known.
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


def _syllables_of(line: str, number: int, language: str) -> list[Syllable]:
    syllables: list[Syllable] = []
    matches = list(_WORD.finditer(line))
    for place, match in enumerate(matches):
        word = match[0]
        parts, stressed = split_in(word, language)
        if not parts:
            raise InvalidRequest(
                f"no syllables were found in {word[:40]!r} (lyric line {number}); write words in Latin letters"
            )
        if any(len(part) > MAX_SYLLABLE_CHARACTERS for part in parts):
            raise InvalidRequest(f"{word[:40]!r} (lyric line {number}) is not a word that can be sung")
        weak = len(parts) == 1 and language == DEFAULT_LANGUAGE and is_function_word(strip_marks(word))
        for index, part in enumerate(parts):
            stress = 0.1 if weak else 1.0 if index == stressed else 0.4 if abs(index - stressed) == 2 else 0.0
            syllables.append(Syllable(part, stress, index == len(parts) - 1))
        before = _signs(line[matches[place - 1].end() if place else 0 : match.start()].rpartition(" ")[2])
        behind = line[match.end() : matches[place + 1].start() if place + 1 < len(matches) else len(line)]
        if " " not in behind and place + 1 < len(matches):
            behind = ""  # The signs of two words that touch are before the second.
        syllables[-len(parts)] = replace(syllables[-len(parts)], before=before)
        syllables[-1] = replace(syllables[-1], behind=_signs(behind.partition(" ")[0]))
    if syllables:
        syllables[-1] = replace(syllables[-1], line_end=True)
    return syllables


def _signs(text: str) -> str:
    return "".join(character for character in text if character in _SIGNS)
