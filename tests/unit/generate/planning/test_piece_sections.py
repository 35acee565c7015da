"""Sections of a given piece by name: which bars they are, what is refused, and that markers and chords stay."""

import base64
from dataclasses import replace
from io import BytesIO

import mido
import pytest
from bandmate_generate.planning.piece_sections import bars_of_sections, piece_sections
from bandmate_generate.planning.plan import plan_song
from bandmate_generate.planning.song_plan import EditPlan
from bandmate_generate.scoring.edit_midi import edited_midi
from bandmate_generate.selection.measure import measure
from bandmate_generate.selection.verify_edit import compare_outside_holes
from bandmate_music.analysis.bars import bars_of
from bandmate_music.midi.events import split_chunks
from bandmate_music.midi.read import read_midi
from bandmate_music.midi.write import write_midi
from bandmate_music.musicxml.write import write_musicxml
from bandmate_music.score import ChordMark, Score, SectionMark
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.contracts.wishes import InfillWish
from bandmate_shared.errors import InvalidRequest
from bandmate_shared.settings import SharedSettings
from pydantic import ValidationError

from ..composing import encoded, take_of, tune

BAR = 1920
TITLES = ("Intro", "Verse 1", "Chorus", "Verse 2", "Chorus", "Bridge", "A", "A")


def song(**changes: object) -> Score:
    """16 bars, a section of two bars each, with a chord a section."""
    marks = tuple(SectionMark(2 * BAR * number, title) for number, title in enumerate(TITLES))
    chords = tuple(ChordMark(2 * BAR * number, symbol) for number, symbol in enumerate(["C", "Am", "F", "G7"] * 2))
    return replace(tune(16), sections=marks, chords=chords, **changes)


def plan(settings: SharedSettings, music: Score, **fields: object) -> EditPlan:
    planned = plan_song(SongRequest.model_validate({"prompt": encoded(music), **fields}), 3, settings)
    assert isinstance(planned, EditPlan)
    return planned


def bars(planned: EditPlan) -> list[int]:
    """The bars with a hole, counted from 1."""
    first = planned.stretch.first + 1
    return sorted({first + hole.first_bar + n for hole in planned.holes for n in range(hole.bars)})


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ("chorus", [5, 6, 9, 10]),
        ("CHORUS 2", [9, 10]),
        ("Chorus 1", [5, 6]),
        ("verse 2", [7, 8]),
        ("verse", [3, 4, 7, 8]),
        ("refrain", [5, 6, 9, 10]),
        ("strophe 1", [3, 4]),
        ("a", [13, 14, 15, 16]),
        ("A 2", [15, 16]),
        ("verse 1, 9-10 ,  bridge", [3, 4, 9, 10, 11, 12]),
        ("1, intro", [1, 2]),
    ],
)
def test_a_section_is_its_bars(settings: SharedSettings, wish: str, expected: list[int]) -> None:
    planned = plan(settings, song(), infill={"bars": wish})
    assert bars(planned) == expected
    planned.composition(1)


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ("chorus 3", "no section 'chorus 3': the given piece has Intro, Verse 1, Chorus"),
        ("solo", "no section 'solo'"),
        ("verse 1, 17", "no bar 17"),
        ("intro 2", "no section 'intro 2'"),
    ],
)
def test_a_section_that_is_not_there_is_refused_with_those_that_are(
    settings: SharedSettings, wish: str, message: str
) -> None:
    with pytest.raises(InvalidRequest, match=message) as raised:
        plan(settings, song(), infill={"bars": wish})
    assert raised.value.field == "infill.bars"


def test_a_piece_without_markers_has_no_sections(settings: SharedSettings) -> None:
    with pytest.raises(InvalidRequest, match=r"no markers, so no section 'chorus'.*name bars") as raised:
        plan(settings, tune(), infill={"bars": "chorus"})
    assert raised.value.field == "infill.bars"


@pytest.mark.parametrize("text", ["5-x", "-", "chorus,,verse", "8-5", "!", "", "1st verse"])
def test_what_is_neither_bars_nor_a_name_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="is no range of bars"):
        InfillWish(bars=text)


def test_markers_count_at_the_nearest_bar_line() -> None:
    """A marker a beat before its section, one within a bar, two at one bar, and one behind the end."""
    score = tune(8)
    places = {BAR - 480: "Verse", 3 * BAR + 700: "Chorus", 5 * BAR: "x", 5 * BAR + 10: "Solo", 40 * BAR: "End"}
    marks = [SectionMark(onset, title) for onset, title in places.items()]
    sections = piece_sections(marks, bars_of(score))
    assert [(s.title, s.first_bar, s.last_bar) for s in sections] == [("Verse", 2, 3), ("Chorus", 4, 5), ("Solo", 6, 8)]
    assert bars_of_sections(["solo", "VERSE"], sections) == [(6, 8), (2, 3)]
    assert bars_of_sections([], []) == []


def test_a_long_list_of_sections_is_cut_in_the_message() -> None:
    sections = piece_sections([SectionMark(n * BAR, f"Part {n}") for n in range(100)], bars_of(tune(100)))
    with pytest.raises(InvalidRequest, match=r"Part 0, .* and 76 more"):
        bars_of_sections(["coda"], sections)


def test_the_rehearsal_marks_of_musicxml_are_sections(settings: SharedSettings) -> None:
    prompt = base64.b64encode(write_musicxml(song())).decode()
    planned = plan_song(SongRequest.model_validate({"prompt": prompt, "infill": {"bars": "bridge"}}), 1, settings)
    assert isinstance(planned, EditPlan)
    assert bars(planned) == [11, 12]


@pytest.mark.parametrize("asked", [{"infill": {"bars": "chorus"}}, {"variation": 0.7}, {"add": ["violin"]}])
def test_markers_and_chords_of_the_file_stay(settings: SharedSettings, asked: dict[str, object]) -> None:
    planned = plan(settings, song(), **asked)
    after = edited_midi(planned, take_of(planned))
    assert split_chunks(after).track(0) == split_chunks(planned.given.data).track(0)
    heard = read_midi(after, settings.file_limits)
    assert (heard.sections, heard.chords) == (song().sections, song().chords)
    request = SongRequest.model_validate({"prompt": "AAAA", **asked})
    found = measure(request, planned, after, heard)
    if "infill" in asked:
        assert found["infill"].measured["bars"] == "5-6, 9-10"


def test_chords_asked_for_take_the_place_of_those_in_the_bars_composed(settings: SharedSettings) -> None:
    planned = plan(settings, song(), infill={"bars": "2, chorus 2"}, chords="Dm7 | Bb")
    after = edited_midi(planned, take_of(planned))
    assert compare_outside_holes(planned, after).unchanged
    heard = read_midi(after, settings.file_limits)
    assert heard.sections == song().sections
    assert [(mark.onset // BAR + 1, mark.symbol) for mark in heard.chords] == [
        (1, "C"),
        (2, "Dm7"),
        (3, "Am"),
        (5, "F"),
        (7, "G7"),
        (9, "Bb"),
        (10, "Dm7"),
        (11, "Am"),
        (13, "F"),
        (15, "G7"),
    ]


def test_a_chord_that_lasts_beyond_the_bars_composed_is_named_again(settings: SharedSettings) -> None:
    planned = plan(settings, song(), infill={"bars": "3"}, chords="E7")
    after = edited_midi(planned, take_of(planned))
    assert compare_outside_holes(planned, after).unchanged
    heard = read_midi(after, settings.file_limits)
    assert [(mark.onset // BAR + 1, mark.symbol) for mark in heard.chords][1:4] == [(3, "E7"), (4, "Am"), (5, "F")]
    planned = plan(settings, song(), infill={"bars": "15-16"}, chords="E7")
    heard = read_midi(edited_midi(planned, take_of(planned)), settings.file_limits)
    assert [(mark.onset // BAR + 1, mark.symbol) for mark in heard.chords][-1] == (15, "E7")


def test_chord_texts_changed_elsewhere_are_found_out(settings: SharedSettings) -> None:
    planned = plan(settings, song(), infill={"bars": "3"}, chords="E7")
    after = edited_midi(planned, take_of(planned))
    assert not compare_outside_holes(planned, after.replace(b"G7", b"G6", 1)).unchanged
    assert not compare_outside_holes(planned, after.replace(b"\x02Am", b"\x02Dm", 1)).unchanged


def test_chords_are_not_written_into_a_file_that_has_none(settings: SharedSettings) -> None:
    planned = plan(settings, replace(song(), chords=()), infill={"bars": "3"}, chords="E7")
    after = edited_midi(planned, take_of(planned))
    assert split_chunks(after).track(0) == split_chunks(planned.given.data).track(0)


def test_a_file_of_one_track_keeps_its_markers_and_takes_new_chords(settings: SharedSettings) -> None:
    """Format 0: notes, markers and chords in one track."""
    score = song()
    file = split_chunks(write_midi(replace(score, parts=score.parts[:1])))
    assert len(file.tracks) == 2
    both = mido.MidiFile(file=BytesIO(file.to_bytes()))
    merged = mido.MidiFile(type=0, ticks_per_beat=480)
    merged.tracks.append(mido.merge_tracks(both.tracks))
    data = BytesIO()
    merged.save(file=data)
    request = {"prompt": base64.b64encode(data.getvalue()).decode(), "infill": {"bars": "chorus 1"}, "chords": "E7"}
    planned = plan_song(SongRequest.model_validate(request), 3, settings)
    assert isinstance(planned, EditPlan)
    after = edited_midi(planned, take_of(planned))
    assert compare_outside_holes(planned, after).unchanged
    heard = read_midi(after, settings.file_limits)
    assert heard.sections == score.sections
    assert [mark.symbol for mark in heard.chords] == ["C", "Am", "E7", "G7", "C", "Am", "F", "G7"]
