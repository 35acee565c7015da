"""Edits of pieces that were played: onsets beside the grid, swing, legato over bar lines, a ritardando at the end."""

import base64
import random
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from bandmate_generate.planning.plan import plan_song
from bandmate_generate.planning.song_plan import EditPlan, WritePlan
from bandmate_generate.planning.tick_map import TickMap
from bandmate_generate.scoring.edit_midi import edited_midi
from bandmate_generate.scoring.song_file import read_back
from bandmate_generate.selection.measure import measure, unmet_hard_wishes
from bandmate_generate.selection.verify_edit import compare_outside_holes
from bandmate_music.analysis.bars import bars_of
from bandmate_music.midi.edit import given_tracks
from bandmate_music.midi.read import read_midi
from bandmate_music.midi.write import write_midi
from bandmate_music.score import MetreChange, Notes, Part, Score, TempoChange
from bandmate_music.theory.metre import Metre
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.settings import SharedSettings
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from ..composing import encoded, take_of, tune

QUARTER = 480
LESS = {
    "max_examples": 40,
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}
EDITS: list[dict[str, object]] = [
    {"infill": {"bars": "3-4"}},
    {"infill": {"bars": "1, 3, 8", "tracks": ["Tune", "Piano"]}},
    {"infill": {"bars": "7-8"}},
    {"variation": 0.5},
    {"add": ["drums", "violin"]},
]


def played(score: Score, seed: int, tempo: float, swing: float, beside_ms: float = 19.0) -> Score:
    """The score as a band would play it: off-beats at `swing` of a beat, notes up to `beside_ms` early or late and
    held past the next one, the last two bars slower and slower."""
    rng = random.Random(seed)
    end = score.end
    slower = [TempoChange(end - (8 - n) * QUARTER, tempo * (1 - 0.04 * n)) for n in range(1, 8)]
    parts = []
    for part in score.parts:
        rows = []
        for onset, duration, pitch, velocity in zip(*columns(part.notes), strict=True):
            ticks = beside_ms / 1000 * (tempo if onset < slower[0].onset - QUARTER else slower[-1].tempo) / 60 * QUARTER
            beat, place = divmod(onset, QUARTER)
            swung = beat * QUARTER + (round(swing * QUARTER) if place == QUARTER // 2 else place)
            start = max(0, swung + round(rng.uniform(-ticks, ticks)))
            stop = max(start + 10, onset + duration + round(rng.uniform(-ticks, ticks)))
            rows.append((start, stop - start, pitch, max(1, velocity - rng.randrange(20))))
        parts.append(replace(part, notes=Notes.from_rows(separated(rows))))
    return replace(score, parts=tuple(parts), tempi=(TempoChange(0, tempo), *slower))


def separated(rows: list[tuple[int, int, int, int]]) -> list[tuple[int, int, int, int]]:
    """The rows, none of which strikes a pitch that still sounds."""
    following: dict[int, int] = {}
    result = []
    for onset, duration, pitch, velocity in sorted(rows, reverse=True):
        end = min(onset + duration, following.get(pitch, onset + duration))
        if end > onset:
            result.append((onset, end - onset, pitch, velocity))
            following[pitch] = onset
    return result


def columns(notes: Notes) -> tuple[list[int], list[int], list[int], list[int]]:
    return notes.onset.tolist(), notes.duration.tolist(), notes.pitch.tolist(), notes.velocity.tolist()


def eighths(bars: int = 8) -> Score:
    """The tune of `composing` with off-beats and full, legato lengths."""
    score = tune(bars)
    flute, *others = score.parts
    rows = []
    for onset, _, pitch, velocity in zip(*columns(flute.notes), strict=True):
        rows += [(onset, 240, pitch, velocity), (onset + 240, 240, pitch - 2, velocity)]
    return replace(score, parts=(replace(flute, notes=Notes.from_rows(rows)), *others))


def meant_in(onset: int, tempo: float) -> int:
    """The bar (from 0) that a played note is meant in."""
    return int((onset + 0.02 * tempo / 60 * QUARTER) // (4 * QUARTER))


@effort(**LESS)
@given(
    seed=st.integers(0, 10_000),
    tempo=st.sampled_from([60.0, 84.0, 120.0, 168.0, 200.0]),
    swing=st.sampled_from([0.5, 0.58, 0.62, 0.67]),
    asked=st.sampled_from(EDITS),
)
def test_edits_of_a_played_piece_keep_every_hard_wish(
    settings: SharedSettings, seed: int, tempo: float, swing: float, asked: dict[str, object]
) -> None:
    request = SongRequest.model_validate({"prompt": encoded(played(eighths(), seed, tempo, swing)), **asked})
    plan = plan_song(request, seed, settings)
    assert isinstance(plan, EditPlan)
    assert len(plan.given.bars) == 8
    plan.composition(1)
    after = edited_midi(plan, take_of(plan, seed))
    heard = read_back(plan, after, settings.file_limits)
    assert unmet_hard_wishes(measure(request, plan, after, heard)) == []
    assert compare_outside_holes(plan, after).unchanged
    composed = {(hole.part, bar) for hole in plan.holes for bar in range(hole.first_bar, hole.first_bar + hole.bars)}
    new = {(track.chunk, track.channel): Counter(track.notes) for track in given_tracks(after)}
    for part, index in enumerate(plan.tracks):
        if index is None:
            continue
        track = plan.given.tracks[index]
        kept = Counter(note for note in track.notes if (part, meant_in(note.onset, tempo)) not in composed)
        now = new.get((track.chunk, track.channel), Counter())
        assert kept <= now, "what is meant outside the bars composed stays"
        shown = Counter(row.pitch for row in plan.prompt if row.part == part)
        assert shown <= Counter(note.pitch for note in kept.elements()), "the model is shown no note that goes"
        for note in (now - kept).elements():
            assert (part, meant_in(note.onset, tempo)) in composed, "what is new is within them"


@effort(**LESS)
@given(seed=st.integers(0, 10_000), tempo=st.sampled_from([60.0, 96.0, 140.0]), swing=st.sampled_from([0.5, 0.62]))
def test_a_song_goes_on_from_a_played_piece_bar_by_bar(
    settings: SharedSettings, seed: int, tempo: float, swing: float
) -> None:
    request = SongRequest.model_validate(
        {"prompt": encoded(played(eighths(), seed, tempo, swing)), "bars": 12, "style": "folk"}
    )
    plan = plan_song(request, seed, settings)
    assert isinstance(plan, WritePlan)
    assert plan.prompt_bars == 8
    assert plan.tempo == tempo, "the one before its ritardando"
    downbeats = Counter(row.onset // 96 for row in plan.prompt if row.onset % 96 == 0)
    assert set(downbeats) == set(range(8)), "an early downbeat is on its bar line"


def test_a_last_chord_that_is_played_early_is_in_the_last_bar(settings: SharedSettings) -> None:
    score = tune(4)
    rows = [(0, 1900, 60, 80), (3 * 1920 - 9, 1920, 64, 80)]
    early = replace(score, parts=(Part("Piano", 0, Notes.from_rows(rows)),))
    plan = plan_song(SongRequest.model_validate({"prompt": encoded(early), "bars": 8}), 1, settings)
    assert isinstance(plan, WritePlan)
    assert plan.prompt_bars == 4


def test_a_bar_that_only_a_last_note_reaches_is_none(settings: SharedSettings) -> None:
    piece = Score((Part("Piano", 0, Notes.from_rows([(0, 1920 * 2 + 12, 60, 80)])),), 480, (TempoChange(0, 120.0),))
    plan = plan_song(SongRequest.model_validate({"prompt": encoded(piece), "add": ["bass"]}), 1, settings)
    assert isinstance(plan, EditPlan)
    assert plan.bars == 2
    after = edited_midi(plan, take_of(plan))
    found = measure(
        SongRequest.model_validate({"prompt": "AAAA", "add": ["bass"]}),
        plan,
        after,
        read_midi(after, settings.file_limits),
    )
    assert unmet_hard_wishes(found) == []


@pytest.mark.parametrize("late", [1, 3, 4])
def test_a_note_held_just_past_a_bar_line_does_not_sound_with_the_first_composed_one(
    settings: SharedSettings, late: int
) -> None:
    onsets = [0, 192, 384, 576, 768, 960, 1152, 1200]
    line = Notes(*(np.array(c, np.int32) for c in (onsets, [1] * 6 + [48 + late, 1], range(60, 68), [80] * 8)))
    cellos = Notes.from_rows([(onset, 192 if onset != 1152 else 48, 38 + onset % 5, 70) for onset in onsets])
    metres = (MetreChange(0, Metre(1, 2)), MetreChange(1152, Metre(1, 8)), MetreChange(1200, Metre(1, 2)))
    piece = Score((Part("Line", 73, line), Part("Cellos", 42, cellos)), 96, (), metres)
    request = SongRequest.model_validate({"prompt": encoded(piece), "variation": 0.5})
    plan = plan_song(request, 3, settings)
    assert isinstance(plan, EditPlan)
    after = edited_midi(plan, take_of(plan))
    heard = read_midi(after, settings.file_limits)
    assert unmet_hard_wishes(measure(request, plan, after, heard)) == []


def test_a_repeated_pitch_waits_for_the_held_note_to_end(settings: SharedSettings) -> None:
    """A given note that ends 8 ticks into the hole, and a composed one of its pitch on the bar line."""
    piece = Score((Part("Flute", 73, Notes.from_rows([(0, 1928, 72, 80), (1928, 1900, 74, 80)])),))
    request = SongRequest.model_validate({"prompt": encoded(piece), "infill": {"bars": "2"}})
    plan = plan_song(request, 1, settings)
    assert isinstance(plan, EditPlan)
    take = take_of(plan)
    take = take.model_copy(update={"notes": [(*row[:3], 72, row[4]) for row in take.notes]})
    (track,) = given_tracks(edited_midi(plan, take))
    assert track.notes[0] == (0, 1928, 72, 80)
    assert track.notes[1].onset == 1928
    assert base64.b64decode(request.prompt or "") == write_midi(piece)


@given(
    off_beat=st.floats(12, 17.5), tempo=st.sampled_from([60.0, 120.0, 200.0]), ticks=st.sampled_from([240, 480, 960])
)
def test_a_grid_that_swings_is_exact_and_monotonic(off_beat: float, tempo: float, ticks: int) -> None:
    bars = bars_of(Score((), ticks, metres=(MetreChange(0, Metre(3, 4)),)), 3)
    ruler = TickMap.of(bars, ticks, (TempoChange(0, tempo),), off_beat)
    mapped = [ruler.file_tick(tick) for tick in range(ruler.grid.end + 1)]
    assert mapped == sorted(set(mapped))
    assert [ruler.grid_tick(tick) for tick in mapped] == list(range(ruler.grid.end + 1))
    assert {ruler.grid_tick_after(tick) - number for number, tick in enumerate(mapped)} <= {0, 1}
    assert mapped[12] == round(off_beat * ticks / 24)
    assert all(ruler.file_tick(bar.onset) == 3 * ticks * number for number, bar in enumerate(ruler.grid.bars))


@pytest.mark.parametrize("seed", range(4))
def test_what_is_composed_swings_as_the_piece_does(settings: SharedSettings, seed: int) -> None:
    piece = played(eighths(), seed, 120.0, 0.64, beside_ms=8)
    request = SongRequest.model_validate({"prompt": encoded(piece), "infill": {"bars": "5", "tracks": ["Tune"]}})
    plan = plan_song(request, seed, settings)
    assert isinstance(plan, EditPlan)
    shown = Counter(row.onset % 24 for row in plan.prompt if row.part == 0)
    assert shown[12] > 0.4 * sum(shown.values()), "the model sees eighths"
    after = edited_midi(plan, take_of(plan, seed, notes_per_bar=8))
    (tune_track, *_) = given_tracks(after)
    new = set(tune_track.notes) - set(plan.given.tracks[0].notes)
    composed = [note.onset - 16 * QUARTER for note in sorted(new)]
    assert len(composed) == 8
    assert [onset % QUARTER for onset in composed[::2]] == [0] * 4
    assert all(abs(onset % QUARTER - 0.64 * QUARTER) < 10 for onset in composed[1::2])


def test_a_piece_that_was_not_played_does_not_swing(settings: SharedSettings) -> None:
    """Triplets on the grid stay triplets."""
    rows = [(beat * QUARTER + place, 100, 60, 80) for beat in range(16) for place in (0, 320)]
    piece = Score((Part("Flute", 73, Notes.from_rows(rows)),))
    plan = plan_song(SongRequest.model_validate({"prompt": encoded(piece), "add": ["bass"]}), 1, settings)
    assert isinstance(plan, EditPlan)
    assert plan.stretch.tick_map.off_beat == 12
    assert {row.onset % 24 for row in plan.prompt} == {0, 16}
