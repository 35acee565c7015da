"""What a model has learnt decides which styles may be named, and whether it is asked for drums."""

import json

import pytest
from bandmate_generate.compose import divide
from bandmate_generate.endpoints.base import learnt_of
from bandmate_generate.planning.learnt import Learnt, learnt_from
from bandmate_generate.planning.plan import plan_song
from bandmate_generate.planning.song_plan import EditPlan, WritePlan
from bandmate_generate.planning.styles import STYLES, UnknownStyle
from bandmate_generate.planning.unlearnt_drums import without_unlearnt_drums
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.errors import InvalidRequest
from bandmate_shared.settings import SharedSettings

from ..composing import encoded, tune
from ..conftest import Workplace

PIANO = Learnt(("etudes",), frozenset())


def masked(settings: SharedSettings, **fields: object) -> tuple[WritePlan | EditPlan, WritePlan | EditPlan]:
    """The plan of a request, and what is left of it for a model without drums."""
    request = SongRequest.model_validate(fields)
    plan = plan_song(request, 4, settings)
    return plan, without_unlearnt_drums(request, plan, "mine")


def composed(plan: WritePlan | EditPlan) -> set[str]:
    return {plan.specs[hole.part].name for hole in plan.holes}


@pytest.mark.parametrize(
    ("config", "learnt"),
    [
        (
            {"styles": ["air"], "statistics": {"air": {"slots": {}, "drums": [36]}}},
            Learnt(("air",), frozenset({"air"})),
        ),
        ({"styles": ["air"], "statistics": {"air": {"slots": {}, "drums": []}}}, Learnt(("air",), frozenset())),
        ({"styles": ["a"], "statistics": {"a": [{"track": "drums", "share": 0.4}]}}, Learnt(("a",), frozenset({"a"}))),
        ({"styles": ["a"], "statistics": {"a": [{"track": "drums", "share": 0.0}]}}, Learnt(("a",), frozenset())),
        ({"styles": ["a"], "statistics": {"a": [{"share": 0.4}]}}, Learnt(("a",), None)),
        ({"styles": ["a"]}, Learnt(("a",), None)),
    ],
)
def test_the_configuration_says_what_was_learnt(config: dict[str, object], learnt: Learnt) -> None:
    assert learnt_from(json.loads(json.dumps(config))) == learnt


@pytest.mark.process
def test_the_starter_has_learnt_drums_in_some_of_its_styles(workplace: Workplace) -> None:
    learnt = learnt_of(workplace.runtime.storage, workplace.model)
    assert learnt.with_drums == frozenset({"groove", "pop", "rock"})
    assert learnt.with_drums < set(learnt.styles)


def test_a_song_goes_on_without_new_drums_and_says_so(settings: SharedSettings) -> None:
    plan, left = masked(settings, prompt=encoded(tune(4)), bars=12)
    assert composed(plan) - composed(left) == {"Kit"}
    assert any(plan.specs[row.part].is_drum for row in left.prompt), "those that are given are played"
    assert left.warnings == ("the model mine has not learnt drums: Kit plays nothing in the bars that were composed",)
    assert left.composition(2).holes is not None


def test_the_figures_of_a_form_drum_on(settings: SharedSettings) -> None:
    plan, left = masked(settings, style="rock", bars=16)
    assert isinstance(left, WritePlan)
    request = SongRequest(style="rock", bars=16)
    drums = {index for index, spec in enumerate(left.specs) if spec.is_drum}
    assert isinstance(plan, WritePlan)
    assert drums & divide(request, plan, is_own_model=True).composed == drums
    assert not drums & divide(request, left, is_own_model=True).composed
    assert left.warnings == ("the model mine has not learnt drums: Drums plays figures of the style",)


def test_bars_of_other_tracks_are_composed_anew(settings: SharedSettings) -> None:
    _, left = masked(settings, prompt=encoded(tune()), infill={"bars": "3-4"})
    assert composed(left) == {"Tune", "Piano", "Bass"}
    same, unchanged = masked(settings, prompt=encoded(tune()), infill={"bars": "3-4", "tracks": ["Bass"]})
    assert unchanged is same


@pytest.mark.parametrize("wish", [{"add": ["drums"]}, {"infill": {"bars": "2", "tracks": ["Kit"]}}])
def test_drums_that_were_asked_for_are_refused(settings: SharedSettings, wish: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest, match="mine has not learnt drums, so it cannot compose"):
        masked(settings, prompt=encoded(tune()), **wish)


def test_a_style_of_ones_own_goes_by_its_name(settings: SharedSettings) -> None:
    plan = plan_song(SongRequest(style="etudes", bars=8), 1, settings, learnt=PIANO)
    assert (plan.style.name, plan.style.model_style) == ("etudes", "etudes")
    assert not any(spec.is_drum for spec in plan.specs)
    band = plan_song(SongRequest(style="garage"), 1, settings, learnt=Learnt(("garage",), frozenset({"garage"})))
    assert any(spec.is_drum for spec in band.specs)
    own_pop = plan_song(SongRequest(style="pop"), 1, settings, learnt=Learnt(("pop",), frozenset()))
    assert own_pop.style is STYLES["pop"]


def test_an_unknown_style_is_answered_with_ones_own_too(settings: SharedSettings) -> None:
    with pytest.raises(UnknownStyle, match=r"nearest are etudes,.*all: song,.*, etudes\)"):
        plan_song(SongRequest(style="etude"), 1, settings, learnt=PIANO)
