"""From sung notes to lines of words: syllables are joined until their word ends, and cleaned for a speech engine."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from bandmate_shared.contracts.vocals import SungNote

HUM = "ah"
"""What is sung where the words give nothing to say: a neutral open vowel in every language espeak-ng knows."""
_LONG_REST = 1.5
"""Seconds of rest that end a line even where the lyrics do not say so."""
_MOST_WORDS = 24
_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'", "‐": "-", "‑": "-", "–": "-", "—": "-"})


@dataclass(frozen=True, slots=True)
class SungWord:
    """A word and, for each of its syllables, the indices of the notes it is sung on (more than one: a melisma)."""

    text: str
    syllables: tuple[tuple[int, ...], ...]
    is_hum: bool


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

    def hummed(self) -> "SungLine":
        """The same notes without the words, for a line the engine says nothing for."""
        return SungLine(tuple(SungWord(HUM, word.syllables, is_hum=True) for word in self.words))


def speakable(text: str) -> str:
    """The word as a speech engine should see it: lower case, letters, digits, inner apostrophes and hyphens.

    Symbols go, because an engine would read them out ("smiling face"), and so do capitals, which it may spell.
    Returns '' where nothing is left.
    """
    plain = unicodedata.normalize("NFKC", text).translate(_APOSTROPHES).lower()
    kept = "".join(c for c in plain if unicodedata.category(c)[0] in "LM" or c.isdigit() or c in "'-")
    kept = re.sub(r"-+", "-", kept).strip("-")
    return kept if any(c.isalnum() for c in kept) else ""


def lines_of(notes: Sequence[SungNote]) -> list[SungLine]:
    """The lines of a melody. Every note is on exactly one syllable of one word of one line."""
    lines: list[SungLine] = []
    words: list[SungWord] = []
    letters: list[str] = []
    syllables: list[list[int]] = []

    def end_word() -> None:
        if syllables:
            text = speakable("".join(letters))
            words.append(SungWord(text or HUM, tuple(map(tuple, syllables)), is_hum=not text))
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
            if line_is_over or (word_is_over and (note.onset - previous_end > _LONG_REST or len(words) >= _MOST_WORDS)):
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
