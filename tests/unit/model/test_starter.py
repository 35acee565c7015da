"""The starter model composes in every style and key, with melodies that can be sung."""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import bandmate_model
import pytest
import yaml
from bandmate_model.checks.validity import violations
from bandmate_model.serving.loaded import LoadedModel
from bandmate_shared.contracts.composition import CompositionRequest

from tests.support.composition_requests import LINE_UPS, TUNE, triads

STARTER = Path(bandmate_model.__file__).parent / "starter"


@pytest.fixture(scope="session")
def starter() -> LoadedModel:
    return LoadedModel.load(STARTER)


@pytest.fixture
def request_for() -> Callable[..., CompositionRequest]:
    def make(**changes: Any) -> CompositionRequest:
        values: dict[str, Any] = {
            "style": "song",
            "tonic": 2,
            "mode": "major",
            "numerator": 4,
            "denominator": 4,
            "bars": 8,
            "tempo": 100,
            "parts": LINE_UPS["song"],
            "seeds": [5],
        } | changes
        return CompositionRequest(**values)

    return make


@pytest.mark.parametrize("style", sorted(LINE_UPS))
def test_the_starter_model_composes_every_style(starter: LoadedModel, request_for: Any, style: str) -> None:
    rhythm = {0: TUNE} if style in ("song", "pop") else {}
    request = request_for(style=style, parts=LINE_UPS[style], rhythm=rhythm, seeds=[2])
    (take,) = starter.answer(request).takes
    assert violations(request, take.notes) == []
    assert {row[0] for row in take.notes} == set(range(len(request.parts))), "every part plays"
    pitched = [(pitch - 2) % 12 for index, _, _, pitch, _ in take.notes if not request.parts[index].is_drum]
    if pitched:
        assert sum(pitch in (0, 2, 4, 5, 7, 9, 11) for pitch in pitched) / len(pitched) >= 0.85, "in D major"
    assert {row[1] // 96 for row in take.notes} == set(range(8)), "no bar without an onset"


def test_drums_of_a_style_without_any_are_those_of_the_others(starter: LoadedModel, request_for: Any) -> None:
    statistics = starter.info.config["statistics"]
    assert statistics["song"]["drums"] == []
    known = {drum for style in statistics.values() for drum in style["drums"]}
    assert 10 < len(known) < 60
    request = request_for(style="song", parts=[*LINE_UPS["song"], LINE_UPS["pop"][-1]], bars=4, seeds=[1, 2])
    drums = [index for index, part in enumerate(request.parts) if part.is_drum]
    struck = {row[3] for take in starter.answer(request).takes for row in take.notes if row[0] in drums}
    assert struck
    assert struck <= known


def test_the_key_is_met_in_every_key(starter: LoadedModel, request_for: Any) -> None:
    """The same music, moved: intervals to the tonic are those of the model, whatever the key."""
    for tonic in (1, 6, 11):
        request = request_for(tonic=tonic, bars=3, seeds=[1])
        pitches = [(row[3] - tonic) % 12 for row in starter.answer(request).takes[0].notes]
        assert sum(pitch in (0, 2, 4, 5, 7, 9, 11) for pitch in pitches) / len(pitches) >= 0.85


def test_a_sung_melody_is_singable(starter: LoadedModel, request_for: Any) -> None:
    """Small steps, about an octave, and an end on the tonic triad, over several seeds."""
    steps, ends = [], []
    for take in starter.answer(request_for(rhythm={0: TUNE}, seeds=[1, 2, 3])).takes:
        melody = [row[3] for row in take.notes if row[0] == 0]
        assert len(melody) == len(TUNE)
        assert max(melody) - min(melody) <= 19
        steps += [abs(a - b) for a, b in pairwise(melody)]
        ends.append((melody[-1] - 2) % 12)
    assert sum(step <= 4 for step in steps) / len(steps) >= 0.7
    assert max(steps) <= 12
    assert sum(end in (0, 4, 7) for end in ends) >= 2


def test_chords_hold_the_accompaniment_and_not_the_tune(starter: LoadedModel, request_for: Any) -> None:
    """In chorales to given chords the lower voices sing chord tones, the bass the lowest of them where a chord begins,
    and the soprano steps through them."""
    chords = triads([2, 7, 9, 2, 7, 2, 9, 2], 96)
    request = request_for(style="chorale", parts=LINE_UPS["chorale"], chords=chords, seeds=[1, 2, 3])
    steps, inside, bass = [], [], []
    for take in starter.answer(request).takes:
        soprano = [row[3] for row in take.notes if row[0] == 0]
        steps += [1 <= abs(a - b) <= 2 for a, b in pairwise(soprano)]
        inside += [row[3] % 12 in chords[row[1] // 96].pitch_classes for row in take.notes if row[0] != 0]
        bass += [row[3] % 12 == chords[row[1] // 96].root for row in take.notes if row[0] == 3 and row[1] % 96 == 0]
    assert sum(steps) / len(steps) >= 0.3
    assert sum(inside) / len(inside) >= 0.85
    assert sum(bass) / len(bass) >= 0.7


def test_no_accompanying_part_rests_for_long(starter: LoadedModel, request_for: Any) -> None:
    """The band enters together, and no part of it rests for more than two bars."""
    (take,) = starter.answer(request_for(style="rock", parts=LINE_UPS["rock"], seeds=[4])).takes
    for index in (1, 2, 3):
        bars = sorted({row[1] // 96 for row in take.notes if row[0] == index} | {8})
        assert bars[0] == 0
        assert max(b - a for a, b in pairwise(bars)) <= 3


def test_the_starter_model_is_small_and_named() -> None:
    assert sum(path.stat().st_size for path in STARTER.rglob("*")) <= 40_000_000
    card = (STARTER / "MODEL_CARD.md").read_text()
    header = yaml.safe_load(card.split("---\n")[1])
    measured = header["model-index"][0]["results"][0]["metrics"]
    metrics = json.loads((STARTER / "metrics.json").read_text())
    assert {row["type"]: row["value"] for row in measured} == {row["type"]: metrics[row["type"]] for row in measured}
    for name in ("OpenScore", "CC0", "freedoom", "BSD-3-Clause", "Groove", "CC BY 4.0", "js-fakes"):
        assert name in card
    assert (STARTER / "freedoom" / "COPYING.adoc").is_file()
    assert (STARTER / "freedoom" / "CREDITS-MUSIC").is_file()
