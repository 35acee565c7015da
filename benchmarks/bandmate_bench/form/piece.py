"""A piece as the measures see it: notes on a grid of 24 ticks a quarter, bars, sections, words and what was planned.

Songs of ours and real pieces are read into the same type, so that one piece of code measures both.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

GRID = 24
"""Ticks a quarter."""


class GridNote(NamedTuple):
    """A note on the grid. `part` is an index of the piece's parts; `end` is the tick after it."""

    part: int
    onset: int
    end: int
    pitch: int
    velocity: int


class PieceBar(NamedTuple):
    """A bar: first tick, length and length of a beat in ticks."""

    onset: int
    length: int
    beat: int

    @property
    def end(self) -> int:
        return self.onset + self.length


class PiecePart(NamedTuple):
    name: str
    program: int
    is_drum: bool


class Section(NamedTuple):
    """A section; bars are counted from 0. Sections of equal letter are meant to be the same music."""

    name: str
    letter: str
    first_bar: int
    bars: int

    @property
    def end_bar(self) -> int:
        return self.first_bar + self.bars


class PlannedChord(NamedTuple):
    """A chord that was asked for or planned, from `onset` to `end` in ticks."""

    onset: int
    end: int
    root: int
    pitch_classes: frozenset[int]


class Syllable(NamedTuple):
    """A sung syllable and the notes it is sung on, as (onset, pitch), at least one."""

    text: str
    word_end: bool
    notes: tuple[tuple[int, int], ...]

    @property
    def onset(self) -> int:
        return self.notes[0][0]

    @property
    def pitch(self) -> int:
        """The pitch that the syllable begins on."""
        return self.notes[0][1]


@dataclass(frozen=True)
class Piece:
    """One piece. What only our songs have is empty or None in a real one.

    `melody` is the index of the part with the tune. `drum_offsets` are seconds by which drum onsets are late on the
    grid. `planned_key` is (tonic, mode). `timings` are seconds a stage.
    """

    name: str
    group: str
    bars: tuple[PieceBar, ...]
    parts: tuple[PiecePart, ...]
    notes: tuple[GridNote, ...]
    melody: int | None = None
    syllables: tuple[Syllable, ...] = ()
    sections: tuple[Section, ...] = ()
    chords: tuple[PlannedChord, ...] = ()
    chords_asked: bool = False
    key_asked: bool = False
    planned_key: tuple[int, str] | None = None
    lyrics: str | None = None
    tempo: float = 120.0
    drum_offsets: tuple[float, ...] = ()
    timings: dict[str, float] = field(default_factory=dict)

    def bar_at(self, tick: int) -> int:
        """The index of the bar that holds a tick; the last one for ticks behind it."""
        return max(0, bisect_right(self.bars, tick, key=lambda bar: bar.onset) - 1)

    @property
    def pitched(self) -> list[GridNote]:
        """The notes of all parts but the drums."""
        return [note for note in self.notes if not self.parts[note.part].is_drum]

    @property
    def drums(self) -> list[GridNote]:
        return [note for note in self.notes if self.parts[note.part].is_drum]

    @property
    def tune(self) -> list[GridNote]:
        """The melody as one line: of notes that begin together the highest. Empty without a melody."""
        line: dict[int, GridNote] = {}
        for note in self.notes:
            if note.part == self.melody and (note.onset not in line or note.pitch > line[note.onset].pitch):
                line[note.onset] = note
        return [line[onset] for onset in sorted(line)]

    def returned_bars(self) -> set[int]:
        """The bars of sections whose letter came before: planned returns."""
        seen: set[str] = set()
        returned: set[int] = set()
        for section in self.sections:
            if section.letter in seen:
                returned.update(range(section.first_bar, section.end_bar))
            seen.add(section.letter)
        return returned

    def first(self, bars: int) -> "Piece":
        """The piece cut off after so many bars; itself where it has no more."""
        if len(self.bars) <= bars:
            return self
        end = self.bars[bars - 1].end
        notes = tuple(note._replace(end=min(note.end, end)) for note in self.notes if note.onset < end)
        sections = tuple(
            section._replace(bars=min(section.bars, bars - section.first_bar))
            for section in self.sections
            if section.first_bar < bars
        )
        return replace(
            self,
            bars=self.bars[:bars],
            notes=notes,
            sections=sections,
            syllables=tuple(syllable for syllable in self.syllables if syllable.onset < end),
            chords=tuple(chord for chord in self.chords if chord.onset < end),
        )


def beats_of(piece: Piece) -> list[tuple[int, int, int]]:
    """Each beat as (first tick, tick after it, bar)."""
    beats = []
    for number, bar in enumerate(piece.bars):
        for onset in range(bar.onset, bar.end, bar.beat):
            beats.append((onset, min(onset + bar.beat, bar.end), number))
    return beats


def sounding(notes: Sequence[GridNote], spans: Sequence[tuple[int, int]]) -> list[list[GridNote]]:
    """The notes that sound in each of the spans, which are in ascending order and do not overlap."""
    starts = [start for start, _ in spans]
    found: list[list[GridNote]] = [[] for _ in spans]
    for note in notes:
        index = max(0, bisect_right(starts, note.onset) - 1)
        while index < len(spans) and spans[index][0] < note.end:
            if spans[index][1] > note.onset:
                found[index].append(note)
            index += 1
    return found
