"""Requests become valid takes, the same ones each time."""

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import bandmate_model
import pytest
from bandmate_model.loaded import LoadedModel
from bandmate_model.taste import Taste
from bandmate_model.validity import violations
from bandmate_shared.contracts.composition import CompositionRequest, PartSpec, RhythmNote
from bandmate_shared.errors import InvalidRequest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

STARTER = Path(bandmate_model.__file__).parent / "starter"
TUNE = [RhythmNote(onset=192 * line + onset, duration=24) for line in range(4) for onset in (0, 24, 60, 96, 120, 144)]


def part(name: str, role: str, program: int, low: int, high: int, **more: Any) -> PartSpec:
    return PartSpec(name=name, role=role, program=program, low=low, high=high, **more)  # type: ignore[arg-type]


VOICE = part("Voice", "melody", 52, 60, 77, is_voice=True, monophonic=True)
PIANO = part("Piano", "harmony", 0, 36, 90)
DRUMS = part("Drums", "drums", 0, 0, 127, is_drum=True)
BASS = part("Bass", "bass", 33, 28, 55, monophonic=True)
LINE_UPS = {
    "song": [VOICE, PIANO],
    "pop": [VOICE, part("Guitar", "harmony", 24, 40, 84), BASS, DRUMS],
    "chorale": [
        part(name, role, 52, low, high, monophonic=True)
        for name, role, low, high in [
            ("S", "melody", 60, 81), ("A", "harmony", 55, 74), ("T", "harmony", 48, 69), ("B", "bass", 40, 62),
        ]
    ],
    "quartet": [
        part("V1", "melody", 40, 55, 96), part("V2", "harmony", 40, 55, 90),
        part("Va", "harmony", 41, 48, 80), part("Vc", "bass", 42, 36, 68),
    ],
    "rock": [part("Lead", "melody", 29, 52, 88), part("Guitar", "harmony", 30, 40, 76), BASS, DRUMS],
    "groove": [DRUMS],
}  # fmt: skip


@pytest.fixture
def request_for() -> Callable[..., CompositionRequest]:
    def make(**changes: Any) -> CompositionRequest:
        values: dict[str, Any] = {
            "style": "song", "tonic": 2, "mode": "major", "numerator": 4, "denominator": 4, "bars": 8, "tempo": 100,
            "parts": [VOICE, PIANO], "seeds": [5],
        } | changes  # fmt: skip
        return CompositionRequest(**values)

    return make


@pytest.fixture(scope="session")
def random_composer(random_model: Path) -> LoadedModel:
    return LoadedModel.load(random_model)


@pytest.fixture(scope="session")
def starter() -> LoadedModel:
    return LoadedModel.load(STARTER)


@st.composite
def requests(draw: st.DrawFn) -> CompositionRequest:
    numerator, denominator = draw(st.sampled_from([(4, 4), (3, 4), (6, 8), (5, 16), (7, 8), (9, 4)]))
    bar = numerator * 96 // denominator
    bars = draw(st.integers(1, 3))
    parts, rhythm = [], {}
    for number in range(draw(st.integers(1, 3))):
        low = draw(st.integers(0, 115))
        kind = draw(st.sampled_from(["melody", "harmony", "bass", "drums"]))
        parts.append(
            part(
                f"p{number}", kind, draw(st.integers(0, 127)), low, draw(st.integers(low, 127)),
                is_drum=kind == "drums", is_voice=draw(st.booleans()), monophonic=draw(st.booleans()),
            )
        )  # fmt: skip
        if kind != "drums" and draw(st.booleans()):
            onsets = sorted(draw(st.lists(st.integers(0, bar * bars - 1), max_size=8, unique=True)))
            ends = [*onsets[1:], bar * bars][: len(onsets)]
            rhythm[number] = [
                RhythmNote(onset=onset, duration=draw(st.integers(1, end - onset)))
                for onset, end in zip(onsets, ends, strict=True)
            ]
    prompt, prompt_bars = [], 0
    if bars > 1 and draw(st.booleans()):
        prompt_bars = draw(st.integers(1, bars - 1))
        rows = st.tuples(
            st.integers(0, len(parts) - 1), st.integers(0, bar * prompt_bars - 1), st.integers(1, bar),
            st.integers(0, 127), st.integers(1, 127),
        )  # fmt: skip
        prompt = sorted(draw(st.lists(rows, max_size=6, unique_by=lambda row: (row[0], row[1], row[3]))))
    return CompositionRequest(
        style=draw(st.sampled_from(["chorale", "song"])), tonic=draw(st.integers(0, 11)),
        mode=draw(st.sampled_from(["major", "minor"])), numerator=numerator, denominator=denominator, bars=bars,
        tempo=draw(st.floats(20, 300)), parts=parts, rhythm=rhythm, prompt=prompt, prompt_bars=prompt_bars,
        seeds=[draw(st.integers(0, 2**53 - 1))], temperature=draw(st.floats(0.05, 4)),
        top_p=draw(st.floats(0.01, 1)),
    )  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=requests())
def test_any_request_gets_a_valid_take(asked: CompositionRequest, random_composer: LoadedModel) -> None:
    (take,) = random_composer.answer(asked).takes
    assert violations(asked, take.notes) == []


def test_same_request_same_take(random_composer: LoadedModel, request_for: Any) -> None:
    asked = request_for(rhythm={0: TUNE})
    assert random_composer.answer(asked).takes == random_composer.answer(asked).takes


def test_a_take_does_not_depend_on_the_others(random_composer: LoadedModel, request_for: Any) -> None:
    together = random_composer.answer(request_for(seeds=[3, 5, 8])).takes
    alone = [random_composer.answer(request_for(seeds=[seed])).takes[0] for seed in (3, 5, 8)]
    assert together == alone
    assert len({json.dumps(take.notes) for take in together}) == 3, "other seeds, other music"


def test_the_prompt_is_kept_and_continued(random_composer: LoadedModel, request_for: Any) -> None:
    prompt = [(0, 0, 48, 67, 99), (0, 49, 47, 69, 98), (1, 0, 300, 48, 60)]
    asked = request_for(prompt=prompt, prompt_bars=1)
    notes = random_composer.answer(asked).takes[0].notes
    assert [tuple(row) for row in notes if row[1] < 96] == sorted(prompt, key=lambda row: (row[1], row[0]))
    assert max(row[1] for row in notes) >= 96


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"style": "ska"}, "knows no style 'ska'; it knows chorale, song"),
        ({"parts": [part("Voice", "melody", 52, 80, 70)]}, "'Voice' has no pitch between 80 and 70"),
        ({"rhythm": {0: [RhythmNote(onset=0, duration=48), RhythmNote(onset=24, duration=24)]}}, "overlaps itself"),
        ({"rhythm": {0: [RhythmNote(onset=760, duration=48)]}}, "past the last bar: 808 of 768"),
        ({"prompt": [(0, 96, 24, 60, 80)], "prompt_bars": 1}, "lies outside its 1 bars"),
        ({"prompt": [(4, 0, 24, 60, 80)], "prompt_bars": 1}, "part 4, which does not exist"),
        ({"prompt": [(0, 0, 24, 60, 80)]}, "set prompt_bars"),
        ({"parts": [DRUMS] * 5}, "at most four drum parts"),
    ],
)
def test_bad_requests_are_explained(random_composer: LoadedModel, request_for: Any, changes: Any, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        random_composer.answer(request_for(**changes))


@pytest.mark.parametrize("style", sorted(LINE_UPS))
def test_the_starter_model_composes_every_style(starter: LoadedModel, request_for: Any, style: str) -> None:
    rhythm = {0: TUNE} if style in ("song", "pop") else {}
    asked = request_for(style=style, parts=LINE_UPS[style], rhythm=rhythm, seeds=[2])
    (take,) = starter.answer(asked).takes
    assert violations(asked, take.notes) == []
    assert {row[0] for row in take.notes} == set(range(len(asked.parts))), "every part plays"
    pitched = [(pitch - 2) % 12 for index, _, _, pitch, _ in take.notes if not asked.parts[index].is_drum]
    if pitched:
        assert sum(pitch in (0, 2, 4, 5, 7, 9, 11) for pitch in pitched) / len(pitched) >= 0.85, "in D major"
    assert {row[1] // 96 for row in take.notes} == set(range(8)), "no bar without an onset"


def test_the_key_is_met_in_every_key(starter: LoadedModel, request_for: Any) -> None:
    """The same music, moved: intervals to the tonic are those of the model, whatever the key."""
    for tonic in (1, 6, 11):
        asked = request_for(tonic=tonic, bars=3, seeds=[1])
        pitches = [(row[3] - tonic) % 12 for row in starter.answer(asked).takes[0].notes]
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


def test_a_sung_melody_comes_back(starter: LoadedModel, request_for: Any) -> None:
    """With leaning `recall` the first half of a phrase mostly repeats what stood there four bars before."""

    def returning(model: LoadedModel) -> float:
        found = []
        for take in model.answer(request_for(rhythm={0: TUNE}, seeds=[1, 2, 3])).takes:
            melody = {row[1]: row[3] for row in take.notes if row[0] == 0}
            found += [melody[onset] == melody[onset - 384] for onset in melody if 384 <= onset < 576]
        return sum(found) / len(found)

    forgetful = replace(starter, taste=replace(starter.taste, recall=0.0))
    assert returning(starter) > max(0.5, returning(forgetful))


def test_no_accompanying_part_waits(starter: LoadedModel, request_for: Any) -> None:
    """The band enters together, and no part of it rests for more than two bars."""
    (take,) = starter.answer(request_for(style="rock", parts=LINE_UPS["rock"], seeds=[4])).takes
    for index in (1, 2, 3):
        bars = sorted({row[1] // 96 for row in take.notes if row[0] == index} | {8})
        assert bars[0] == 0
        assert max(b - a for a, b in pairwise(bars)) <= 3


def test_taste_can_be_switched_off(random_model: Path, tmp_path: Path, request_for: Any) -> None:
    for path in random_model.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"sampling": {"taste": "off"}}))
    plain = LoadedModel.load(tmp_path)
    assert plain.taste == Taste.off()
    asked = request_for(bars=4)
    notes = plain.answer(asked).takes[0].notes
    assert notes != LoadedModel.load(random_model).answer(asked).takes[0].notes
    assert violations(asked, notes) == []


def test_the_starter_model_is_small_and_named() -> None:
    assert sum(path.stat().st_size for path in STARTER.rglob("*")) <= 40_000_000
    card = (STARTER / "MODEL_CARD.md").read_text()
    for name in ("OpenScore", "CC0", "freedoom", "BSD-3-Clause", "Groove", "CC BY 4.0", "js-fakes"):
        assert name in card
    assert (STARTER / "freedoom" / "COPYING.adoc").is_file()
    assert (STARTER / "freedoom" / "CREDITS-MUSIC").is_file()
