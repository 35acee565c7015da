"""How durations are split, pitches spelled, bars counted and notes grouped."""

import re
import time
from typing import Literal
from xml.etree import ElementTree as ET

import pytest
from bandmate_music.analysis.bars import bars_of, count_bars
from bandmate_music.errors import LimitExceeded
from bandmate_music.limits import Limits
from bandmate_music.musicxml.engraving import accidentals, draw_bar
from bandmate_music.musicxml.note_values import written
from bandmate_music.musicxml.read import read_musicxml
from bandmate_music.musicxml.voices import staves_of
from bandmate_music.musicxml.write import write_musicxml
from bandmate_music.score import MetreChange, Notes, Part, Score, TempoChange
from bandmate_music.theory.keys import Key
from bandmate_music.theory.metre import Metre
from bandmate_music.theory.spelling import spell
from hypothesis import given
from hypothesis import strategies as st

COMMON = Metre(4, 4)


@given(st.integers(0, 143), st.integers(1, 144), st.sampled_from([24, 36]))
def test_every_stretch_can_be_written(start: int, length: int, beat: int) -> None:
    assert sum(value.units for value in written(start, start + length, beat)) == length


@pytest.mark.parametrize(
    ("start", "end", "beat", "values"),
    [
        (0, 24, 24, "quarter"),
        (0, 36, 24, "quarter."),
        (12, 36, 24, "quarter"),
        (0, 60, 24, "half eighth"),
        (36, 60, 24, "quarter"),
        (12, 60, 24, "eighth quarter eighth"),
        (0, 8, 24, "eighth3"),
        (0, 16, 24, "quarter3"),
        (8, 24, 24, "quarter3"),
        (16, 32, 24, "quarter3"),
        (20, 24, 24, "16th3"),
        (0, 36, 36, "quarter."),
        (0, 72, 36, "half."),
        (24, 48, 36, "eighth eighth"),
    ],
)
def test_beats_stay_visible(start: int, end: int, beat: int, values: str) -> None:
    assert " ".join(v.type + "." * v.dots + "3" * v.triplet for v in written(start, end, beat)) == values


@pytest.mark.parametrize(
    ("key", "scale"),
    [
        (Key(0, "major"), "C C# D Eb E F F# G G# A Bb B"),
        (Key(9, "minor"), "C C# D D# E F F# G G# A Bb B"),
        (Key(4, "major"), "B# C# D D# E E# F# G G# A A# B"),
        (Key(5, "minor"), "C Db D Eb E F Gb G Ab A Bb B"),
    ],
)
def test_pitches_are_spelled_in_their_key(key: Key, scale: str) -> None:
    names = [spell(pitch, key) for pitch in range(60, 72)]
    assert " ".join(step + {-1: "b", 0: "", 1: "#"}[alter] for step, alter, _ in names) == " ".join(scale.split())


@given(st.integers(0, 127), st.integers(0, 11), st.sampled_from(["major", "minor"]))
def test_a_spelled_pitch_sounds_as_before(pitch: int, tonic: int, mode: Literal["major", "minor"]) -> None:
    step, alter, octave = spell(pitch, Key(tonic, mode))
    assert 12 * (octave + 1) + {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}[step] + alter == pitch
    assert abs(alter) <= 1


def test_a_metre_change_within_a_bar_ends_it() -> None:
    changes = (MetreChange(0, COMMON), MetreChange(480 * 10, Metre(3, 4)))
    score = Score((Part("", 0, Notes.from_rows([(0, 480 * 14, 60, 80)])),), metres=changes)
    assert [(bar.onset // 480, bar.length // 480) for bar in bars_of(score)] == [
        (0, 4),
        (4, 4),
        (8, 2),
        (10, 3),
        (13, 3),
    ]


def test_bars_without_notes_are_counted_where_asked_for() -> None:
    assert [len(bars_of(Score(()), min_bars)) for min_bars in (0, 1, 5)] == [0, 1, 5]


def test_more_bars_than_can_be_laid_out_are_refused_before_one_is() -> None:
    score = Score((Part("", 0, Notes.from_rows([(2**28, 1, 60, 80)])),), ticks_per_quarter=1)
    started = time.process_time()
    assert count_bars(score) == 2**26 + 1
    with pytest.raises(LimitExceeded, match="more than 100,000 bars"):
        bars_of(score)
    assert time.process_time() - started < 1


def test_notes_that_overlap_get_voices_and_hands_get_staves() -> None:
    held, moving = (0, 1920, 60, 80), [(n * 480, 480, 67 + n, 80) for n in range(4)]
    (staff,) = staves_of(Part("", 40, Notes.from_rows([held, *moving])), 480)
    assert [len(voice) for voice in staff] == [4, 1]
    low = [(n * 480, 480, 40 + n, 80) for n in range(4)]
    right, left = staves_of(Part("", 0, Notes.from_rows([*moving, *low])), 480)
    assert [len(right), len(left)] == [1, 1]
    assert [chord.pitches for chord in left[0]] == [(40,), (41,), (42,), (43,)]


def _bar(rows: list[tuple[int, int, int, int]]) -> list[tuple[str, str, tuple[str, ...]]]:
    ((voice,),) = staves_of(Part("", 40, Notes.from_rows([(o * 20, d * 20, p, v) for o, d, p, v in rows])), 480)
    return [(item.value.type, item.bracket, item.beams) for item in draw_bar(voice, 0, 96, COMMON, hide_rests=False)]


def test_short_notes_are_beamed_within_the_beat_and_triplets_bracketed() -> None:
    rhythm = [(0, 12), (12, 6), (18, 6), (24, 8), (32, 8), (40, 8), (48, 48)]
    assert _bar([(onset, length, 60, 80) for onset, length in rhythm]) == [
        ("eighth", "", ("begin",)),
        ("16th", "", ("continue", "begin")),
        ("16th", "", ("end", "end")),
        ("eighth", "start", ("begin",)),
        ("eighth", "", ("continue",)),
        ("eighth", "stop", ("end",)),
        ("half", "", ()),
    ]


@pytest.mark.parametrize(
    ("metre", "groups"),
    [
        (Metre(6, 8), [3, 3]),
        (Metre(12, 8), [3, 3, 3, 3]),
        (Metre(3, 8), [3]),
        (Metre(5, 8), [3, 2]),
        (Metre(7, 8), [2, 2, 3]),
        (Metre(8, 8), [3, 3, 2]),
        (Metre(4, 8), [2, 2]),
        (Metre(4, 4), [2, 2, 2, 2]),
        (Metre(3, 4), [2, 2, 2]),
    ],
    ids=lambda value: value.name if isinstance(value, Metre) else "",
)
def test_eighths_are_beamed_by_the_beats_and_groups_of_their_metre(metre: Metre, groups: list[int]) -> None:
    eighths = sum(groups)
    rows = [(number * 240, 240, 60 + number % 2, 80) for number in range(eighths)]
    ((voice,),) = staves_of(Part("", 40, Notes.from_rows(rows)), 480)
    drawn = draw_bar(voice, 0, 12 * eighths, metre, hide_rests=False)
    starts = [number for number, item in enumerate(drawn) if item.beams == ("begin",)]
    ends = [number + 1 for number, item in enumerate(drawn) if item.beams == ("end",)]
    assert [end - start for start, end in zip(starts, ends, strict=True)] == groups


@pytest.mark.parametrize(
    ("metre", "mark"),
    [
        (Metre(6, 8), ("quarter", 1, "60")),
        (Metre(12, 16), ("eighth", 1, "120")),
        (Metre(3, 8), ("quarter", 0, "90")),
        (Metre(4, 4), ("quarter", 0, "90")),
    ],
    ids=lambda value: value.name if isinstance(value, Metre) else "",
)
def test_the_tempo_mark_counts_dotted_beats_in_compound_metres(metre: Metre, mark: tuple[str, int, str]) -> None:
    notes = Notes.from_rows([(0, metre.bar_ticks(480), 60, 80)])
    score = Score((Part("A", 40, notes),), 480, (TempoChange(0, 90.0),), (MetreChange(0, metre),))
    data = write_musicxml(score)
    metronome = next(ET.fromstring(data).iter("metronome"))
    dots = len(metronome.findall("beat-unit-dot"))
    assert (metronome.findtext("beat-unit"), dots, metronome.findtext("per-minute")) == mark
    without_sound = re.sub(rb"<sound [^>]*/>", b"", data)
    for read in (read_musicxml(data, Limits()), read_musicxml(without_sound, Limits())):
        assert [change.tempo for change in read.tempi] == [90.0]


def test_an_accidental_holds_to_the_end_of_the_bar_and_is_taken_back() -> None:
    pitches = [66, 66, 65, 64]  # F sharp twice, then F natural, in C major.
    ((voice,),) = staves_of(Part("", 40, Notes.from_rows([(n * 480, 480, p, 80) for n, p in enumerate(pitches)])), 480)
    drawn = draw_bar(voice, 0, 96, COMMON, hide_rests=False)
    needed = accidentals([drawn], Key(0, "major"))
    assert [(id(item), pitch) in needed for item, pitch in zip(drawn, pitches, strict=True)] == [
        True,
        False,
        True,
        False,
    ]
    assert accidentals([drawn], Key(7, "major")) == {(id(drawn[2]), 65)}
