"""Wishes for a new song: exactly the requested instruments, chords, density, polyphony and ranges; clear refusals."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from bandmate_generate.planning.plan import plan_song
from bandmate_generate.planning.song_plan import WritePlan
from bandmate_generate.planning.styles import STYLES
from bandmate_music.general_midi import PROGRAM_NAMES
from bandmate_music.theory.chord_symbols import parse_progression
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.contracts.wishes import InfillWish, TrackWish, bar_ranges
from bandmate_shared.errors import InvalidRequest
from bandmate_shared.settings import SharedSettings
from pydantic import ValidationError

from ..composing import encoded, tune


def plan(settings: SharedSettings, **fields: object) -> WritePlan:
    planned = plan_song(SongRequest.model_validate(fields), 3, settings)
    assert isinstance(planned, WritePlan)
    return planned


def test_exactly_those_instruments_play_in_fitting_roles(settings: SharedSettings) -> None:
    specs = plan(settings, instruments=["violin", "guitar", "Cello", "drums"]).specs
    assert [spec.name for spec in specs] == ["Violin", "Guitar", "Cello", "Drums"]
    assert [spec.program for spec in specs] == [40, 25, 42, 0]
    assert [spec.role for spec in specs] == ["melody", "harmony", "bass", "drums"]
    assert all(low >= spec.low for spec, low in zip(specs[:3], (55, 40, 36), strict=True))


@pytest.mark.parametrize("style", STYLES)
def test_a_style_asked_for_with_its_own_instruments_is_the_style(settings: SharedSettings, style: str) -> None:
    usual = plan(settings, style=style, metre="4/4").specs
    instruments = ["drums" if spec.is_drum else PROGRAM_NAMES[spec.program] for spec in usual]
    specs = plan(settings, style=style, metre="4/4", instruments=instruments).specs
    assert [(spec.program, spec.role, spec.low, spec.high, spec.is_voice) for spec in specs] == [
        (spec.program, spec.role, spec.low, spec.high, spec.is_voice) for spec in usual
    ]


def test_two_parts_with_one_instrument_get_different_names(settings: SharedSettings) -> None:
    names = [spec.name for spec in plan(settings, instruments=["violin", "violin", "viola"]).specs]
    assert names == ["Violin", "Violin 2", "Viola"]


def test_the_tracks_field_sets_every_property_of_a_part(settings: SharedSettings) -> None:
    planned = plan(
        settings,
        tracks=[
            {"name": "Solo", "instrument": "trumpet", "role": "melody", "low": "C4", "high": 79, "density": "full"},
            {"instrument": "strings", "polyphony": 3, "density": 1},
            {"instrument": "drums"},
        ],
        density="medium",
        polyphony=6,
    )
    solo, strings, drums = planned.specs
    assert (solo.name, solo.low, solo.high, solo.density, solo.polyphony, solo.monophonic) == (
        "Solo",
        60,
        79,
        5,
        6,
        True,
    )
    assert (strings.polyphony, strings.density, strings.role) == (3, 1, "harmony")
    assert (drums.polyphony, drums.density) == (None, None)
    assert planned.composition(1).density == 3


def test_a_range_with_one_end_is_completed(settings: SharedSettings) -> None:
    low, high = plan(
        settings, tracks=[{"instrument": "bass", "low": "C5"}, {"instrument": "flute", "high": "C3"}]
    ).specs
    assert (low.low, low.high) == (72, 96)
    assert (high.low, high.high) == (24, 48)


def test_a_polyphony_for_all_holds_for_the_styles_own_parts(settings: SharedSettings) -> None:
    specs = plan(settings, style="quartet", polyphony=1).specs
    assert all(spec.polyphony == 1 and spec.monophonic for spec in specs)


def test_words_need_a_voice_and_have_it(settings: SharedSettings) -> None:
    with pytest.raises(InvalidRequest, match="voice"):
        plan(settings, instruments=["violin", "piano"], lyrics="The river runs")
    specs = plan(settings, instruments=["violin", "voice", "drums"], lyrics="The river runs").specs
    assert [(spec.role, spec.is_voice) for spec in specs] == [("harmony", False), ("melody", True), ("drums", False)]


def test_a_density_is_not_lost_on_a_rhythm_that_is_made_beforehand(settings: SharedSettings) -> None:
    given = encoded(replace(tune(2), parts=tune(2).parts[:1]))  # A tune alone is joined by the style's band.
    assert plan(settings, style="folk", prompt=given).rhythm
    assert not plan(settings, style="folk", prompt=given, density="full").rhythm


def test_chords_are_laid_out_over_the_bars(settings: SharedSettings) -> None:
    spans = plan(settings, bars=5, metre="3/4", chords="Dm7 G7 | Cmaj7/E | %").chords
    assert [span.symbol for span in spans] == ["Dm7", "G7", "Cmaj7/E", "Cmaj7/E", "Dm7", "G7", "Cmaj7/E"]
    assert [span.onset for span in spans] == [0, 36, 72, 144, 216, 252, 288]
    assert [span.duration for span in spans] == [36, 36, 72, 72, 36, 36, 72]
    assert (spans[2].root, spans[2].bass, set(spans[2].pitch_classes)) == (0, 4, {0, 4, 7, 11})


def test_chords_begin_where_composing_begins(settings: SharedSettings) -> None:
    planned = plan(settings, prompt=encoded(tune(4)), bars=6, chords="Am | F")
    assert [(span.symbol, span.onset) for span in planned.chords] == [("Am", 4 * 96), ("F", 5 * 96)]


def test_sampling_is_what_was_asked_and_else_the_styles(settings: SharedSettings) -> None:
    composition = plan(settings, temperature=0.7, top_k=12).composition(2)
    assert (composition.temperature, composition.top_p, composition.top_k) == (0.7, STYLES["song"].top_p, 12)


def test_a_request_without_the_newer_fields_is_planned_as_before(settings: SharedSettings) -> None:
    composition = plan(settings, style="folk", prompt=encoded(tune(2))).composition(1)
    assert (composition.chords, composition.density, composition.top_k) == ([], None, 0)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"instruments": ["vioin"]}, "Violin"),
        ({"instruments": []}, "at least 1"),
        ({"instruments": ["piano"] * 17}, "at most 16"),
        ({"instruments": ["piano"], "tracks": [{"instrument": "piano"}]}, "not by both"),
        ({"tracks": [{"instrument": "drums", "low": 30}]}, "drums have no range"),
        ({"tracks": [{"instrument": "violin", "role": "drums"}]}, "cannot be drums"),
        ({"tracks": [{"instrument": "violin", "low": "C5", "high": "C4"}]}, "lower"),
        ({"tracks": [{"instrument": "violin", "low": "H2"}]}, "'H2'"),
        ({"tracks": [{"name": "Fiddle"}]}, "instrument"),
        ({"density": "loud"}, "sparse"),
        ({"density": 6}, "less than or equal to 5"),
        ({"polyphony": 0}, "greater than or equal to 1"),
        ({"chords": "C | Q7"}, "bar 2.*Q7"),
        ({"candidates": 17}, "16"),
        ({"temperature": 0}, "greater than 0"),
        ({"top_p": 1.5}, "1"),
        ({"infill": {"bars": "5-8"}}, "given piece"),
        ({"infill": {"bars": "8-5"}, "prompt": "AA"}, "'8-5'"),
        ({"infill": {"bars": "0"}, "prompt": "AA"}, "'0'"),
        ({"infill": {"bars": "1", "tracks": []}, "prompt": "AA"}, "no track is named"),
        ({"variation": 1.5, "prompt": "AA"}, "1"),
        ({"variation": 0.5, "prompt": "AA", "add": ["bass"]}, "first"),
        ({"add": ["tubba"], "prompt": "AA"}, "Tuba"),
        ({"add": ["bass"], "prompt": "AA", "tempo": 100}, "keeps the given piece's tempo"),
        ({"variation": 0.5, "prompt": "AA", "lyrics": "la"}, "words"),
    ],
)
def test_impossible_wishes_are_refused_with_the_reason(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        SongRequest.model_validate(fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"tracks": [{"name": "A", "instrument": "flute"}, {"name": "a", "instrument": "oboe"}]},
            "two tracks are called",
        ),
        ({"instruments": ["drums"] * 5}, "at most 4 drum"),
        ({"chords": "C C C C C C C C C C C C", "metre": "1/8", "bars": 2}, "too many for a bar of 1/8"),
    ],
)
def test_wishes_that_only_planning_can_check_are_refused_by_it(
    settings: SharedSettings, fields: dict[str, object], message: str
) -> None:
    with pytest.raises(InvalidRequest, match=message):
        plan(settings, **fields)


def test_a_track_may_be_asked_for_by_its_name_alone() -> None:
    request = SongRequest.model_validate({"prompt": "AA", "add": ["harmony", "drums", {"instrument": "tuba"}]})
    assert request.add is not None
    assert [(wish.instrument, wish.role) for wish in request.add] == [
        ("piano", "harmony"),
        ("drums", None),
        ("tuba", None),
    ]
    assert SongRequest.model_validate_json(request.model_dump_json()) == request


def test_ranges_of_bars_are_put_in_order() -> None:
    assert bar_ranges("9-10, 2, 3-4") == [(2, 4), (9, 10)]
    assert InfillWish(bars=" ALL ").ranges is None
    assert TrackWish(instrument="violin", density="dense").density == 4


def test_every_example_for_musicians_is_a_request() -> None:
    text = (Path(__file__).parents[4] / "docs" / "howto" / "ask-for-music.md").read_text().replace("\\|", "|")
    examples = re.findall(r"`(\{\"[^`]*\})`", text)
    assert len(examples) >= 14
    used_fields: set[str] = set()
    for example in examples:
        fields = json.loads(example)
        if "instrument" in fields:
            TrackWish.model_validate(fields)
        else:
            used_fields |= SongRequest.model_validate(fields).model_fields_set
    assert used_fields >= set(SongRequest.model_fields) - {"tracks", "seed", "lyrics", "voice", "takes", "model"}
    (symbols,) = re.findall(r"Symbols: `([^`]*)`", text)
    parse_progression(symbols.replace("\n", " ").replace(" ", "|"))
