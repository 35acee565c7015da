"""Composing with random weights, so that only the rules can meet the requests."""

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bandmate_model.checks.validity import violations
from bandmate_model.gan import composer as composing
from bandmate_model.gan.composer import GanComposer
from bandmate_model.gan.decode import Block, Line, decode
from bandmate_model.gan.roll import BEAT_STEPS, BLOCK_STEPS, CELLS, MELODY, PLANES
from bandmate_model.serving.loaded import LoadedModel
from bandmate_shared.contracts.composition import (
    ChordSpan,
    CompositionRequest,
    Hole,
    RhythmNote,
    density_level,
    holes_from,
)
from bandmate_shared.errors import InvalidRequest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

BAND: list[dict[str, Any]] = [
    {"name": "voice", "role": "melody", "program": 52, "is_voice": True, "low": 57, "high": 76},
    {"name": "piano", "role": "harmony", "program": 0, "low": 40, "high": 84},
    {"name": "bass", "role": "bass", "program": 33, "monophonic": True, "low": 28, "high": 55},
    {"name": "drums", "role": "drums", "program": 0, "is_drum": True},
]


def request(parts: list[dict[str, Any]] | None = None, **values: Any) -> CompositionRequest:
    fields = {
        "style": "band",
        "tonic": 2,
        "mode": "major",
        "numerator": 4,
        "denominator": 4,
        "bars": 6,
        "tempo": 100,
        "parts": BAND if parts is None else parts,
        "seeds": [1],
    }
    return CompositionRequest.model_validate(fields | values)


def compose(
    composer: GanComposer, composition_request: CompositionRequest, seed: int = 1, attempt: int = 0
) -> list[Any]:
    return composer.compose(composer.plan(composition_request), [(seed, attempt)])[0].notes


@st.composite
def part_specs(draw: st.DrawFn) -> dict[str, Any]:
    role = draw(st.sampled_from(("melody", "harmony", "bass", "drums")))
    low = draw(st.integers(10, 110))
    drums = role == "drums"
    return {
        "name": role,
        "role": role,
        "program": draw(st.sampled_from((0, 25, 33, 40, 48, 52, 73, 89))),
        "is_drum": drums,
        "is_voice": role == "melody" and draw(st.booleans()),
        "low": low,
        "high": min(127, low + draw(st.integers(0, 40))),
        "monophonic": draw(st.booleans()),
        "density": draw(st.sampled_from((None, 1, 3, 5))),
        "polyphony": None if drums else draw(st.sampled_from((None, 1, 2, 4))),
    }


@st.composite
def requests(draw: st.DrawFn) -> CompositionRequest:
    """Requests of every kind; some with holes, and then with given notes around and into them."""
    bars = draw(st.integers(1, 7))
    numerator, denominator = draw(st.sampled_from(((4, 4), (3, 4), (6, 8), (7, 8), (5, 4), (12, 8), (3, 16), (9, 2))))
    parts = draw(st.lists(part_specs(), min_size=1, max_size=6))
    bar = numerator * 96 // denominator
    values: dict[str, Any] = {"bars": bars, "numerator": numerator, "denominator": denominator}
    if draw(st.booleans()):
        holes = draw(
            st.lists(
                st.builds(
                    lambda part, first, count: Hole(part=part, first_bar=first, bars=min(count, bars - first)),
                    st.integers(0, len(parts) - 1),
                    st.integers(0, bars - 1),
                    st.integers(1, bars),
                ),
                min_size=1,
                max_size=4,
            )
        )
        values["holes"] = holes
        free = request(parts, **values).free_bars
        rows = draw(
            st.sets(
                st.tuples(st.integers(0, len(parts) - 1), st.integers(0, bars * bar - 1), st.integers(30, 90)),
                max_size=12,
            )
        )
        values["prompt"] = sorted(
            (part, onset, min(draw(st.sampled_from((5, 24, 96))), bars * bar - onset), pitch, 64)
            for part, onset, pitch in rows
            if not free[part][onset // bar]
        )
    elif draw(st.booleans()):
        onsets = sorted(draw(st.sets(st.integers(0, bars * bar // 6 - 1), max_size=6)))
        if onsets:
            values["rhythm"] = {0: [RhythmNote(onset=6 * onset, duration=6) for onset in onsets]}
    if draw(st.booleans()):
        values["chords"] = [
            ChordSpan(onset=0, duration=max(1, bar // 2), root=7, pitch_classes=[7, 11, 2], symbol="G"),
        ]
    values |= {
        "style": draw(st.sampled_from(("band", "song"))),
        "tonic": draw(st.integers(0, 11)),
        "mode": draw(st.sampled_from(("major", "minor"))),
        "temperature": draw(st.sampled_from((0.1, 1.0, 3.0))),
        "density": draw(st.sampled_from((None, 2, 4))),
    }
    return request(parts, **values)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(composition_request=requests(), seed=st.integers(0, 2**31))
def test_hard_wishes_hold_whatever_is_asked(
    composer: GanComposer, composition_request: CompositionRequest, seed: int
) -> None:
    notes = compose(composer, composition_request, seed)
    unavoidable = (
        {"nothing was composed"}
        if all(index in composition_request.rhythm for index in range(len(composition_request.parts)))
        else set()
    )
    assert [text for text in violations(composition_request, notes) if text not in unavoidable] == []
    assert notes == compose(composer, composition_request, seed), "the same request and seed, the same notes"


def test_seeds_and_attempts_differ_and_do_not_touch_each_other(composer: GanComposer) -> None:
    planned = composer.plan(request())
    batched = composer.compose(planned, [(1, 0), (2, 0), (1, 1)])
    assert len({str(take.notes) for take in batched}) == 3
    assert composer.compose(planned, [(2, 0)])[0] == batched[1]


def test_a_given_melody_stays_and_is_heard(composer: GanComposer) -> None:
    """The track-conditional mode: an accompaniment of two melodies by the same seed."""
    holes = [Hole(part=part, first_bar=0, bars=6) for part in (1, 2, 3)]
    answers = []
    for pitches in ((60, 64, 67, 64), (62, 65, 69, 71)):
        melody = [(0, 24 * beat, 24, pitches[beat % 4], 80) for beat in range(24)]
        notes = compose(composer, request(holes=holes, prompt=melody))
        assert [row for row in notes if row[0] == 0] == melody, "every given note came back unchanged"
        answers.append([row for row in notes if row[0] != 0])
    assert {row[0] for row in answers[0]} == {1, 2, 3}
    assert answers[0] != answers[1], "the accompaniment depends on what it accompanies"


def test_what_came_before_is_heard_in_the_next_block(composer: GanComposer) -> None:
    later = []
    for pitch in (60, 71):
        prompt = [(0, 24 * beat, 24, pitch, 80) for beat in range(16)]
        composition_request = request(bars=8, prompt=prompt, holes=holes_from(4, 8, len(BAND)))
        notes = compose(composer, composition_request)
        assert violations(composition_request, notes) == []
        later.append([row for row in notes if row[1] >= 4 * 96])
    assert later[0] != later[1]


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_density_is_met(composer: GanComposer, level: int) -> None:
    composition_request = request(bars=8, density=level)
    counts = np.bincount([row[0] for row in compose(composer, composition_request)], minlength=4)
    assert [density_level(count / 32) for count in counts.tolist()] == [level] * 4


@pytest.mark.parametrize("high", [71, 95])
def test_a_line_has_as_many_notes_as_are_meant_whatever_their_pitch(composer: GanComposer, high: int) -> None:
    """At every quarter each of the 24 pitches from C4 has a chance of a twentieth: seven in ten that one sounds. In a
    range of one octave the other's chances go to the same notes."""
    chances = np.zeros((BLOCK_STEPS, CELLS), dtype=np.float32)
    first = PLANES[MELODY].onset.start + 12
    chances[::BEAT_STEPS, first : first + 24] = 0.05
    logits = np.log(np.maximum(chances, 1e-6) / (1 - chances))
    planned = composer.plan(request([{**BAND[0], "low": 60, "high": high}], bars=4, tonic=0))
    part = replace(planned.parts[0], notes_per_quarter=(0.0, 4.0))
    decoded = decode(planned, Line(part), Block(0, logits, np.zeros_like(logits), chances), needs_note=False)
    assert len(decoded) == round(16 * (1 - 0.95**24))


def test_rhythms_return_within_a_phrase(composer: GanComposer, monkeypatch: pytest.MonkeyPatch) -> None:
    """More onsets stand where they stood in the bar before when the bars of a phrase share their dice."""

    def repeated() -> float:
        shares = []
        for seed in range(4):
            rows = [row for row in compose(composer, request(bars=8), seed) if row[0] != 3]
            bars = [{(row[0], row[1] % 96, row[3]) for row in rows if row[1] // 96 == bar} for bar in range(8)]
            shares += [len(bar & next_bar) / max(1, len(next_bar)) for bar, next_bar in itertools.pairwise(bars)]
        return float(np.mean(shares))

    monkeypatch.setattr(composing, "SHARED_BAR_NOISE", 0.0)
    before = repeated()
    monkeypatch.setattr(composing, "SHARED_BAR_NOISE", 0.9)
    assert repeated() > 1.5 * before


def test_chords_draw_the_notes(composer: GanComposer) -> None:
    """Random weights know no harmony, so what there is of it comes from the wish."""
    chord = [6, 10, 1]
    spans = [ChordSpan(onset=0, duration=8 * 96, root=6, pitch_classes=chord, symbol="F#")]

    def share(composition_request: CompositionRequest) -> float:
        notes = [row for seed in range(4) for row in compose(composer, composition_request, seed) if row[0] != 3]
        return float(np.mean([row[3] % 12 in chord for row in notes]))

    assert share(request(bars=8, tonic=0, chords=spans)) > 0.85
    assert share(request(bars=8, tonic=0)) < 0.5


def test_syllables_keep_their_times(composer: GanComposer) -> None:
    sung = [RhythmNote(onset=onset, duration=11) for onset in range(7, 500, 31)]
    notes = compose(composer, request(rhythm={0: sung}))
    assert [(row[1], row[2]) for row in notes if row[0] == 0] == [(note.onset, note.duration) for note in sung]
    assert all(57 <= row[3] <= 76 for row in notes if row[0] == 0)


def test_many_parts_of_a_kind_all_play(composer: GanComposer) -> None:
    violins = [{**BAND[0], "name": f"violin {k}", "program": 40, "is_voice": False} for k in range(5)]
    composition_request = request([*violins, *BAND[2:]])
    notes = compose(composer, composition_request)
    assert {row[0] for row in notes} == set(range(7))
    assert violations(composition_request, notes) == []
    lines = {tuple(row[1:4] for row in notes if row[0] == part) for part in range(5)}
    assert len(lines) == 5, "each has a line of its own"


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"style": "polka"}, "this model knows no style 'polka'; it knows band, song"),
        ({"bar_changes": [{"bar": 2, "numerator": 3, "denominator": 4}]}, "composes in one metre at a time"),
    ],
)
def test_impossible_requests_are_refused(composer: GanComposer, values: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidRequest, match=reason):
        composer.plan(request(**values))


def test_a_gan_is_served_like_the_other_families(model: Path) -> None:
    composition_request = request(seeds=[3, 4])
    answer = LoadedModel.load(model).answer(composition_request)
    assert answer.model["architecture"] == "gan"
    assert [take.seed for take in answer.takes] == [3, 4]
    assert all(violations(composition_request, take.notes) == [] for take in answer.takes)


def test_composing_can_be_stopped(composer: GanComposer) -> None:
    def check() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        composer.compose(composer.plan(request()), [(1, 0)], check)
