"""The score: parts of notes on a tick grid, with tempi, metres, keys, sections, chord symbols and lyrics.

Notes are columns of integers, so that a large piece costs little and every transformation is a numpy expression.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from bandmate_music.theory.chord_symbols import Chord, parse_chord
from bandmate_music.theory.keys import Key
from bandmate_music.theory.metre import Metre

IntArray = NDArray[np.int32]

TICKS_PER_QUARTER = 480
"""Resolution of the scores we write; a score that was read keeps its own."""


def _empty() -> IntArray:
    return np.zeros(0, dtype=np.int32)


@dataclass(frozen=True, slots=True)
class Notes:
    """Columns of equal length: onset and duration in ticks, pitch and velocity 0-127; sorted by onset, then pitch."""

    onset: IntArray = field(default_factory=_empty)
    duration: IntArray = field(default_factory=_empty)
    pitch: IntArray = field(default_factory=_empty)
    velocity: IntArray = field(default_factory=_empty)

    def __len__(self) -> int:
        return len(self.onset)

    @staticmethod
    def from_rows(rows: Sequence[tuple[int, int, int, int]]) -> "Notes":
        """From (onset, duration, pitch, velocity) rows in any order."""
        table = np.asarray(sorted(rows), dtype=np.int32).reshape(-1, 4)
        order = np.lexsort((table[:, 2], table[:, 0]))
        table = table[order]
        return Notes(table[:, 0].copy(), table[:, 1].copy(), table[:, 2].copy(), table[:, 3].copy())

    @property
    def end(self) -> int:
        """Tick at which the last note ends; 0 without notes."""
        return int((self.onset + self.duration).max()) if len(self) else 0


@dataclass(frozen=True, slots=True)
class Lyric:
    """A syllable on the note that begins at `onset`. `word_end` is False where the word goes on.

    An empty text says that the syllable before goes on there. `held`: a line leads on from the syllable, over rests
    too. `line_end`: a line of the words ends with it.
    """

    onset: int
    text: str
    word_end: bool = True
    held: bool = False
    line_end: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """One instrument's or singer's line. `program` is General MIDI, 0-based; drums always use channel 10.

    Read to be sung, each voice of a written part is a part of its own: `identifier` is the written part's, `voice`
    names the voice. Both are empty otherwise.
    """

    name: str
    program: int
    notes: Notes
    is_drum: bool = False
    lyrics: tuple[Lyric, ...] = ()
    identifier: str = ""
    voice: str = ""


@dataclass(frozen=True, slots=True)
class TempoChange:
    onset: int
    tempo: float
    """Quarter notes a minute."""


@dataclass(frozen=True, slots=True)
class MetreChange:
    onset: int
    metre: Metre


@dataclass(frozen=True, slots=True)
class KeyChange:
    onset: int
    key: Key


@dataclass(frozen=True, slots=True)
class SectionMark:
    """A section of the form begins at `onset` and lasts until the next one; `text` is its title: 'Verse 1'."""

    onset: int
    text: str


@dataclass(frozen=True, slots=True)
class ChordMark:
    """A chord begins at `onset` and lasts until the next one; `symbol` as musicians write it: 'Dm7', 'F/A'.

    Raises:
        BadChord: the symbol means no chord.
    """

    onset: int
    symbol: str

    def __post_init__(self) -> None:
        parse_chord(self.symbol)

    @property
    def chord(self) -> Chord:
        return parse_chord(self.symbol)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something of a file that was read otherwise than it is written, or left out.

    `kind` is stable and in kebab-case: 'unreleased-notes'; `text` is a clause for a person; `count` says how many of
    what the text names. A repair is one of a damaged file, which strict reading refuses.
    """

    kind: str
    text: str
    count: int = 1
    is_repair: bool = False


@dataclass(frozen=True, slots=True)
class MeasureMark:
    """A written measure begins at `onset`; `number` as it is printed: '12', 'X1'."""

    onset: int
    number: str


@dataclass(frozen=True, slots=True)
class Score:
    """A piece of music. Changes are sorted by onset; an empty list means the default (120 bpm, 4/4, no key stated).

    Marks of sections and chords are sorted by onset too, with one of a kind at a tick. Notices tell what the reader of
    the file changed. `language` is that of the words where the file states it, as a tag. `measures` are known where
    repeats were unfolded. `is_notation`: the file is written music, whose beats need not be found.
    """

    parts: tuple[Part, ...]
    ticks_per_quarter: int = TICKS_PER_QUARTER
    tempi: tuple[TempoChange, ...] = ()
    metres: tuple[MetreChange, ...] = ()
    keys: tuple[KeyChange, ...] = ()
    title: str = ""
    sections: tuple[SectionMark, ...] = ()
    chords: tuple[ChordMark, ...] = ()
    notices: tuple[Notice, ...] = ()
    language: str = ""
    measures: tuple[MeasureMark, ...] = ()
    is_notation: bool = False

    @property
    def end(self) -> int:
        """Tick at which the last note of any part ends."""
        return max((part.notes.end for part in self.parts), default=0)

    @property
    def note_count(self) -> int:
        return sum(len(part.notes) for part in self.parts)

    def seconds_at(self, ticks: NDArray[np.int64] | IntArray | Sequence[int]) -> NDArray[np.float64]:
        """Seconds from the start at each tick, following the tempo changes."""
        points = np.asarray(ticks, dtype=np.float64)
        changes = [change for change in self.tempi if change.tempo > 0] or [TempoChange(0, 120.0)]
        if changes[0].onset > 0:
            changes = [TempoChange(0, 120.0), *changes]
        onsets = np.array([change.onset for change in changes], dtype=np.float64)
        seconds_per_tick = np.array([60.0 / change.tempo / self.ticks_per_quarter for change in changes])
        starts = np.concatenate([[0.0], np.cumsum(np.diff(onsets) * seconds_per_tick[:-1])])
        segment = np.clip(np.searchsorted(onsets, points, side="right") - 1, 0, None)
        result: NDArray[np.float64] = starts[segment] + (points - onsets[segment]) * seconds_per_tick[segment]
        return result

    @property
    def seconds(self) -> float:
        """Length in seconds up to the end of the last note."""
        return float(self.seconds_at([self.end])[0])

    def with_parts(self, parts: Sequence[Part]) -> "Score":
        return replace(self, parts=tuple(parts))
