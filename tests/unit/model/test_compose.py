"""Requests become valid takes, the same ones each time."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bandmate_model.cells.bias.weights import BiasWeights
from bandmate_model.checks.validity import violations
from bandmate_model.model_files import ModelUnusable
from bandmate_model.serving.loaded import LoadedModel, composed
from bandmate_shared.contracts.composition import CompositionRequest, Hole, density_level, holes_from
from bandmate_shared.errors import InvalidRequest
from hypothesis import HealthCheck, assume, given, settings

from tests.support.composition_requests import DRUMS, PIANO, TUNE, VOICE, part, requests, triads

HOLE2 = Hole(part=0, first_bar=1, bars=2)


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
            "parts": [VOICE, PIANO],
            "seeds": [5],
        } | changes
        return CompositionRequest(**values)

    return make


@pytest.fixture(scope="session")
def random_composer(random_model: Path) -> LoadedModel:
    return LoadedModel.load(random_model)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(composition_request=requests())
def test_any_request_gets_a_valid_take(composition_request: CompositionRequest, random_composer: LoadedModel) -> None:
    try:
        (take,) = random_composer.answer(composition_request).takes
    except InvalidRequest as error:
        assume("there is nothing to compose" not in error.detail)
        raise
    assert violations(composition_request, take.notes) == []


def test_same_request_same_take(random_composer: LoadedModel, request_for: Any) -> None:
    request = request_for(rhythm={0: TUNE})
    assert random_composer.answer(request).takes == random_composer.answer(request).takes


def test_a_take_does_not_depend_on_the_others(random_composer: LoadedModel, request_for: Any) -> None:
    batched = random_composer.answer(request_for(seeds=[3, 5, 8])).takes
    alone = [random_composer.answer(request_for(seeds=[seed])).takes[0] for seed in (3, 5, 8)]
    assert batched == alone
    assert len({json.dumps(take.notes) for take in batched}) == 3, "other seeds, other music"


def test_the_prompt_is_kept_and_continued(random_composer: LoadedModel, request_for: Any) -> None:
    prompt = [(0, 0, 48, 67, 99), (0, 49, 47, 69, 98), (1, 0, 300, 48, 60)]
    request = request_for(prompt=prompt, holes=holes_from(1, 8, 2))
    notes = random_composer.answer(request).takes[0].notes
    assert [tuple(row) for row in notes if row[1] < 96] == sorted(prompt, key=lambda row: (row[1], row[0]))
    assert max(row[1] for row in notes) >= 96


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"style": "ska"}, "knows no style 'ska'; it knows chorale, song"),
        ({"holes": []}, "nothing to compose: every bar"),
        ({"parts": [VOICE], "prompt": [(0, 0, 300, 60, 80)], "holes": [HOLE2]}, "leave no room"),
        ({"parts": [DRUMS] * 5}, "at most four drum parts"),
    ],
)
def test_bad_requests_are_explained(random_composer: LoadedModel, request_for: Any, changes: Any, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        random_composer.answer(request_for(**changes))


def test_holes_are_filled_and_nothing_else(random_composer: LoadedModel, request_for: Any) -> None:
    """Infilling: the rest comes back to the last number, whatever it holds."""
    prompt = [(1, bar * 96 + beat * 24, 24, 40 + bar + beat, 64) for bar in range(8) for beat in range(4)]
    prompt += [(0, bar * 96 + 7, 61, 99, 1) for bar in range(8) if bar not in (2, 3)]
    request = request_for(prompt=prompt, holes=[Hole(part=0, first_bar=2, bars=2)])
    notes = random_composer.answer(request).takes[0].notes
    composed_notes = composed(request, notes)
    assert sorted(set(notes) - set(composed_notes)) == sorted(prompt)
    assert composed_notes
    assert {row[0] for row in composed_notes} == {0}
    assert all(row[1] >= 192 and row[1] + row[2] <= 384 for row in composed_notes)


def test_a_new_track_over_given_ones(random_composer: LoadedModel, request_for: Any) -> None:
    prompt = [(0, bar * 96 + beat * 24, 24, 60 + beat, 64) for bar in range(8) for beat in range(4)]
    request = request_for(parts=[VOICE, DRUMS], prompt=prompt, holes=[Hole(part=1, first_bar=0, bars=8)])
    composed_notes = composed(request, random_composer.answer(request).takes[0].notes)
    assert {row[0] for row in composed_notes} == {1}


def test_a_density_is_met(random_composer: LoadedModel, request_for: Any) -> None:
    """Even by a model with random weights."""
    for level in (1, 2, 3, 4, 5):
        request = request_for(
            density=level, bars=6, parts=[PIANO, part("Bass", "bass", 33, 28, 55, density=2)], seeds=[1, 2]
        )
        for take in random_composer.answer(request).takes:
            for index, expected_level in ((0, level), (1, 2)):
                notes = sum(row[0] == index for row in take.notes)
                assert density_level(notes / 24) == expected_level


def _inside(request: CompositionRequest, notes: list[tuple[int, int, int, int, int]], *, melody: bool) -> float:
    """The share of sounding time in the chord asked for: of the melody, or of what accompanies it."""
    inside = total = 0
    for index, onset, duration, pitch, _ in notes:
        if (request.parts[index].role == "melody") != melody:
            continue
        for tick in range(onset, onset + duration):
            chord = next(span for span in request.chords if span.onset <= tick < span.onset + span.duration)
            inside += pitch % 12 in chord.pitch_classes
            total += 1
    return inside / total


def test_chords_are_met_by_the_accompaniment(random_composer: LoadedModel, request_for: Any) -> None:
    """Even by a model with random weights, and in another key than the chords'. Nothing pulls its melody."""
    request = request_for(chords=triads([2, 7, 9, 2, 11, 4, 9, 2], 96), seeds=[1, 2, 3])
    deaf = replace(random_composer, composer=replace(random_composer.composer, without=frozenset({"chords"})))  # type: ignore[type-var]
    heeded, ignored = (model.answer(request).takes for model in (random_composer, deaf))
    assert min(_inside(request, take.notes, melody=False) for take in heeded) >= 0.65
    assert max(_inside(request, take.notes, melody=False) for take in ignored) < 0.6
    assert max(_inside(request, take.notes, melody=True) for take in heeded) < 0.6


def test_accompanying_parts_complete_the_chord(random_composer: LoadedModel, request_for: Any) -> None:
    """Two lines below a melody sound both other tones of the triad more often with the bias towards missing tones."""
    parts = [
        VOICE,
        part("Viola", "harmony", 41, 48, 76, monophonic=True),
        part("Cello", "bass", 42, 36, 64, monophonic=True),
    ]
    request = request_for(
        parts=parts, chords=triads([2, 7, 9, 2, 11, 4, 9, 2], 96), seeds=list(range(1, 17)), density=2
    )

    def distinct(missing: float) -> float:
        composer: Any = random_composer.composer
        weights = replace(composer.sampling.bias_weights, chord_missing=missing)
        changed = replace(composer, sampling=replace(composer.sampling, bias_weights=weights))
        different, both = 0, 0
        for take in replace(random_composer, composer=changed).answer(request).takes:
            sounding = [{}, {}, {}]  # type: list[dict[int, int]]
            for index, onset, duration, pitch, _ in take.notes:
                sounding[index] |= dict.fromkeys(range(onset, onset + duration, 2), pitch % 12)
            shared = sounding[1].keys() & sounding[2].keys()
            both += len(shared)
            different += sum(sounding[1][tick] != sounding[2][tick] for tick in shared)
        return different / both

    assert distinct(4.0) > distinct(0.0) + 0.05


def test_a_part_alone_meets_the_chords(random_composer: LoadedModel, request_for: Any) -> None:
    """A melody that nothing accompanies is all that can tell the harmony."""
    lone = [part("Piano", "melody", 0, 48, 84)]
    request = request_for(parts=lone, chords=triads([2, 7, 9, 2, 11, 4, 9, 2], 96), seeds=[1, 2, 3, 4, 5, 6])
    inside = [_inside(request, take.notes, melody=True) for take in random_composer.answer(request).takes]
    assert sum(inside) / len(inside) >= 0.5


def test_top_k_1_gives_every_seed_the_same_notes(random_composer: LoadedModel, request_for: Any) -> None:
    """With top_k 1 all seeds give the same music but for its loudness."""
    takes = random_composer.answer(request_for(top_k=1, seeds=[1, 2, 3], bars=2)).takes
    assert len({json.dumps([row[:4] for row in take.notes]) for take in takes}) == 1


def test_requests_of_many_threads_are_those_of_one(random_composer: LoadedModel, request_for: Any) -> None:
    from concurrent.futures import ThreadPoolExecutor

    thread_requests = [
        request_for(seeds=[seed], bars=3, parts=parts) for seed in (1, 2) for parts in ([VOICE, PIANO], [DRUMS])
    ]
    alone = [random_composer.answer(request).takes for request in thread_requests]
    with ThreadPoolExecutor(4) as pool:
        concurrent = [answer.takes for answer in pool.map(random_composer.answer, thread_requests)]
    assert concurrent == alone


def test_check_is_asked_and_may_stop_it(random_composer: LoadedModel, request_for: Any) -> None:
    class Enough(Exception):
        pass

    def check() -> None:
        raise Enough

    with pytest.raises(Enough):
        random_composer.answer(request_for(), check)


def test_an_lstm_composes_as_well(make_model: Any, request_for: Any) -> None:
    model = LoadedModel.load(make_model("rnn"))
    request = request_for(bars=4, seeds=[1, 2])
    takes = model.answer(request).takes
    assert [violations(request, take.notes) for take in takes] == [[], []]
    assert model.answer(request.model_copy(update={"seeds": [2]})).takes == takes[1:]


def test_taste_can_be_switched_off(random_model: Path, tmp_path: Path, request_for: Any) -> None:
    for path in random_model.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"sampling": {"taste": "off"}}))
    plain = LoadedModel.load(tmp_path)
    assert plain.composer.sampling.bias_weights == BiasWeights.off()  # type: ignore[attr-defined]
    request = request_for(bars=4)
    notes = plain.answer(request).takes[0].notes
    assert notes != LoadedModel.load(random_model).answer(request).takes[0].notes
    assert violations(request, notes) == []


DAMAGES: dict[str, tuple[Callable[[dict[str, Any]], dict[str, Any]], str]] = {
    "architecture": (lambda config: config | {"architecture": "oracle"}, "not with architecture 'oracle'"),
    "representation": (
        lambda config: config | {"representation": "events"},
        "earlier version .* train it again",
    ),
    "earlier": (lambda config: {"architecture": "rnn", "styles": ["song"]}, "earlier version of Bandmate"),
    "styles": (lambda config: config | {"styles": []}, "names no styles"),
    "sampling": (lambda config: config | {"sampling": {"taste": {"leap": "much"}}}, "sampling cannot be read"),
    "vocabulary": (lambda config: config | {"vocab_size": 640}, "."),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_model_that_is_not_one_of_ours_is_refused(random_model: Path, tmp_path: Path, damage: str) -> None:
    change, message = DAMAGES[damage]
    config = json.loads((random_model / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(change(config)))
    (tmp_path / "model.safetensors").write_bytes((random_model / "model.safetensors").read_bytes())
    with pytest.raises(ModelUnusable, match=message):
        LoadedModel.load(tmp_path)


@pytest.mark.parametrize("damage", ["truncated", "not-json", "no-weights"])
def test_a_broken_model_is_refused(random_model: Path, tmp_path: Path, damage: str) -> None:
    weights = (random_model / "model.safetensors").read_bytes()
    config = (random_model / "config.json").read_text()
    (tmp_path / "config.json").write_text("{" if damage == "not-json" else config)
    if damage != "no-weights":
        (tmp_path / "model.safetensors").write_bytes(weights[: len(weights) // 2] if damage == "truncated" else weights)
    with pytest.raises(ModelUnusable):
        LoadedModel.load(tmp_path)
