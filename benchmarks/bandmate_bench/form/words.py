"""How the tune treats the words: the same for the same text, higher on stresses, several notes on a syllable."""

import re
from collections.abc import Sequence
from itertools import combinations, pairwise
from statistics import fmean
from typing import NamedTuple

from bandmate_bench.form.piece import GRID, Piece, Syllable
from bandmate_bench.form.stress import stressed_syllables

_MIN_LINE = 4
"""Lines of fewer syllables are not compared."""
_HEADER = re.compile(
    r"^\s*(\[.*\]|\(?(verse|chorus|refrain|bridge|pre-?chorus|intro|outro|interlude)\b[^a-z]*\)?:?)\s*$", re.IGNORECASE
)
SLOW_TEMPO = 92.0
"""Quarters a minute up to which a song counts as slow."""


class SungLine(NamedTuple):
    """A line as it was sung; `section` is (letter, number of the line in it), None where sections are not known."""

    text: str
    syllables: tuple[Syllable, ...]
    section: tuple[str, int] | None

    @property
    def pitches(self) -> tuple[int, ...]:
        return tuple(syllable.pitch for syllable in self.syllables)


def same_text_same_pitch(piece: Piece) -> float | None:
    """Share of the syllables of a returning line (a chorus, as a rule) on the pitch that they had the first time.

    Each return is compared with the first time; a syllable counts by the pitch that it begins on.
    """
    first: dict[str, tuple[int, ...]] = {}
    hits: list[bool] = []
    for line in sung_lines(piece):
        if line.text in first:
            hits += [a == b for a, b in zip(first[line.text], line.pitches, strict=False)]
        elif len(line.syllables) >= _MIN_LINE:
            first[line.text] = line.pitches
    return sum(hits) / len(hits) if hits else None


def other_text_same_pitch(piece: Piece) -> float | None:
    """Share of syllables on the same pitch in lines of different text and as many syllables, place by place.

    Lines at the same place of sections of one letter share a tune as planned (the second verse), and are left out.
    """
    hits: list[bool] = []
    for one, other in combinations(_distinct(sung_lines(piece)), 2):
        same_place = one.section is not None and one.section == other.section
        if len(one.syllables) == len(other.syllables) and not same_place:
            hits += [a == b for a, b in zip(one.pitches, other.pitches, strict=True)]
    return sum(hits) / len(hits) if hits else None


def stressed_higher(piece: Piece) -> float | None:
    """Share of neighbouring stressed and weak syllables of a line in which the stressed one is higher.

    Pairs on one pitch are left out, so that chance is one half. Stresses are those of English.
    """
    hits: list[bool] = []
    for line in sung_lines(piece):
        for (one, one_stressed), (other, other_stressed) in pairwise(_with_stress(line.syllables)):
            if one_stressed != other_stressed and one.pitch != other.pitch:
                hits.append((one.pitch > other.pitch) == one_stressed)
    return sum(hits) / len(hits) if hits else None


def melisma(piece: Piece) -> float | None:
    """Share of the syllables that are sung on more than one note."""
    if not piece.syllables:
        return None
    return sum(len(syllable.notes) > 1 for syllable in piece.syllables) / len(piece.syllables)


def melisma_if_slow(piece: Piece) -> float | None:
    """As `melisma`, of songs up to 92 quarters a minute."""
    return melisma(piece) if piece.tempo <= SLOW_TEMPO else None


def chorus_above_verse(piece: Piece) -> float | None:
    """Mean pitch of the tune in choruses minus that in verses, in semitones.

    Without sections, of lines that return minus that of lines sung once. None where one of the two is missing.
    """
    chorus: list[int] = []
    verse: list[int] = []
    if piece.sections:
        names = {bar: part.name for part in piece.sections for bar in range(part.first_bar, part.end_bar)}
        for note in piece.tune:
            name = names.get(piece.bar_at(note.onset))
            (chorus if name == "chorus" else verse if name == "verse" else []).append(note.pitch)
    else:
        lines = sung_lines(piece)
        texts = [line.text for line in lines]
        for line in lines:
            (chorus if texts.count(line.text) > 1 else verse).extend(line.pitches)
    return fmean(chorus) - fmean(verse) if chorus and verse else None


def sung_lines(piece: Piece) -> list[SungLine]:
    """The lines as sung: by the words of the request where they are known, else from breath to breath.

    A breath is a rest of a quarter or more.
    """
    syllables = piece.syllables
    if not syllables:
        return []
    wanted = sorted({_letters(line) for line in text_lines(piece.lyrics or "")}, key=lambda text: (-len(text), text))
    lines: list[tuple[Syllable, ...]] = []
    loose: list[Syllable] = []
    position = 0
    while position < len(syllables):
        length = next((n for text in wanted if (n := _match(syllables, position, text))), 0)
        if length:
            lines += [tuple(loose)] if loose else []
            loose = []
            lines.append(syllables[position : position + length])
            position += length
            continue
        if loose and not wanted and syllables[position].onset - loose[-1].notes[-1][0] >= 3 * GRID:
            lines.append(tuple(loose))
            loose = []
        loose.append(syllables[position])
        position += 1
    lines += [tuple(loose)] if loose else []
    return _placed(piece, lines)


def text_lines(lyrics: str) -> list[str]:
    """The lines of a text that are sung: no empty ones, no section headers."""
    return [line for line in lyrics.splitlines() if line.strip() and not _HEADER.match(line)]


def _match(syllables: Sequence[Syllable], position: int, text: str) -> int:
    """How many syllables from a position on make up a line's letters; 0 where they do not."""
    found = ""
    for number in range(position, len(syllables)):
        found += _letters(syllables[number].text)
        if not text.startswith(found):
            return 0
        if len(found) == len(text):
            return number + 1 - position
    return 0


def _placed(piece: Piece, lines: Sequence[tuple[Syllable, ...]]) -> list[SungLine]:
    placed: list[SungLine] = []
    counts: dict[int, int] = {}
    for line in lines:
        # A pick-up belongs to the section that the line's middle lies in.
        bar = piece.bar_at(line[len(line) // 2].onset)
        number = next((n for n, part in enumerate(piece.sections) if part.first_bar <= bar < part.end_bar), None)
        section = None
        if number is not None:
            section = piece.sections[number].letter, counts.get(number, 0)
            counts[number] = counts.get(number, 0) + 1
        placed.append(SungLine("".join(_letters(syllable.text) for syllable in line), line, section))
    return placed


def _distinct(lines: Sequence[SungLine]) -> list[SungLine]:
    """One of the lines of each text."""
    first: dict[str, SungLine] = {}
    for line in lines:
        if len(line.syllables) >= _MIN_LINE:
            first.setdefault(line.text, line)
    return list(first.values())


def _with_stress(syllables: Sequence[Syllable]) -> list[tuple[Syllable, bool]]:
    marked: list[tuple[Syllable, bool]] = []
    word: list[Syllable] = []
    for number, syllable in enumerate(syllables):
        word.append(syllable)
        if syllable.word_end or number + 1 == len(syllables):
            marked += zip(word, stressed_syllables([part.text for part in word]), strict=True)
            word = []
    return marked


def _letters(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalpha())
