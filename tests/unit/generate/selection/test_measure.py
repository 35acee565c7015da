"""Measured against requested properties, on music with known values; and the choice of the delivered take."""

import pytest
from bandmate_generate.planning.plan import plan_song
from bandmate_generate.planning.song_plan import EditPlan, WritePlan
from bandmate_generate.scoring.check import BadComposition, note_rows
from bandmate_generate.scoring.song_file import song_file
from bandmate_generate.selection.critic import faults_of
from bandmate_generate.selection.measure import (
    chord_tone_share,
    composed_rows,
    density_wishes,
    measure,
    notes_per_quarter,
    unmet_hard_wishes,
)
from bandmate_generate.selection.pick import Chosen, HardWishBroken, choose
from bandmate_music.midi.read import read_midi
from bandmate_music.note_rows import NoteRow
from bandmate_music.score import Score
from bandmate_shared.contracts.composition import ComposedTake, density_level
from bandmate_shared.contracts.songs import Measured, SongRequest
from bandmate_shared.settings import SharedSettings

from ..composing import encoded, take_of, taken, tune

LIMITS = SharedSettings().file_limits
BAND = {"instruments": ["violin", "piano", "drums"], "key": "C", "metre": "4/4", "bars": 4, "tempo": 100}


def request_and_plan(settings: SharedSettings, **fields: object) -> tuple[SongRequest, WritePlan | EditPlan]:
    request = SongRequest.model_validate(fields)
    return request, plan_song(request, 3, settings)


def read(midi: bytes) -> Score:
    return read_midi(midi, LIMITS)


def measured(request: SongRequest, plan: WritePlan | EditPlan, take: ComposedTake) -> dict[str, Measured]:
    midi = song_file(plan, take).midi
    return measure(request, plan, midi, read(midi))


def picked(request: SongRequest, plan: WritePlan | EditPlan, *takes: ComposedTake) -> Chosen:
    return choose(request, plan, takes, read)


def test_every_wish_of_a_song_is_there_and_met(settings: SharedSettings) -> None:
    request, plan = request_and_plan(
        settings, **BAND, chords="C | F | G7 | C", density="light", polyphony=2, top_k=9, temperature=0.8
    )
    outcomes = measured(request, plan, take_of(plan))
    assert {name for name, outcome in outcomes.items() if not outcome.met} <= {"key"}
    hard = {"tempo", "metre", "bars", "instruments", "range", "polyphony"}
    assert {name for name, outcome in outcomes.items() if outcome.hard} == hard
    assert outcomes["chords"].measured["share"] > 0.99, "played, notes may end a little late"
    assert outcomes["density"].requested == {"Violin": 2, "Piano": 2, "Drums": 2}
    assert outcomes["density"].measured["Violin"] == {"level": 2, "name": "light", "notes_a_quarter": 0.5}
    assert outcomes["polyphony"].requested == {"Violin": 2, "Piano": 2}
    assert outcomes["sampling"].measured == {"temperature": 0.8, "top_p": 0.95, "top_k": 9}
    assert unmet_hard_wishes(outcomes) == []


def test_the_share_of_chord_tones_is_that_of_their_time(settings: SharedSettings) -> None:
    _, plan = request_and_plan(settings, **BAND, chords="C G7")
    rows = [(0, 0, 48, 64, 80), (0, 48, 24, 65, 80), (0, 72, 24, 64, 80), (2, 0, 96, 37, 80)]
    assert chord_tone_share(plan.chords, plan.specs, rows) == pytest.approx((48 + 24) / 96)
    held = [(1, 24, 48, 60, 80)]
    assert chord_tone_share(plan.chords, plan.specs, held) == pytest.approx(0.5)
    assert chord_tone_share(plan.chords, plan.specs, [(2, 0, 96, 37, 80)]) is None
    assert chord_tone_share((), plan.specs, rows) is None


@pytest.mark.parametrize(("notes_per_bar", "level"), [(1, 1), (2, 2), (4, 3), (8, 4), (16, 5)])
def test_density_is_notes_a_quarter_by_level(settings: SharedSettings, notes_per_bar: int, level: int) -> None:
    request, plan = request_and_plan(settings, **BAND, density=level)
    take = take_of(plan, notes_per_bar=notes_per_bar)
    rates = notes_per_quarter(plan, note_rows(take))
    assert rates == dict.fromkeys(range(3), notes_per_bar / 4)
    assert density_level(rates[0]) == level
    assert measured(request, plan, take)["density"].met
    assert not measured(request, plan, take_of(plan, notes_per_bar=3 if level != 2 else 16))["density"].met


def test_a_chords_notes_count_each(settings: SharedSettings) -> None:
    _, plan = request_and_plan(settings, **BAND)
    rows = [NoteRow(1, bar * 96, 96, pitch, 70) for bar in range(4) for pitch in (60, 64, 67)]
    assert notes_per_quarter(plan, rows)[1] == 0.75


def test_a_density_counts_in_the_composed_bars_only(settings: SharedSettings) -> None:
    request, plan = request_and_plan(
        settings, prompt=encoded(tune()), infill={"bars": "3-4", "tracks": ["Tune", "Bass"]}, density=2, seed=1
    )
    assert density_wishes(plan) == {0: 2, 2: 2}
    outcomes = measured(request, plan, take_of(plan))
    assert outcomes["density"].requested == {"Tune": 2, "Bass": 2}
    assert set(outcomes["density"].measured) == {"Tune", "Bass"}
    assert outcomes["density"].met


def test_what_was_composed_is_read_back_from_the_file(settings: SharedSettings) -> None:
    for fields in ({"infill": {"bars": "3-4"}}, {"add": ["bass", "violin"]}, {"variation": 0.5}):
        _, plan = request_and_plan(settings, prompt=encoded(tune()), **fields)
        take = take_of(plan)
        midi = song_file(plan, take).midi
        expected = sorted((row[0], row[1], row[3]) for row in set(take.notes) - set(plan.prompt))
        assert sorted((row[0], row[1], row[3]) for row in composed_rows(plan, midi, read(midi))) == expected


@pytest.mark.parametrize(
    "fields",
    [
        {"infill": {"bars": "3-4", "tracks": ["Piano"]}, "chords": "Am | F", "polyphony": 2},
        {"add": ["violin", "drums"], "density": "light", "chords": "C | F | G | C"},
        {"variation": 0.4, "density": 2},
    ],
)
def test_every_wish_about_a_given_piece_is_there_and_met(settings: SharedSettings, fields: dict[str, object]) -> None:
    request, plan = request_and_plan(settings, prompt=encoded(tune()), **fields)
    outcomes = measured(request, plan, take_of(plan))
    assert set(fields) <= set(outcomes)
    assert {name for name, outcome in outcomes.items() if not outcome.met} <= {"key"}
    assert outcomes["untouched"].hard
    assert "equal" in (outcomes["untouched"].how or "")
    assert unmet_hard_wishes(outcomes) == []


def test_too_many_notes_at_once_are_not_delivered(settings: SharedSettings) -> None:
    request, plan = request_and_plan(settings, **BAND, polyphony=2)
    good = take_of(plan, 1)
    bad = taken([*good.notes, *((1, 5, 90, pitch, 70) for pitch in (60, 64, 67))], 2)
    assert unmet_hard_wishes(measured(request, plan, bad))
    selection = picked(request, plan, bad, good)
    assert selection.midi == song_file(plan, good)[0]
    assert [entry.seed for entry in selection.ranking] == [1, 2]
    assert "polyphony" in (selection.ranking[1].refused or "")
    with pytest.raises(HardWishBroken, match="polyphony"):
        picked(request, plan, bad, bad)


def test_a_held_note_counts_where_a_new_one_is_struck(settings: SharedSettings) -> None:
    request, plan = request_and_plan(
        settings, prompt=encoded(tune()), infill={"bars": "2", "tracks": ["Piano"]}, polyphony=2
    )
    rows = [*plan.prompt, *((1, 96, 40, pitch, 70) for pitch in (50, 57, 62))]
    assert "polyphony" in unmet_hard_wishes(measured(request, plan, taken(rows)))[0]


def test_an_instrument_that_is_silent_is_not_delivered(settings: SharedSettings) -> None:
    request, plan = request_and_plan(settings, **BAND)
    silent = taken([row for row in take_of(plan).notes if row[0] != 1], 2)
    with pytest.raises(HardWishBroken, match="instruments"):
        picked(request, plan, silent)
    usual_request, usual = request_and_plan(settings, style="song", bars=4)
    quiet = taken([row for row in take_of(usual).notes if row[0] != 1])
    assert picked(usual_request, usual, quiet).ranking[0].refused is None, "nobody asked for exactly these"


def test_notes_outside_the_range_or_the_holes_are_not_delivered(settings: SharedSettings) -> None:
    request, plan = request_and_plan(settings, tracks=[{"instrument": "violin", "low": "C5", "high": "C6"}], bars=2)
    low = taken([*take_of(plan).notes, (0, 0, 10, 60, 70)])
    with pytest.raises(BadComposition, match="pitch 60"):
        picked(request, plan, low)
    request, plan = request_and_plan(settings, prompt=encoded(tune()), infill={"bars": "3", "tracks": ["Tune"]})
    outside = taken([*take_of(plan).notes, (0, 4 * 96 + 2, 6, 72, 70)])
    with pytest.raises(BadComposition, match="outside the bars"):
        picked(request, plan, outside)
    changed = taken([row for row in take_of(plan).notes if row != plan.prompt[0]])
    with pytest.raises(BadComposition, match="changed the given note"):
        picked(request, plan, changed)


def test_the_take_nearer_to_the_soft_wishes_wins(settings: SharedSettings) -> None:
    request, plan = request_and_plan(settings, **BAND, chords="C | F | G | C", density=2)
    _, free = request_and_plan(settings, **BAND, chords="F#")
    right, wrong = take_of(plan, 1), taken(list(take_of(free, 2, notes_per_bar=8).notes), 2)
    assert faults_of(plan, right)["off_chords"] == 0 == faults_of(plan, right)["off_density"]
    assert faults_of(plan, wrong)["off_chords"] > 0.5
    assert faults_of(plan, wrong)["off_density"] == 1.0
    ranking = picked(request, plan, wrong, right).ranking
    assert [entry.seed for entry in ranking] == [1, 2]
    assert ranking[0].total < ranking[1].total
