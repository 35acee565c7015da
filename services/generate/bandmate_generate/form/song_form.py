"""The form of a song: sections in order, each with its bars, chords, words and energy.

Sections of equal letter are the same music. Where one is shorter than the longest of its letter, it is that one's
first bars.
"""

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

from bandmate_music.theory.bars import Bars
from bandmate_shared.contracts.composition import ChordSpan

from bandmate_generate.lyrics.lines import Line


@dataclass(frozen=True, slots=True)
class SongSection:
    """One section. Bars are counted from 0; chords lie on the song's grid (24 ticks a quarter).

    `name` is intro, verse, pre-chorus, chorus, post-chorus, bridge, solo, interlude or outro, in music without words
    also a letter; `number` counts the sections of a name from 1, None where there is one. `energy` is 0 (few play,
    softly) to 1 (all play, loudly). `repeats` is how many sections of the letter came before. `lines` are empty where
    nobody sings.
    """

    name: str
    number: int | None
    letter: str
    first_bar: int
    bars: int
    energy: float
    chords: tuple[ChordSpan, ...]
    lines: tuple[Line, ...] = ()
    repeats: int = 0

    @property
    def end_bar(self) -> int:
        """The bar after the last one."""
        return self.first_bar + self.bars

    @property
    def title(self) -> str:
        """As markers and reports show it: 'Verse 2'."""
        name = self.name if len(self.name) == 1 else self.name.capitalize()
        return name if self.number is None else f"{name} {self.number}"


@dataclass(frozen=True)
class SongForm:
    """The sections of a song, one after the other, at least one; together they are all of its bars."""

    sections: tuple[SongSection, ...]

    @property
    def bars(self) -> int:
        return self.sections[-1].end_bar

    @cached_property
    def chords(self) -> tuple[ChordSpan, ...]:
        """The chords of all sections, in order."""
        return tuple(chord for section in self.sections for chord in section.chords)

    @cached_property
    def _first_bars(self) -> list[int]:
        return [section.first_bar for section in self.sections]

    def at(self, bar: int) -> SongSection:
        """The section that a bar lies in."""
        return self.sections[max(0, bisect_right(self._first_bars, bar) - 1)]

    def model(self, letter: str) -> SongSection:
        """The section whose music the others of its letter repeat: the longest, of equal ones the first."""
        return max((section for section in self.sections if section.letter == letter), key=lambda section: section.bars)


def progression_text(section: SongSection, frame: Bars) -> str:
    """The section's chords as musicians write them: 'C Am | F G | C'."""
    bars: list[list[str]] = [[] for _ in range(section.bars)]
    for chord in section.chords:
        bars[frame.at(chord.onset) - section.first_bar].append(chord.symbol)
    texts: list[str] = []
    for symbols in bars:
        text = " ".join(symbols)
        texts.append(text or "%")
    return " | ".join(texts)
