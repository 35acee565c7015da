"""Scores to write and read back: hypothesis strategies, and a comparison that says where two scores differ."""

from collections import Counter

import numpy as np
from bandmate_music.score import (
    ChordMark,
    KeyChange,
    Lyric,
    MetreChange,
    Notes,
    Part,
    Score,
    SectionMark,
    TempoChange,
)
from bandmate_music.theory.keys import Key
from bandmate_music.theory.metre import Metre
from hypothesis import strategies as st

QUARTER = 480
UNIT = QUARTER // 24

WORD = st.text("abcdefghijklmnopqrstuvwxyzäöüßéñ'あ歌", min_size=1, max_size=8)
TITLE = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=12)
CHORD = st.sampled_from(["C", "F#m7", "Bbmaj7", "G7sus4", "Em7b5", "Ab/C", "D7b9", "E5", "C6/9", "Cø", "F+", "B°7"])
NAME = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), max_size=20)


@st.composite
def lines(draw: st.DrawFn, grid: int = 1, drum: bool = False) -> Notes:
    """Notes that overlap freely, but never two of one pitch."""
    rows: list[tuple[int, int, int, int]] = []
    free: dict[int, int] = {}
    onset = 0
    for _ in range(draw(st.integers(1, 25))):
        onset += draw(st.integers(0, 60)) * grid
        pitch = draw(st.integers(35, 81) if drum else st.integers(21, 108))
        duration = draw(st.integers(1, 150)) * grid
        if free.get(pitch, 0) <= onset:
            free[pitch] = onset + duration
            rows.append((onset, duration, pitch, draw(st.integers(1, 127))))
    return Notes.from_rows(rows)


@st.composite
def parts(draw: st.DrawFn, grid: int = 1) -> Part:
    drum = draw(st.booleans())
    notes = draw(lines(grid, drum))
    lyrics: list[Lyric] = []
    if not drum and draw(st.booleans()):
        for onset in sorted(set(notes.onset.tolist())):
            lyrics.append(Lyric(onset, draw(WORD), draw(st.booleans())))
    return Part(draw(NAME), draw(st.integers(0, 127)), notes, drum, tuple(lyrics))


@st.composite
def scores(draw: st.DrawFn, grid: int = 1, most_parts: int = 4) -> Score:
    """Any metres at bar lines, tempi of a tenth, keys at bar lines. `grid` is the ticks between possible times."""
    metres: list[MetreChange] = []
    keys: list[KeyChange] = []
    onset = 0
    for _ in range(draw(st.integers(1, 3))):
        metre = Metre(draw(st.integers(1, 9)), draw(st.sampled_from([2, 4, 8, 16])))
        if not metres or metres[-1].metre != metre:
            metres.append(MetreChange(onset, metre))
        key = Key(draw(st.integers(0, 11)), draw(st.sampled_from(["major", "minor"])))
        if not keys or keys[-1].key != key:
            keys.append(KeyChange(onset, key))
        onset += metres[-1].metre.bar_ticks(QUARTER) * draw(st.integers(1, 3))
    tempi = {0: draw(st.integers(300, 2400)) / 10}
    for place in draw(st.lists(st.integers(1, 60), max_size=3)):
        tempi[place * grid] = draw(st.integers(300, 2400)) / 10
    score_parts = tuple(draw(st.lists(parts(grid), min_size=1, max_size=most_parts)))
    places = st.sets(st.integers(0, 60), max_size=3)
    return Score(
        parts=score_parts,
        ticks_per_quarter=QUARTER,
        tempi=tuple(TempoChange(place, tempi[place]) for place in sorted(tempi)),
        metres=tuple(metres),
        keys=tuple(keys),
        title=draw(NAME),
        sections=tuple(SectionMark(place * grid, draw(TITLE)) for place in sorted(draw(places))),
        chords=tuple(ChordMark(place * grid, draw(CHORD)) for place in sorted(draw(places))),
    )


def rows_of(part: Part) -> Counter[tuple[int, int, int, int]]:
    notes = part.notes
    columns = (notes.onset.tolist(), notes.duration.tolist(), notes.pitch.tolist(), notes.velocity.tolist())
    return Counter(zip(*columns, strict=True))


def assert_same(first: Score, second: Score) -> None:
    assert first.title == second.title
    assert first.ticks_per_quarter == second.ticks_per_quarter
    assert first.tempi == second.tempi
    assert first.metres == second.metres
    assert first.keys == second.keys
    assert first.sections == second.sections
    assert first.chords == second.chords
    assert len(first.parts) == len(second.parts)
    for left, right in zip(first.parts, second.parts, strict=True):
        assert (left.name, left.program, left.is_drum) == (right.name, right.program, right.is_drum)
        assert left.lyrics == right.lyrics
        assert rows_of(left) == rows_of(right)
        assert bool(np.all(np.diff(right.notes.onset) >= 0))
