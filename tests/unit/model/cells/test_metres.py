"""Bars of different metres in one request: takes are valid, and the network is told of each metre as in training."""

import numpy as np
import pytest
from bandmate_model.cells.bias.weights import BiasWeights
from bandmate_model.cells.compose import Sampling, compose_take
from bandmate_model.cells.grid import CellGrid
from bandmate_model.cells.plan import plan
from bandmate_model.cells.vocabulary import BAR, METRE, RESUME, START
from bandmate_model.checks.validity import violations
from bandmate_model.data.tokens import METRES
from bandmate_model.gan.plan import plan as gan_plan
from bandmate_model.gan.statistics import StyleTracks
from bandmate_shared.contracts.composition import BarChange, ChordSpan, CompositionRequest, Hole, holes_from
from bandmate_shared.errors import InvalidRequest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.support.composition_requests import BASS, DRUMS, PIANO, VOICE
from tests.support.composition_requests import METRES as LENGTHS

from .test_grammar import INFO, carried_out, random_logits


@st.composite
def changing(draw: st.DrawFn) -> CompositionRequest:
    """Whole pieces, continuations and infills over bars of many lengths, some cut short."""
    bars = draw(st.integers(2, 7))
    changes = []
    for number in range(bars):
        if number == 0 or draw(st.booleans()):
            numerator, denominator = draw(st.sampled_from(LENGTHS))
            cut = draw(st.sampled_from([None, None, 1, 0.5]))
            full_ticks = numerator * 96 // denominator
            ticks = None if cut is None else max(2, int(full_ticks * cut) // 2 * 2)
            changes.append(BarChange(bar=number, numerator=numerator, denominator=denominator, ticks=ticks))
    request = CompositionRequest(
        style="song",
        tonic=draw(st.integers(0, 11)),
        mode="minor",
        numerator=4,
        denominator=4,
        bars=bars,
        bar_changes=changes,
        tempo=100,
        parts=[VOICE, PIANO, BASS, DRUMS],
        seeds=[1],
    )
    frame = request.frame
    kind = draw(st.sampled_from(["whole", "continue", "infill", "add"]))
    more_fields: dict[str, object] = {}
    free = np.ones((4, bars), bool)
    if kind == "continue":
        given_bars = draw(st.integers(1, bars - 1))
        more_fields["holes"] = holes_from(given_bars, bars, 4)
        free[:, :given_bars] = False
    elif kind in ("infill", "add"):
        chosen = draw(st.lists(st.booleans(), min_size=4 * bars, max_size=4 * bars))
        free = (
            np.array(chosen).reshape(4, bars)
            if kind == "infill"
            else np.array([[number == 2] * bars for number in range(4)])
        )
        free[0, -1] |= kind == "infill"
        more_fields["holes"] = [Hole(part=int(part), first_bar=int(bar), bars=1) for part, bar in np.argwhere(free)]
    rows = {}
    for part, bar in np.argwhere(~free):
        onset = frame[bar].onset + draw(st.integers(0, frame[bar].length - 1))
        rows[part, onset] = (int(part), onset, min(draw(st.integers(1, 60)), frame.end - onset), 60, 80)
    chords = [
        ChordSpan(onset=bar.onset, duration=bar.length, root=7, pitch_classes=[2, 7, 11], symbol="G")
        for bar in frame.bars
    ]
    prompt = sorted(rows.values(), key=lambda row: (row[1], row[0]))
    more_fields |= {
        "prompt": prompt,
        "chords": chords if draw(st.booleans()) else [],
        "density": draw(st.sampled_from([None, 3])),
    }
    return CompositionRequest.model_validate(request.model_dump() | more_fields)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    composition_request=changing(),
    seed=st.integers(0, 2**32 - 1),
    window=st.sampled_from([200, 4096]),
    lean=st.booleans(),
)
def test_every_take_over_changing_bars_is_valid(
    composition_request: CompositionRequest, seed: int, window: int, lean: bool
) -> None:
    try:
        ready = plan(composition_request, INFO)
    except InvalidRequest as error:
        assume("there is nothing to compose" not in error.detail)
        raise
    task = compose_take(ready, Sampling(BiasWeights() if lean else BiasWeights.off()), seed=1, attempt=0, window=window)
    take, _ = carried_out(task, random_logits(seed, 3.0), window)
    assert violations(composition_request, take.notes) == []


def test_a_new_metre_is_told_after_its_bar_and_at_the_head_of_what_begins_there() -> None:
    changes = [BarChange(bar=1, numerator=2, denominator=4), BarChange(bar=3, numerator=7, denominator=8)]
    request = CompositionRequest(
        style="song",
        tonic=0,
        mode="major",
        numerator=4,
        denominator=4,
        bars=5,
        bar_changes=changes,
        tempo=100,
        parts=[PIANO],
        seeds=[1],
    )
    ready = plan(request, INFO)
    assert ready.frame.lengths == (48, 24, 24, 42, 42)
    score = CellGrid(ready)
    names = ["4/4", "2/4", "2/4", "7/8", "7/8"]
    for first, opening in ((0, START), (1, RESUME), (2, RESUME), (3, RESUME)):
        tokens = score.context(first, 4)
        metres = [METRES[METRE.value(token)] for token in tokens if token in METRE]
        assert tokens[0] == opening
        assert metres == [
            name for number, name in enumerate(names[first:]) if number == 0 or name != names[first + number - 1]
        ]
        places = [place for place, token in enumerate(tokens) if token in METRE]
        assert all(tokens[place - 1] in BAR for place in places[1:])


def test_a_gan_says_that_it_composes_in_one_metre() -> None:
    request = CompositionRequest(
        style="song",
        tonic=0,
        mode="major",
        numerator=4,
        denominator=4,
        bars=4,
        tempo=100,
        parts=[PIANO],
        seeds=[1],
        bar_changes=[BarChange(bar=1, numerator=2, denominator=4)],
    )
    with pytest.raises(InvalidRequest, match="one metre at a time"):
        gan_plan(request, {"song": StyleTracks(())})


def test_changes_have_to_ascend_within_the_piece() -> None:
    frame = {
        "style": "song",
        "tonic": 0,
        "mode": "major",
        "numerator": 4,
        "denominator": 4,
        "bars": 4,
        "tempo": 100,
        "parts": [PIANO],
        "seeds": [1],
    }
    two = {"numerator": 2, "denominator": 4}
    for bars in ([2, 1], [1, 1], [4]):
        with pytest.raises(ValidationError, match="have to ascend, within the 4 bars"):
            CompositionRequest.model_validate(frame | {"bar_changes": [{"bar": bar, **two} for bar in bars]})
    with pytest.raises(ValidationError):
        CompositionRequest.model_validate(frame | {"bar_changes": [{"bar": 1, **two, "ticks": 7}]})
