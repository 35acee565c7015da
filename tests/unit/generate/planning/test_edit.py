"""Edits of a given piece: the bars and tracks composed, what the model is shown, and that the rest stays unchanged."""

import base64
from collections import Counter

import pytest
from bandmate_generate.planning.plan import plan_song
from bandmate_generate.planning.song_plan import EditPlan
from bandmate_generate.scoring.edit_midi import edited_midi
from bandmate_generate.selection.verify_edit import compare_outside_holes
from bandmate_music.midi.edit import given_tracks
from bandmate_music.midi.events import split_chunks
from bandmate_music.midi.write import write_midi
from bandmate_music.musicxml.write import write_musicxml
from bandmate_music.score import MetreChange, Notes, Part, Score
from bandmate_music.theory.keys import Key
from bandmate_music.theory.metre import Metre
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.errors import BandmateError, InvalidRequest, UnreadableFile
from bandmate_shared.settings import SharedSettings
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from ...music.scores import scores
from ..composing import encoded, take_of, tune

MANY_METRES = (MetreChange(0, Metre(1, 4)), MetreChange(480, Metre(4, 4)), MetreChange(480 + 4 * 1920, Metre(3, 4)))


def plan(shared: SharedSettings, music: Score | str, seed: int = 3, **fields: object) -> EditPlan:
    prompt = music if isinstance(music, str) else encoded(music)
    planned = plan_song(SongRequest.model_validate({"prompt": prompt, **fields}), seed, shared)
    assert isinstance(planned, EditPlan)
    return planned


def holes(planned: EditPlan) -> list[tuple[str, int, int]]:
    return [(planned.specs[hole.part].name, hole.first_bar, hole.bars) for hole in planned.holes]


def test_bars_and_tracks_are_those_named(settings: SharedSettings) -> None:
    planned = plan(settings, tune(), infill={"bars": "5-6, 8", "tracks": ["bass", "tune"]})
    assert holes(planned) == [("Tune", 4, 2), ("Tune", 7, 1), ("Bass", 4, 2), ("Bass", 7, 1)]
    assert [spec.role for spec in planned.specs] == ["melody", "harmony", "bass", "drums"]
    assert (planned.metre, planned.tempo, planned.bars) == (Metre(4, 4), 96.0, 8)
    inside = [row for row in planned.prompt if row[0] == 0 and row[1] // 96 in (4, 5, 7)]
    assert inside == []
    assert sum(row[0] == 3 for row in planned.prompt) == 32
    planned.composition(2)


@pytest.mark.parametrize(
    ("name", "track"), [("Kit", "Kit"), ("drums", "Kit"), ("2", "Piano"), ("Flute", "Tune"), ("PIANO", "Piano")]
)
def test_a_track_goes_by_its_name_its_number_or_its_instrument(settings: SharedSettings, name: str, track: str) -> None:
    assert holes(plan(settings, tune(), infill={"bars": "1", "tracks": [name]})) == [(track, 0, 1)]


def test_all_tracks_are_composed_where_none_is_named(settings: SharedSettings) -> None:
    planned = plan(settings, tune(), infill={"bars": "3"})
    assert holes(planned) == [(name, 2, 1) for name in ("Tune", "Piano", "Bass", "Kit")]
    assert {row[0] for row in planned.prompt} == {0, 1, 2, 3}


def test_ranges_are_those_of_the_track_and_a_line_stays_one(settings: SharedSettings) -> None:
    melody, piano, bass, _ = plan(settings, tune(), infill={"bars": "3"}).specs
    assert (melody.low, melody.high, melody.monophonic) == (67, 84, True)
    assert not piano.monophonic
    assert (bass.low, bass.monophonic) == (31, True)


def test_a_held_note_is_given_and_lasts_into_the_hole(settings: SharedSettings) -> None:
    pad = Part("Pad", 89, Notes.from_rows([(960, 3 * 1920, 60, 70), (5 * 1920, 1920, 64, 70)]))
    planned = plan(settings, Score((pad,), 480), infill={"bars": "2-3"})
    assert planned.prompt == ((0, 48, 288, 60, 70), (0, 480, 96, 64, 70))


def test_a_note_stays_on_its_side_of_the_edge_whatever_the_grid_does(settings: SharedSettings) -> None:
    early = Part("Solo", 73, Notes.from_rows([(1920 - 20, 300, 72, 70), (2 * 1920 + 15, 300, 74, 70)]))
    planned = plan(settings, Score((early,), 480), infill={"bars": "2"})
    assert [row[1] for row in planned.prompt] == [94, 192]
    planned.composition(1)


def test_a_long_piece_is_shown_around_the_bars(settings: SharedSettings) -> None:
    planned = plan(settings, tune(100), infill={"bars": "61-62", "tracks": ["Bass"]})
    assert (planned.stretch.first, planned.bars) == (60 - 32, 32 + 2 + 16)
    assert holes(planned) == [("Bass", 32, 2)]


def test_a_new_track_is_composed_over_the_whole_piece(settings: SharedSettings) -> None:
    planned = plan(settings, tune(), add=["drums", {"instrument": "violin", "density": 4}], polyphony=2)
    assert holes(planned) == [("Drums", 0, 8), ("Violin", 0, 8)]
    assert (planned.specs[-1].density, planned.specs[-1].polyphony, planned.specs[-1].role) == (4, 2, "harmony")


def test_a_new_melody_over_chords_is_the_melody(settings: SharedSettings) -> None:
    backing = Score(tune().parts[1:3], 480)
    planned = plan(settings, backing, add=["flute"])
    assert [spec.role for spec in planned.specs].count("melody") == 1


def test_a_stronger_variation_has_more_holes(settings: SharedSettings) -> None:
    counts = []
    for strength in (0.0, 0.2, 0.5, 1.0):
        planned = plan(settings, tune(32), variation=strength)
        counts.append(sum(hole.bars for hole in planned.holes))
    assert counts[0] == 0
    assert counts[3] == 32 * 4
    assert counts[0] < counts[1] < counts[2] < counts[3]
    assert abs(counts[2] - 64) < 20
    assert holes(plan(settings, tune(32), 1, variation=0.5)) != holes(plan(settings, tune(32), 2, variation=0.5))


def test_a_stronger_variation_changes_what_a_weaker_one_does(settings: SharedSettings) -> None:
    def cells(strength: float) -> set[tuple[str, int]]:
        changed_holes = holes(plan(settings, tune(16), variation=strength))
        return {(name, bar) for name, first, bars in changed_holes for bar in range(first, first + bars)}

    assert cells(0.2) < cells(0.6)


def test_a_variation_may_keep_to_some_bars_and_tracks(settings: SharedSettings) -> None:
    planned = plan(settings, tune(), variation=1, infill={"bars": "all", "tracks": ["Bass"]})
    assert holes(planned) == [("Bass", 0, 8)]


def test_chords_of_an_infill_begin_with_it(settings: SharedSettings) -> None:
    spans = plan(settings, tune(), infill={"bars": "5-7"}, chords="Am | F").chords
    assert [(span.symbol, span.onset // 96) for span in spans] == [("Am", 4), ("F", 5), ("Am", 6)]


def test_a_requested_key_applies_to_the_composed_bars(settings: SharedSettings) -> None:
    default, in_f_sharp = (
        plan(settings, tune(), infill={"bars": "3-4"}),
        plan(settings, tune(), infill={"bars": "3-4"}, key="F# minor"),
    )
    assert in_f_sharp.key == Key(6, "minor") != default.key
    assert (default.composition(1).key_wish, in_f_sharp.composition(1).key_wish) == (False, True)
    assert in_f_sharp.prompt == default.prompt, "what is given stays in its key"


def test_the_model_is_shown_bars_of_other_metres_too(settings: SharedSettings) -> None:
    rows = [(tick, 400, 60, 80) for tick in range(0, 480 + 4 * 1920 + 4 * 1440, 480)]
    piece = Score((Part("Lead", 0, Notes.from_rows(rows)),), 480, (), MANY_METRES)
    planned = plan(settings, piece, infill={"bars": "3"})
    assert (planned.stretch.first, planned.bars, planned.metre) == (0, 9, Metre(4, 4))
    assert [bar.length for bar in planned.frame.bars] == [24, 96, 96, 96, 96, 72, 72, 72, 72]
    assert holes(plan(settings, piece, infill={"bars": "4-7"})) == [("Lead", 3, 4)]
    assert holes(plan(settings, piece, add=["bass"])) == [("Bass", 0, 9)]


def test_musicxml_is_worked_on_as_midi(settings: SharedSettings) -> None:
    planned = plan(
        settings, base64.b64encode(write_musicxml(tune())).decode(), infill={"bars": "2", "tracks": ["Tune"]}
    )
    assert planned.given.data[:4] == b"MThd"


def altered(data: bytes, place: int, new: bytes) -> str:
    return base64.b64encode(data[:place] + new + data[place + len(new) :]).decode()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"infill": {"bars": "7-12"}}, "no bar 12: the given piece has 8 bars"),
        (
            {"infill": {"bars": "3", "tracks": ["Tuba"]}},
            "no track 'Tuba'; its tracks are 'Tune', 'Piano', 'Bass', 'Kit'",
        ),
        ({"add": [{"instrument": "flute", "name": "Tune"}]}, "two tracks are called 'tune'"),
        ({"add": ["drums"] * 5}, "at most 4 drum"),
        ({"prompt": encoded(tune(resolution=12)), "add": ["bass"]}, "12 ticks a quarter"),
        ({"prompt": encoded(tune(500)), "infill": {"bars": "1"}}, "lasts 1250 s"),
        ({"prompt": altered(write_midi(tune()), 12, b"\xe7\x28"), "add": ["bass"]}, "film frames"),
        ({"prompt": altered(write_midi(tune()), 9, b"\x02"), "add": ["bass"]}, "format 2"),
        ({"prompt": encoded(tune(4, Metre(7, 16))), "add": ["bass"], "chords": "C " * 15 + "C"}, "too many"),
        ({"prompt": "AAAA", "add": ["bass"]}, "prompt"),
        ({"prompt": "!", "add": ["bass"]}, "Base64"),
    ],
)
def test_impossible_edits_are_refused_with_the_reason(
    settings: SharedSettings, fields: dict[str, object], message: str
) -> None:
    with pytest.raises(BandmateError, match=message) as raised:
        plan(settings, tune(), **fields)
    assert raised.value.status < 500


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"infill": {"bars": "7-12"}}, "infill.bars"),
        ({"infill": {"bars": "3", "tracks": ["Tuba"]}}, "infill.tracks"),
        ({"add": ["drums"] * 5}, "add"),
        ({"prompt": encoded(tune(500)), "add": ["bass"]}, "prompt"),
        ({"prompt": "!", "add": ["bass"]}, "prompt"),
        ({"prompt": encoded(tune(4, Metre(7, 16))), "add": ["bass"], "chords": "C " * 15 + "C"}, "chords"),
        ({"to_bar": 9}, "to_bar"),
        ({"style": "polka"}, "style"),
    ],
)
def test_refusals_name_the_field(settings: SharedSettings, fields: dict[str, object], field: str) -> None:
    with pytest.raises(BandmateError) as raised:
        plan(settings, tune(), **fields)
    assert raised.value.field == field


def test_a_piece_without_notes_is_refused(settings: SharedSettings) -> None:
    with pytest.raises(UnreadableFile, match="no notes"):
        plan(settings, Score((Part("Nothing", 0, Notes()),)), add=["bass"])


def test_a_file_without_a_free_channel_takes_drums_only(settings: SharedSettings) -> None:
    full = Score(tuple(Part(f"T{n}", n, Notes.from_rows([(0, 480, 60 + n, 80)])) for n in range(14)), 480)
    assert plan(settings, full, add=["bass", "drums"]).specs[-2].name == "Bass"
    with pytest.raises(InvalidRequest, match="1 of them are free: 2 are needed"):
        plan(settings, full, add=["bass", "flute"])


def test_too_many_tracks_at_once(settings: SharedSettings) -> None:
    many = Score(tuple(Part(f"T{n}", n, Notes.from_rows([(0, 480, 60 + n, 80)])) for n in range(18)), 480)
    with pytest.raises(InvalidRequest, match="18 tracks are to be composed; 16"):
        plan(settings, many, infill={"bars": "1"})
    assert len(plan(settings, many, infill={"bars": "1", "tracks": ["T17"]}).specs) == 16


@effort(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_edit_of_any_piece_leaves_the_rest_unchanged(settings: SharedSettings, data: st.DataObject) -> None:
    piece = data.draw(scores())
    bars = sorted(data.draw(st.sets(st.integers(1, 6), min_size=1, max_size=3)))
    fields: dict[str, object] = data.draw(
        st.sampled_from(
            [{"infill": {"bars": ",".join(map(str, bars))}}, {"variation": 0.5}, {"add": ["bass", "drums"]}]
        )
    )
    try:
        planned = plan(settings, piece, data.draw(st.integers(0, 99)), **fields)
    except InvalidRequest:
        return
    before = planned.given.data
    after = edited_midi(planned, take_of(planned))
    assert compare_outside_holes(planned, after).unchanged
    given_file, edited_file = split_chunks(before), split_chunks(after)
    free = {planned.tracks[hole.part] for hole in planned.holes}
    changed = {given_tracks(before)[index].chunk for index in free if index is not None}
    for number in range(len(given_file.tracks)):
        if number not in changed:
            assert given_file.track(number) == edited_file.track(number)
    old, new = given_tracks(before), given_tracks(after)
    ranges = [(b - 1, b) for b in bars]
    for track in old:
        new_notes = next(
            (
                new_track.notes
                for new_track in new
                if (new_track.chunk, new_track.channel) == (track.chunk, track.channel)
            ),
            (),
        )
        lost = Counter(track.notes) - Counter(new_notes)
        if "infill" in fields:
            spans = [(planned.given.bars[a].onset, planned.given.bars[a].end) for a, _ in ranges]
            assert all(any(start <= note[0] < end for start, end in spans) for note in lost)
        if "add" in fields:
            assert not lost


def test_a_change_outside_the_bars_is_found_out(settings: SharedSettings) -> None:
    planned = plan(settings, tune(), infill={"bars": "2", "tracks": ["Tune"]})
    after = edited_midi(planned, take_of(planned))
    assert compare_outside_holes(planned, after).unchanged
    assert not compare_outside_holes(planned, after[:12] + b"\x01\xe1" + after[14:]).unchanged
    other = after.rindex(b"\x90") if b"\x90" in after else 0
    other_pitch = after[: other + 2] + bytes((after[other + 2] ^ 1,)) + after[other + 3 :]
    assert not compare_outside_holes(planned, other_pitch).unchanged
    assert not compare_outside_holes(planned, planned.given.data[:-30]).unchanged
