"""Edits of pieces that are longer than a model takes at once: all bars composed, in order, and nothing else changed."""

import pytest
from bandmate_generate.compose import Candidates, compose
from bandmate_generate.compose_stretches import windows_of
from bandmate_generate.planning.plan import plan_song
from bandmate_generate.planning.song_plan import EditPlan
from bandmate_generate.scoring.check import BadComposition, added_rows
from bandmate_generate.scoring.edit_midi import edited_midi
from bandmate_generate.selection.verify_edit import compare_outside_holes
from bandmate_music.score import Notes, Part, Score
from bandmate_shared.contracts.composition import ComposedTake, CompositionAnswer, CompositionRequest
from bandmate_shared.contracts.songs import Match, Originality, SongRequest
from bandmate_shared.contracts.wishes import MAX_BARS
from bandmate_shared.settings import SharedSettings

from .composing import encoded, tune

BARS = 300


class Model:
    """Answers with one long note in each free bar, an octave above the last given note of the same part."""

    def __init__(self, bad_seed: int | None = None) -> None:
        self.requests: list[CompositionRequest] = []
        self.bad_seed = bad_seed

    def __call__(self, request: CompositionRequest) -> CompositionAnswer:
        self.requests.append(request)
        return CompositionAnswer(
            takes=[self._take(request, seed) for seed in request.seeds], model={"id": "rule"}, seconds=0.0
        )

    def _take(self, request: CompositionRequest, seed: int) -> ComposedTake:
        rows = list(request.prompt) if seed != self.bad_seed else []
        frame = request.frame
        for part, free in enumerate(request.free_bars):
            for bar, is_free in enumerate(free):
                if is_free:
                    rows.append((part, frame.start(bar), 24, request.parts[part].low + seed % 12, 70))
        rows.sort(key=lambda row: (row[1], row[0], row[3]))
        originality = Originality(
            longest_match_notes=len(self.requests), matches=[Match(piece="a", notes=32, part=0, onset=96)]
        )
        return ComposedTake(seed=seed, notes=rows, log_likelihood=-1.0, tokens=10, originality=originality)


def planned(settings: SharedSettings, music: Score, **fields: object) -> EditPlan:
    plan = plan_song(SongRequest.model_validate({"prompt": encoded(music), **fields}), 3, settings)
    assert isinstance(plan, EditPlan)
    return plan


def composed(plan: EditPlan, model: Model, candidates: int = 2) -> Candidates:
    return compose(SongRequest(), plan, candidates, model, is_own_model=False)


def test_a_new_track_is_composed_over_300_bars(settings: SharedSettings) -> None:
    plan, model = planned(settings, tune(BARS), add=["violin"]), Model()
    result = composed(plan, model)
    assert [request.bars for request in model.requests] == [150, 182, 182]
    assert [len(request.seeds) for request in model.requests] == [2, 1, 1]
    assert all(request.bars <= MAX_BARS for request in model.requests)
    for take in result.takes:
        bars = [row.onset // 96 for row in added_rows(plan, take)]
        assert bars == list(range(BARS))
        assert compare_outside_holes(plan, edited_midi(plan, take)).unchanged
    assert result.plan.choices == (
        "300 bars are more than a model takes at once: they were composed in 2 stretches, 1-150, 151-300",
    )


def test_each_stretch_is_shown_what_its_candidate_composed_before(settings: SharedSettings) -> None:
    plan, model = planned(settings, tune(BARS), add=["violin"]), Model()
    result = composed(plan, model)
    new = len(plan.specs) - 1
    for request, take in zip(model.requests[1:], result.takes, strict=True):
        shown = [row for row in request.prompt if row[0] == new]
        before = [row for row in added_rows(plan, take) if 118 * 96 <= row.onset < 150 * 96]
        assert shown == [(new, row.onset - 118 * 96, row.duration, row.pitch, row.velocity) for row in before]
        assert len(shown) == 32
    assert {row.pitch for row in added_rows(plan, result.takes[0])} != {
        row.pitch for row in added_rows(plan, result.takes[1])
    }
    assert result.takes[0].tokens == 20
    assert [match.onset for match in result.takes[0].originality.matches] == [96, 118 * 96 + 96]


def test_bars_are_composed_anew_in_stretches_and_the_others_stay(settings: SharedSettings) -> None:
    music = tune(BARS)
    pad = Part("Pad", 89, Notes.from_rows([(150 * 1920 - 960, 4 * 1920, 60, 70)]))
    music = Score((*music.parts, pad), 480, music.tempi, music.metres)
    plan, model = (
        planned(settings, music, infill={"bars": "21-100, 201-290", "tracks": ["Bass"]}, chords="Am | F"),
        Model(),
    )
    assert (plan.stretch.first, plan.bars) == (0, BARS)
    result = composed(plan, model, candidates=1)
    assert [(window.first, window.past) for window in windows_of(plan)] == [(20, 100), (200, 290)]
    assert [request.bars for request in model.requests] == [116, 32 + 90 + 10]
    assert [request.chords[0].onset for request in model.requests] == [20 * 96, 0]
    bars = [row.onset // 96 for row in added_rows(plan, result.takes[0])]
    assert bars == [*range(20, 100), *range(200, 290)]
    assert compare_outside_holes(plan, edited_midi(plan, result.takes[0])).unchanged


def test_a_variation_leaves_no_bar_out(settings: SharedSettings) -> None:
    plan, model = planned(settings, tune(BARS), variation=0.5), Model()
    [take] = composed(plan, model, candidates=1).takes
    cells = {(hole.part, bar) for hole in plan.holes for bar in range(hole.first_bar, hole.first_bar + hole.bars)}
    assert {(row.part, row.onset // 96) for row in added_rows(plan, take)} == cells


def test_a_candidate_that_changes_given_notes_is_left_out(settings: SharedSettings) -> None:
    plan = planned(settings, tune(BARS), add=["violin"])
    first, second = plan.candidate_seeds(2)
    assert [take.seed for take in composed(plan, Model(bad_seed=second)).takes] == [first]
    with pytest.raises(BadComposition, match="given note"):
        composed(plan, Model(bad_seed=first), candidates=1)


def test_a_piece_that_fits_is_composed_at_once(settings: SharedSettings) -> None:
    plan, model = planned(settings, tune(MAX_BARS), add=["violin"]), Model()
    assert composed(plan, model).plan.choices == ()
    assert [request.bars for request in model.requests] == [MAX_BARS]
