"""Requested against measured, on music whose answer is known; and the take that is delivered."""

import pytest
from bandmate_generate.critic import faults_of
from bandmate_generate.measured import (
    broken,
    chord_tone_share,
    composed_rows,
    density_wishes,
    measure,
    notes_a_quarter,
)
from bandmate_generate.pick import HardWishBroken, Picked, pick, song_file
from bandmate_generate.plan import SongPlan, plan_song
from bandmate_generate.score import BadComposition
from bandmate_shared.contracts.composition import ComposedTake, density_level
from bandmate_shared.contracts.songs import Measured, SongRequest
from bandmate_shared.music.limits import Limits
from bandmate_shared.music.midi_read import read_midi
from bandmate_shared.music.score import Score
from bandmate_shared.settings import SharedSettings

from .composing import encoded, take_of, taken, tune

LIMITS = Limits.from_settings(SharedSettings())
BAND = {"instruments": ["violin", "piano", "drums"], "key": "C", "metre": "4/4", "bars": 4, "tempo": 100}


def made(settings: SharedSettings, **asked: object) -> tuple[SongRequest, SongPlan]:
    request = SongRequest.model_validate(asked)
    return request, plan_song(request, 3, settings)


def read(midi: bytes) -> Score:
    return read_midi(midi, LIMITS)


def measured(request: SongRequest, plan: SongPlan, take: ComposedTake) -> dict[str, Measured]:
    midi, _ = song_file(plan, take)
    return measure(request, plan, midi, read(midi))


def picked(request: SongRequest, plan: SongPlan, *takes: ComposedTake) -> Picked:
    return pick(request, plan, takes, read)


def test_every_wish_of_a_song_is_there_and_met(settings: SharedSettings) -> None:
    request, plan = made(
        settings, **BAND, chords="C | F | G7 | C", density="light", polyphony=2, top_k=9, temperature=0.8
    )
    found = measured(request, plan, take_of(plan))
    assert {name for name, one in found.items() if not one.met} <= {"key"}
    hard = {"tempo", "metre", "bars", "instruments", "range", "polyphony"}
    assert {name for name, one in found.items() if one.hard} == hard
    assert found["chords"].measured["share"] == 1.0
    assert found["density"].requested == {"Violin": 2, "Piano": 2, "Drums": 2}
    assert found["density"].measured["Violin"] == {"level": 2, "name": "light", "notes_a_quarter": 0.5}
    assert found["polyphony"].requested == {"Violin": 2, "Piano": 2}
    assert found["sampling"].measured == {"temperature": 0.8, "top_p": 0.95, "top_k": 9}
    assert broken(found) == []


def test_the_share_of_chord_tones_is_that_of_their_time(settings: SharedSettings) -> None:
    _, plan = made(settings, **BAND, chords="C G7")
    rows = [(0, 0, 48, 64, 80), (0, 48, 24, 65, 80), (0, 72, 24, 64, 80), (2, 0, 96, 37, 80)]
    assert chord_tone_share(plan.chords, plan.specs, rows) == pytest.approx((48 + 24) / 96)
    held = [(1, 24, 48, 60, 80)]
    assert chord_tone_share(plan.chords, plan.specs, held) == pytest.approx(0.5)
    assert chord_tone_share(plan.chords, plan.specs, [(2, 0, 96, 37, 80)]) is None
    assert chord_tone_share((), plan.specs, rows) is None


@pytest.mark.parametrize(("notes_a_bar", "level"), [(1, 1), (2, 2), (4, 3), (8, 4), (16, 5)])
def test_density_is_notes_a_quarter_by_level(settings: SharedSettings, notes_a_bar: int, level: int) -> None:
    request, plan = made(settings, **BAND, density=level)
    take = take_of(plan, notes_a_bar=notes_a_bar)
    rates = notes_a_quarter(plan, list(take.notes))
    assert rates == dict.fromkeys(range(3), notes_a_bar / 4)
    assert density_level(rates[0]) == level
    assert measured(request, plan, take)["density"].met
    assert not measured(request, plan, take_of(plan, notes_a_bar=3 if level != 2 else 16))["density"].met


def test_a_chords_notes_count_each(settings: SharedSettings) -> None:
    _, plan = made(settings, **BAND)
    rows = [(1, bar * 96, 96, pitch, 70) for bar in range(4) for pitch in (60, 64, 67)]
    assert notes_a_quarter(plan, rows)[1] == 0.75


def test_a_density_counts_in_the_composed_bars_only(settings: SharedSettings) -> None:
    request, plan = made(
        settings, prompt=encoded(tune()), infill={"bars": "3-4", "tracks": ["Tune", "Bass"]}, density=2, seed=1
    )
    assert density_wishes(plan) == {0: 2, 2: 2}
    found = measured(request, plan, take_of(plan))
    assert found["density"].requested == {"Tune": 2, "Bass": 2}
    assert set(found["density"].measured) == {"Tune", "Bass"}
    assert found["density"].met


def test_what_was_composed_is_read_back_from_the_file(settings: SharedSettings) -> None:
    for asked in ({"infill": {"bars": "3-4"}}, {"add": ["bass", "violin"]}, {"variation": 0.5}):
        _, plan = made(settings, prompt=encoded(tune()), **asked)
        take = take_of(plan)
        midi, _ = song_file(plan, take)
        wanted = sorted((row[0], row[1], row[3]) for row in set(take.notes) - set(plan.prompt))
        assert sorted((row[0], row[1], row[3]) for row in composed_rows(plan, midi, read(midi))) == wanted


@pytest.mark.parametrize(
    "asked",
    [
        {"infill": {"bars": "3-4", "tracks": ["Piano"]}, "chords": "Am | F", "polyphony": 2},
        {"add": ["violin", "drums"], "density": "light", "chords": "C | F | G | C"},
        {"variation": 0.4, "density": 2},
    ],
)
def test_every_wish_about_a_given_piece_is_there_and_met(settings: SharedSettings, asked: dict[str, object]) -> None:
    request, plan = made(settings, prompt=encoded(tune()), **asked)
    found = measured(request, plan, take_of(plan))
    assert set(asked) <= set(found)
    assert {name for name, one in found.items() if not one.met} <= {"key"}
    assert found["untouched"].hard
    assert "equal" in (found["untouched"].how or "")
    assert broken(found) == []


def test_too_many_notes_at_once_are_not_delivered(settings: SharedSettings) -> None:
    request, plan = made(settings, **BAND, polyphony=2)
    good = take_of(plan, 1)
    bad = taken([*good.notes, *((1, 5, 90, pitch, 70) for pitch in (60, 64, 67))], 2)
    assert broken(measured(request, plan, bad))
    got = picked(request, plan, bad, good)
    assert got.take == 1
    assert [one.seed for one in got.ranking] == [1, 2]
    assert "polyphony" in (got.ranking[1].refused or "")
    with pytest.raises(HardWishBroken, match="polyphony"):
        picked(request, plan, bad, bad)


def test_a_held_note_counts_where_a_new_one_is_struck(settings: SharedSettings) -> None:
    request, plan = made(settings, prompt=encoded(tune()), infill={"bars": "2", "tracks": ["Piano"]}, polyphony=2)
    rows = [*plan.prompt, *((1, 96, 40, pitch, 70) for pitch in (50, 57, 62))]
    assert "polyphony" in broken(measured(request, plan, taken(rows)))[0]


def test_an_instrument_that_is_silent_is_not_delivered(settings: SharedSettings) -> None:
    request, plan = made(settings, **BAND)
    silent = taken([row for row in take_of(plan).notes if row[0] != 1], 2)
    with pytest.raises(HardWishBroken, match="instruments"):
        picked(request, plan, silent)
    usual_request, usual = made(settings, style="song", bars=4)
    quiet = taken([row for row in take_of(usual).notes if row[0] != 1])
    assert picked(usual_request, usual, quiet).take == 0, "nobody asked for exactly these"


def test_notes_outside_the_range_or_the_holes_are_not_delivered(settings: SharedSettings) -> None:
    request, plan = made(settings, tracks=[{"instrument": "violin", "low": "C5", "high": "C6"}], bars=2)
    low = taken([*take_of(plan).notes, (0, 0, 10, 60, 70)])
    with pytest.raises(BadComposition, match="pitch 60"):
        picked(request, plan, low)
    request, plan = made(settings, prompt=encoded(tune()), infill={"bars": "3", "tracks": ["Tune"]})
    outside = taken([*take_of(plan).notes, (0, 4 * 96 + 2, 6, 72, 70)])
    with pytest.raises(BadComposition, match="outside the bars"):
        picked(request, plan, outside)
    changed = taken([row for row in take_of(plan).notes if row != plan.prompt[0]])
    with pytest.raises(BadComposition, match="changed the given note"):
        picked(request, plan, changed)


def test_the_take_nearer_to_the_soft_wishes_wins(settings: SharedSettings) -> None:
    request, plan = made(settings, **BAND, chords="C | F | G | C", density=2)
    _, free = made(settings, **BAND)
    right, wrong = take_of(plan, 1), taken(list(take_of(free, 2, notes_a_bar=8).notes), 2)
    assert faults_of(plan, right)["off_chords"] == 0 == faults_of(plan, right)["off_density"]
    assert faults_of(plan, wrong)["off_chords"] > 0.5
    assert faults_of(plan, wrong)["off_density"] == 1.0
    ranking = picked(request, plan, wrong, right).ranking
    assert [one.seed for one in ranking] == [1, 2]
    assert ranking[0].total < ranking[1].total
    assert "off_chords" not in faults_of(free, wrong)
