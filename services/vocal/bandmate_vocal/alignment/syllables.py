"""Group sung notes into lines of words, spelled as a speech engine can read them."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bandmate_music.language.hints import hint_of, without_hints
from bandmate_shared.contracts.vocals import SungNote

HUM = "ah"
"""Sung on notes without a word: a neutral open vowel in every language of espeak-ng."""
_LONG_REST = 1.5
"""Seconds of rest that end a line even where the lyrics do not say so."""
_MAX_WORDS = 24
_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'", "‐": "-", "‑": "-", "–": "-", "—": "-"})


@dataclass(frozen=True, slots=True)
class SungWord:
    """A word and, for each of its syllables, the indices of the notes it is sung on (more than one: a melisma).

    Words that meet on a note are one here, with spaces between them: "grande amor" is sung on three notes.
    `pronunciation` is in IPA, where the words give a hint ("leaves[ˈliːvz]").
    """

    text: str
    syllables: tuple[tuple[int, ...], ...]
    is_hum: bool
    pronunciation: str | None = None


@dataclass(frozen=True, slots=True)
class SungLine:
    """A phrase of the lyrics, spoken in one go."""

    words: tuple[SungWord, ...]

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)

    @property
    def starts(self) -> tuple[int, ...]:
        """Character offset of each word in `text`."""
        offsets = [0]
        for word in self.words[:-1]:
            offsets.append(offsets[-1] + len(word.text) + 1)
        return tuple(offsets)

    def pronounced(self) -> "SungLine":
        """The line with hints in place of the words they are for, for an engine that reads IPA in brackets."""
        return SungLine(
            tuple(replace(word, text=f"[{word.pronunciation}]") if word.pronunciation else word for word in self.words)
        )

    def hummed(self) -> "SungLine":
        """The same notes without the words, for a line the engine says nothing for."""
        return SungLine(tuple(SungWord(HUM, word.syllables, is_hum=True) for word in self.words))


def speakable(text: str) -> str:
    """A word spelled for a speech engine: lower case, letters, digits, inner apostrophes and hyphens.

    Symbols go, because an engine would read them out ("smiling face"), and so do capitals, which it may spell.
    Returns '' where nothing is left.
    """
    plain = unicodedata.normalize("NFKC", text).translate(_APOSTROPHES).lower()
    letters = "".join(c for c in plain if unicodedata.category(c)[0] in "LM" or c.isdigit() or c in "'-")
    letters = re.sub(r"-+", "-", letters).strip("-")
    return letters if any(c.isalnum() for c in letters) else ""


def lines_of(notes: Sequence[SungNote]) -> list[SungLine]:
    """The lines of a melody. Every note is on exactly one syllable of one word of one line."""
    lines: list[SungLine] = []
    words: list[SungWord] = []
    letters: list[str] = []
    syllables: list[list[int]] = []

    def end_word() -> None:
        if syllables:
            written, hint = without_hints("".join(letters)), hint_of("".join(letters))
            text = " ".join(filter(None, map(speakable, written.split())))
            words.append(SungWord(text or HUM, tuple(map(tuple, syllables)), not (text or hint), hint))
            letters.clear()
            syllables.clear()

    def end_line() -> None:
        end_word()
        if words:
            lines.append(SungLine(tuple(words)))
            words.clear()

    word_is_over = line_is_over = False
    previous_end = 0.0
    for index, note in enumerate(notes):
        if note.syllable is not None and note.syllable.strip():
            if word_is_over:
                end_word()
            if line_is_over or (word_is_over and (note.onset - previous_end > _LONG_REST or len(words) >= _MAX_WORDS)):
                end_line()
            letters.append(note.syllable.strip())
            syllables.append([index])
            word_is_over, line_is_over = note.word_end, note.line_end
        elif syllables:
            syllables[-1].append(index)
            line_is_over = line_is_over or note.line_end
        else:  # nothing was sung yet: the voice hums until the words begin
            syllables.append([index])
            word_is_over = True
        if line_is_over:
            word_is_over = True
        previous_end = note.onset + note.duration
    end_line()
    return lines
