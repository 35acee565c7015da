"""MIDI files become pieces: bars, sections, chords, the tune, its syllables, and how late the drums are."""

from pathlib import Path

import pytest
from bandmate_bench.form.quantise import MetricalGrid
from bandmate_bench.form.read import find_melody, read_piece
from bandmate_music.midi.write import write_midi
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

BAR = 1920


@pytest.fixture
def song(tmp_path: Path) -> Path:
    """Eight bars: a voice that sings 'happy day' on four notes, a piano, drums 10 ms late."""
    voice = Part(
        "Voice",
        52,
        Notes.from_rows([(8, 450, 60, 80), (476, 460, 62, 80), (962, 230, 64, 80), (1200, 470, 65, 80)]),
        lyrics=(Lyric(8, "hap", False), Lyric(476, "py"), Lyric(962, "day")),
    )
    piano = Part("Piano", 0, Notes.from_rows([(bar * BAR, BAR, pitch, 70) for bar in range(8) for pitch in (48, 52)]))
    drums = Part("Drums", 0, Notes.from_rows([(beat * 480 + 10, 60, 36, 90) for beat in range(32)]), is_drum=True)
    score = Score(
        (piano, voice, drums),
        480,
        (TempoChange(0, 125.0),),  # A tick is a millisecond.
        (MetreChange(0, Metre(4, 4)),),
        (KeyChange(0, Key(9, "minor")),),
        sections=(SectionMark(0, "Verse 1"), SectionMark(2 * BAR, "Chorus"), SectionMark(4 * BAR, "Verse 2")),
        chords=(ChordMark(0, "Am"), ChordMark(2 * BAR, "F/A")),
    )
    path = tmp_path / "song.mid"
    path.write_bytes(write_midi(score))
    return path


def test_a_file_is_read(song: Path) -> None:
    piece = read_piece(song, "pop")
    assert [bar.length for bar in piece.bars] == [96] * 8
    assert [(s.name, s.letter, s.first_bar, s.bars) for s in piece.sections] == [
        ("verse", "verse", 0, 2),
        ("chorus", "chorus", 2, 2),
        ("verse", "verse", 4, 4),
    ]
    assert piece.returned_bars() == {4, 5, 6, 7}
    assert [(c.onset, c.end, c.root) for c in piece.chords] == [(0, 192, 9), (192, 768, 5)]
    assert piece.planned_key == (9, "minor")
    assert [(note.onset, note.pitch) for note in piece.tune] == [(0, 60), (24, 62), (48, 64), (60, 65)]
    assert [(s.text, s.word_end, s.notes) for s in piece.syllables] == [
        ("hap", False, ((0, 60),)),
        ("py", True, ((24, 62),)),
        ("day", True, ((48, 64), (60, 65))),
    ]
    assert piece.drum_offsets == pytest.approx([0.010] * 32, abs=0.001)


def test_a_piece_is_cut_off_after_bars(song: Path) -> None:
    piece = read_piece(song, "pop").first(3)
    assert len(piece.bars) == 3
    assert max(note.end for note in piece.notes) <= 3 * 96
    assert [(s.name, s.bars) for s in piece.sections] == [("verse", 2), ("chorus", 1)]


def test_the_tune_is_the_sung_part_then_a_lead_then_the_highest_line() -> None:
    def part(name: str, pitch: int, *, words: bool = False, chords: bool = False) -> Part:
        rows = [(tick * 480, 400, pitch + extra, 80) for tick in range(16) for extra in ((0, 4) if chords else (0,))]
        return Part(name, 0, Notes.from_rows(rows), lyrics=(Lyric(0, "la"),) if words else ())

    high, lead, sung, chords = part("x", 90), part("Lead", 70), part("y", 50, words=True), part("z", 100, chords=True)
    assert find_melody([high, lead, sung, chords], 480, MetricalGrid()) == 2
    assert find_melody([high, lead, chords], 480, MetricalGrid()) == 1
    assert find_melody([chords, high], 480, MetricalGrid()) == 1
    assert find_melody([Part("Drums", 0, Notes.from_rows([(0, 1, 36, 80)]), is_drum=True)], 480, MetricalGrid()) is None
