"""Scores survive a round trip through MusicXML, and music21 reads the same music."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from bandmate_music.analysis.bars import bars_of
from bandmate_music.midi.read import read_midi
from bandmate_music.midi.write import write_midi
from bandmate_music.musicxml.read import read_musicxml
from bandmate_music.musicxml.write import write_musicxml
from bandmate_music.score import KeyChange, Lyric, MetreChange, Notes, Part, Score, TempoChange
from bandmate_music.theory.keys import Key
from bandmate_music.theory.metre import Metre
from bandmate_shared.settings import SharedSettings
from hypothesis import given, settings

from tests.unit.music.scores import QUARTER, UNIT, assert_same, rows_of, scores

LIMITS = SharedSettings().file_limits
Heard = Counter[tuple[int, int, int]]


@settings(max_examples=35, deadline=None)
@given(scores(grid=UNIT))
def test_a_score_on_the_grid_comes_back_as_it_was(score: Score) -> None:
    data = write_musicxml(score)
    assert data == write_musicxml(score)
    end = bars_of(score)[-1].end
    pitched = any(not part.is_drum for part in score.parts)
    sounding = replace(
        score,
        metres=tuple(change for change in score.metres if change.onset < end),
        keys=tuple(change for change in score.keys if change.onset < end and pitched),
    )
    assert_same(sounding, read_musicxml(data, LIMITS))


def test_a_bar_in_which_only_the_end_of_a_second_voice_sounds_keeps_its_length() -> None:
    rows = [(0, 480, 60), (240, 1920, 67), (2 * 1920, 480, 62)]  # The second bar holds an eighth, tied from the first.
    columns = (np.array(column, np.int32) for column in (*zip(*rows, strict=True), [80] * len(rows)))
    score = Score(parts=(Part("Piano", 0, Notes(*columns)),), ticks_per_quarter=QUARTER)
    read = read_musicxml(write_musicxml(score), LIMITS)
    assert read.parts[0].notes.onset.tolist() == [0, 240, 3840]


@settings(max_examples=30, deadline=None)
@given(scores(grid=7))
def test_off_the_grid_each_note_moves_to_the_nearest_unit(score: Score) -> None:
    read = read_musicxml(write_musicxml(score), LIMITS)
    assert read.note_count == score.note_count
    for part, read_part in zip(score.parts, read.parts, strict=True):
        before = sorted((pitch, onset) for onset, _, pitch, _ in rows_of(part).elements())
        after = sorted((pitch, onset) for onset, _, pitch, _ in rows_of(read_part).elements())
        assert all(p == q and abs(a - b) <= UNIT // 2 for (p, a), (q, b) in zip(before, after, strict=True))


ORDER = """
chord pitch unpitched rest duration tie instrument voice type dot accidental time-modification stem notehead
staff beam notations lyric
"""


@settings(max_examples=35, deadline=None)
@given(scores(grid=UNIT))
def test_every_measure_is_full_and_every_child_in_the_order_of_the_schema(score: Score) -> None:
    root = ET.fromstring(write_musicxml(score))
    bars = bars_of(score)
    order = ORDER.split()
    for part in root.iter("part"):
        measures = part.findall("measure")
        assert len(measures) == len(bars)
        for measure, bar in zip(measures, bars, strict=True):
            position = reached = 0
            for element in measure:
                duration = int(element.findtext("duration", "0"))
                if element.tag == "backup":
                    position -= duration
                elif element.tag == "forward" or (element.tag == "note" and element.find("chord") is None):
                    position += duration
                assert position >= 0
                reached = max(reached, position)
                if element.tag == "note":
                    places = [order.index(child.tag) for child in element]
                    assert places == sorted(places)
            assert reached * QUARTER // 24 == bar.length


def test_music21_sees_the_same_song(music21: ModuleType) -> None:
    song = _song()
    parsed = music21.converter.parseData(write_musicxml(song).decode(), format="musicxml")
    assert parsed.metadata.bestTitle == "Two roads"
    assert [part.partName for part in parsed.parts] == ["Voice", "Piano", "Piano", "Drums"]
    assert {len(part.getElementsByClass("Measure")) for part in parsed.parts} == {len(bars_of(song))}
    assert [(k.sharps, k.mode) for k in parsed.parts[0].flatten().getElementsByClass("KeySignature")] == [(3, "minor")]
    assert [t.ratioString for t in parsed.parts[0].flatten().getElementsByClass("TimeSignature")] == ["4/4", "6/8"]
    assert [m.number for m in parsed.parts[0].flatten().getElementsByClass("MetronomeMark")] == [96]
    lyrics = [lyric for note in parsed.parts[0].flatten().notes for lyric in note.lyrics]
    words = "Two-single roads-single di-begin verged-end in-single a-single yel-begin low-middle ish-end"
    assert [f"{lyric.text}-{lyric.syllabic}" for lyric in lyrics] == words.split()
    assert _heard(parsed) == _meant(song)


@pytest.mark.parametrize("work", ["bach/bwv66.6", "haydn/opus74no1/movement3", "schoenberg/opus19/movement2"])
def test_real_music_survives_both_formats(work: str, corpus: Callable[[str], bytes], music21: ModuleType) -> None:
    score = read_musicxml(corpus(work), LIMITS)
    assert score.note_count > 50
    assert read_musicxml(write_musicxml(score), LIMITS).note_count == score.note_count
    once = read_midi(write_midi(score), LIMITS)
    assert once.note_count == score.note_count
    assert [rows_of(part) for part in read_midi(write_midi(once), LIMITS).parts] == [rows_of(p) for p in once.parts]
    parsed = music21.converter.parseData(write_musicxml(score).decode(), format="musicxml")
    assert _heard(parsed) == _meant(score)


def test_silent_bars_are_written_where_asked_for() -> None:
    score = Score((Part("", 0, Notes.from_rows([(0, QUARTER, 60, 80)])),))
    assert write_musicxml(score, min_bars=8).count(b"<measure ") == 8
    assert write_musicxml(Score(())).count(b"<measure ") == 1


def test_text_that_xml_cannot_hold_is_left_out() -> None:
    score = Score((Part("a\x00b<&>\x1f", 0, Notes()),), title="\x08Title")
    read = read_musicxml(write_musicxml(score), LIMITS)
    assert (read.title, read.parts[0].name) == ("Title", "ab<&>")


def _song() -> Score:
    """Syncopation, triplets, a tie over a bar line, two hands, overlapping voices, drums, a change of metre."""
    q = QUARTER
    bar = 4 * q
    tune = [(0, q, 73, 80), (q, q // 2, 74, 80), (q + q // 2, q, 76, 80), (3 * q, 3 * q, 78, 90)]
    tune += [(bar + 2 * q + k * q // 3, q // 3, 80 - k, 70) for k in range(3)]
    tune += [(2 * bar, 3 * q // 2, 73, 80), (2 * bar + 3 * q // 2, 3 * q // 2, 69, 80)]
    words = ["Two", "roads", "di", "verged", "in", "a", "yel", "low", "ish"]
    ends = [True, True, False, True, True, True, False, False, True]
    onsets = sorted(onset for onset, *_ in tune)
    lyrics = tuple(Lyric(o, w, e) for o, w, e in zip(onsets, words, ends, strict=True))
    piano = [(0, bar, p, 60) for p in (42, 54, 61)] + [(k * q, q // 2, 66 + k, 64) for k in range(4)]
    piano += [(bar + q // 4, 5 * q // 4, 73, 64), (2 * bar, 3 * q, 49, 64)]
    drums = [(k * q // 2, q // 4, 42, 90) for k in range(8)] + [(0, q // 4, 36, 100), (2 * q, q // 4, 38, 100)]
    return Score(
        parts=(
            Part("Voice", 52, Notes.from_rows(tune), lyrics=lyrics),
            Part("Piano", 0, Notes.from_rows(piano)),
            Part("Drums", 0, Notes.from_rows(drums), is_drum=True),
        ),
        tempi=(TempoChange(0, 96.0),),
        metres=(MetreChange(0, Metre(4, 4)), MetreChange(2 * bar, Metre(6, 8))),
        keys=(KeyChange(0, Key(6, "minor")),),
        title="Two roads",
    )


def _meant(score: Score) -> Heard:
    notes: Heard = Counter()
    scale = score.ticks_per_quarter / 24
    for part in score.parts:
        for onset, duration, pitch, _ in rows_of(part).elements():
            begin, end = int(onset / scale + 0.5), int((onset + duration) / scale + 0.5)
            notes[begin, max(1, end - begin), -1 if part.is_drum else pitch] += 1
    return notes


def _heard(parsed: Any) -> Heard:
    """music21's notes in units of 24 a quarter, ties joined by voice; -1 for every unpitched note."""
    notes: Heard = Counter()
    for part in parsed.parts:
        held: dict[tuple[int, int], list[int]] = {}
        for onset, duration, pitch, tie in sorted(_written(part)):
            row = held.pop((pitch, onset), None) if tie in ("stop", "continue") else None
            row = row or [onset, 0, pitch]
            row[1] += duration
            if tie in ("start", "continue"):
                held[pitch, onset + duration] = row
            else:
                notes[row[0], row[1], row[2]] += 1
    return notes


def _written(part: Any) -> list[tuple[int, int, int, str]]:
    rows: list[tuple[int, int, int, str]] = []
    for measure in part.getElementsByClass("Measure"):
        for voice in list(measure.voices) or [measure]:
            start = measure.offset + (voice.offset if voice is not measure else 0)
            for note in voice.notes:
                for member in note if "ChordBase" in note.classes else [note]:
                    tie = member.tie.type if member.tie else ""
                    pitch = member.pitch.midi if member.pitches else -1
                    rows.append((round((start + note.offset) * 24), round(note.quarterLength * 24), pitch, tie))
    return rows
