"""Cuts a piece into phrases of words, each short enough for a speech recogniser's window."""

from collections.abc import Sequence
from dataclasses import dataclass

from bandmate_bench.singing.sung import JudgedNote

_REST = 0.4
"""Seconds of rest that end a phrase of _MIN_WORDS words."""
_MIN_WORDS, _MAX_WORDS = 3, 14
_MAX_SECONDS = 14.0
_PAD_BEFORE, _PAD_AFTER = 0.25, 0.3
"""Seconds of sound around a phrase that are heard with it, as far as the neighbouring phrases are away."""


@dataclass(frozen=True, slots=True)
class SungPhrase:
    """Words in order, and the seconds that they are heard from and to."""

    words: tuple[str, ...]
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    start: float
    end: float
    line_end: bool


def phrases_of(notes: Sequence[JudgedNote]) -> list[SungPhrase]:
    """The phrases of one singer's notes: they end with a line, at a rest, and before they get too long."""
    groups: list[list[_Word]] = [[]]
    words = _words(notes)
    for word in words:
        current = groups[-1]
        if current:
            rests = word.start - current[-1].end >= _REST and len(current) >= _MIN_WORDS
            full = len(current) >= _MAX_WORDS or word.end - current[0].start > _MAX_SECONDS
            if current[-1].line_end or rests or full:
                groups.append([])
        groups[-1].append(word)
    return _padded([group for group in groups if group])


def _words(notes: Sequence[JudgedNote]) -> list[_Word]:
    words: list[_Word] = []
    letters = ""
    begin = 0.0
    is_over = True
    for note in notes:
        if note.syllable is None or not note.syllable.strip():
            if words and is_over:
                words[-1] = _Word(words[-1].text, words[-1].start, note.end, words[-1].line_end or note.line_end)
            continue
        if is_over:
            letters, begin = "", note.start
        letters += note.syllable.strip()
        is_over = note.word_end
        if is_over:
            words.append(_Word(letters, begin, note.end, note.line_end))
    return words


def _padded(groups: Sequence[Sequence[_Word]]) -> list[SungPhrase]:
    phrases = []
    for number, group in enumerate(groups):
        # Consonants begin before the note: half of a gap to each side, but some of the last note where there is none.
        before = (
            _PAD_BEFORE
            if number == 0
            else min(_PAD_BEFORE, max(0.06, (group[0].start - groups[number - 1][-1].end) / 2))
        )
        after = (
            _PAD_AFTER
            if number + 1 == len(groups)
            else min(_PAD_AFTER, max(0.0, (groups[number + 1][0].start - group[-1].end) / 2))
        )
        words = tuple(word.text for word in group)
        phrases.append(SungPhrase(words, max(0.0, group[0].start - before), group[-1].end + after))
    return phrases
