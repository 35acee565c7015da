"""Sections and syllables on several notes as MusicXML writes them."""

from types import ModuleType
from xml.etree import ElementTree as ET

import pytest
from bandmate_music.musicxml.read import read_musicxml
from bandmate_music.musicxml.write import write_musicxml
from bandmate_music.score import Lyric, MetreChange, Notes, Part, Score, SectionMark
from bandmate_music.theory.metre import Metre
from bandmate_shared.settings import SharedSettings

LIMITS = SharedSettings().file_limits
QUARTER, BAR = 480, 1920


def sung(notes: list[tuple[int, int]], words: dict[int, str]) -> Part:
    """A part of (onset, duration) in eighths, and words by onset in eighths; a hyphen where a word goes on."""
    rows = [(onset * 240, duration * 240, 60 + number, 80) for number, (onset, duration) in enumerate(notes)]
    lyrics = (Lyric(onset * 240, text.rstrip("-"), not text.endswith("-")) for onset, text in words.items())
    return Part("Voice", 52, Notes.from_rows(rows), lyrics=tuple(lyrics))


def slurs(data: bytes) -> list[tuple[str, str]]:
    """(Step and octave, type) of the ends of slurs in order."""
    return [
        (note.findtext("pitch/step", "") + note.findtext("pitch/octave", ""), slur.get("type", ""))
        for note in ET.fromstring(data).iter("note")
        for slur in note.iter("slur")
    ]


def extended(data: bytes) -> list[str]:
    return [
        lyric.findtext("text", "")
        for lyric in ET.fromstring(data).iter("lyric")
        if [child.tag for child in lyric] == ["syllabic", "text", "extend"]
    ]


def test_a_syllable_on_several_notes_has_a_slur_and_a_line() -> None:
    part = sung([(0, 2), (2, 1), (3, 1), (4, 2), (6, 2), (8, 4)], {0: "Glo-", 4: "ri-", 6: "a"})
    data = write_musicxml(Score((part,)))
    assert slurs(data) == [("C4", "start"), ("D4", "stop"), ("E4", "start"), ("F4", "stop")]
    assert extended(data) == ["Glo", "a"]
    assert read_musicxml(data, LIMITS).parts[0].lyrics == part.lyrics


def test_a_rest_ends_a_syllable_and_what_comes_before_the_words_has_none() -> None:
    data = write_musicxml(Score((sung([(0, 1), (1, 1), (2, 2), (5, 1), (6, 2)], {2: "Oh", 6: "my"}),)))
    assert slurs(data) == []
    assert extended(data) == []


def test_a_slur_reaches_over_tied_notes() -> None:
    """From the first of the notes tied to a syllable to the last of those it ends on; both cross a bar line."""
    data = write_musicxml(Score((sung([(6, 4), (10, 2), (12, 8)], {6: "A"}),)))
    root = ET.fromstring(data)
    ends = [
        (number, slur.get("type"))
        for number, measure in enumerate(root.iter("measure"), 1)
        for slur in measure.iter("slur")
    ]
    assert ends == [(1, "start"), (3, "stop")]
    assert len(list(root.iter("lyric"))) == 1


def test_a_tune_that_goes_on_without_words_is_no_syllable() -> None:
    data = write_musicxml(Score((sung([(n, 1) for n in range(40)], {0: "La"}),)))
    assert slurs(data) == []


def test_rehearsal_marks_stand_in_the_first_part_where_sections_begin(music21: ModuleType) -> None:
    notes = Notes.from_rows([(0, BAR, 60, 80), (BAR, 3 * BAR, 62, 80)])
    marks = (SectionMark(0, "Intro"), SectionMark(BAR, "Verse 1"), SectionMark(3 * BAR + QUARTER, "Chorus & <more>"))
    score = Score((Part("Tune", 73, notes), Part("Bass", 32, notes)), sections=marks)
    data = write_musicxml(score)
    assert read_musicxml(data, LIMITS).sections == marks
    parsed = music21.converter.parseData(data.decode(), format="musicxml")
    heard = [(mark.content, mark.offset) for mark in parsed.parts[0].flatten().getElementsByClass("RehearsalMark")]
    assert heard == [("Intro", 0), ("Verse 1", 4), ("Chorus & <more>", 13)]
    assert not parsed.parts[1].flatten().getElementsByClass("RehearsalMark")


@pytest.mark.parametrize("text", ["x" * 500, " Strophe \n 2 "])
def test_titles_are_bounded_and_on_one_line(text: str) -> None:
    score = Score((Part("", 0, Notes.from_rows([(0, 480, 60, 80)])),), sections=(SectionMark(0, "TITLE"),))
    (mark,) = read_musicxml(write_musicxml(score).replace(b"TITLE", text.encode()), LIMITS).sections
    assert mark.text == ("x" * 64 if "x" in text else "Strophe 2")


def test_marks_keep_their_places_in_bars_of_any_metre() -> None:
    notes = Notes.from_rows([(0, 4000, 60, 80)])
    metres = (MetreChange(0, Metre(3, 4)), MetreChange(1440, Metre(7, 8)))
    marks = tuple(SectionMark(tick, str(tick)) for tick in (0, 1440, 2160, 3120))
    score = Score((Part("", 0, notes),), metres=metres, sections=marks)
    assert read_musicxml(write_musicxml(score), LIMITS).sections == marks
