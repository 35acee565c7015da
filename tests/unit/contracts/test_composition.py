"""Validation of composition requests, which is the same for every model."""

from typing import Any

import pytest
from bandmate_shared.contracts.composition import CompositionRequest, holes_from
from pydantic import ValidationError

from tests.support.composition_requests import DRUMS, PIANO, VOICE

HOLE = {"part": 0, "first_bar": 0, "bars": 1}


def request(**changes: Any) -> CompositionRequest:
    values = {
        "style": "song",
        "tonic": 2,
        "mode": "major",
        "numerator": 4,
        "denominator": 4,
        "bars": 8,
        "tempo": 100,
        "parts": [VOICE, PIANO],
        "seeds": [5],
    }
    return CompositionRequest.model_validate(values | changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"parts": [{**VOICE.model_dump(), "low": 80, "high": 70}]}, "'Voice' has no pitch between 80 and 70"),
        ({"rhythm": {2: [{"onset": 0, "duration": 4}]}}, "rhythm names a part that does not exist"),
        ({"rhythm": {0: [{"onset": 0, "duration": 48}, {"onset": 24, "duration": 24}]}}, "overlaps itself at tick 24"),
        ({"rhythm": {0: [{"onset": 760, "duration": 48}]}}, "runs past the last bar: 808 of 768 ticks"),
        ({"holes": [{"part": 2, "first_bar": 0, "bars": 1}]}, "a hole in part 2, bars 0-0, and the piece has 2 parts"),
        ({"holes": [{"part": 0, "first_bar": 7, "bars": 2}]}, "bars 7-8, and the piece has 2 parts and 8 bars"),
        ({"prompt": [(0, 0, 24, 60, 80)]}, "tick 0 of 'Voice' lies in bar 1, which is to be composed"),
        ({"prompt": [(0, 90, 24, 60, 80)], "holes": [HOLE]}, "tick 90 of 'Voice' lies in bar 1, which is to be"),
        ({"prompt": [(0, 96, 24, 60, 80)], "holes": holes_from(1, 8, 2)}, "tick 96 of 'Voice' lies in bar 2, which is"),
        ({"prompt": [(0, 700, 100, 60, 80)], "holes": [HOLE]}, "lasts past the end of the piece, tick 768"),
        ({"prompt": [(4, 0, 24, 60, 80)], "holes": [HOLE]}, "part 4, which does not exist"),
        ({"prompt": [(-1, 0, 24, 60, 80)], "holes": [HOLE]}, "prompt.0.0"),
        ({"prompt": [(0, -1, 24, 60, 80)], "holes": [HOLE]}, "prompt.0.1"),
        ({"prompt": [(0, 700, 0, 60, 80)], "holes": [HOLE]}, "prompt.0.2"),
        ({"prompt": [(0, 700, 10, 128, 80)], "holes": [HOLE]}, "prompt.0.3"),
        ({"prompt": [(0, 700, 10, 60, 0)], "holes": [HOLE]}, "prompt.0.4"),
    ],
)
def test_an_inconsistent_request_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        request(**changes)


def test_drums_need_no_range() -> None:
    assert request(parts=[DRUMS.model_copy(update={"low": 1, "high": 0}).model_dump()]).parts[0].plays_drums


def test_without_holes_every_bar_is_composed() -> None:
    assert request(bars=2).free_bars == [[True, True], [True, True]]


def test_a_continuation_composes_every_bar_behind_the_given_ones() -> None:
    composition_request = request(bars=3, holes=holes_from(2, 3, 2), prompt=[(1, 100, 92, 40, 1)])
    assert composition_request.free_bars == [[False, False, True], [False, False, True]]


def test_only_the_holes_are_composed() -> None:
    composition_request = request(bars=3, holes=[HOLE, {"part": 1, "first_bar": 1, "bars": 2}])
    assert composition_request.free_bars == [[True, False, False], [False, True, True]]
