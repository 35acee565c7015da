"""Everything drawn under the grammar is valid music, for random requests and random networks."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from bandmate_model.cells.bias.weights import BiasWeights
from bandmate_model.cells.compose import Sampling, compose_take
from bandmate_model.cells.grammar import Grammar
from bandmate_model.cells.plan import Plan, plan
from bandmate_model.cells.state import MAX_REPEATED_BARS
from bandmate_model.cells.vocabulary import (
    COUNT,
    DRUM,
    DURATION,
    PITCH,
    POSITION,
    REPEAT,
    SLOT,
    VOCABULARY_SIZE,
    count_limits,
)
from bandmate_model.checks.validity import violations
from bandmate_model.composer import Take
from bandmate_model.engine.base import Feed
from bandmate_model.engine.batcher import Task
from bandmate_model.model_files import ModelInfo
from bandmate_shared.contracts.composition import CompositionRequest, Hole
from bandmate_shared.errors import InvalidRequest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.support.composition_requests import BASS, DRUMS, PIANO, VOICE, part, requests

INFO = ModelInfo("random", "0" * 64, {"architecture": "rnn", "styles": ["chorale", "song"]})


def carried_out(task: Task[Take], logits: Iterator[np.ndarray], window: int = 1 << 20) -> tuple[Take, list[Feed]]:
    """Run a task with these logits; the window must never be overfilled."""
    feeds: list[Feed] = []
    length = 0
    try:
        feed = next(task)
        while True:
            length = len(feed.tokens) + (length if feed.keep is None else feed.keep)
            assert feed.tokens
            assert length <= window
            feeds.append(feed)
            feed = task.send(next(logits))
    except StopIteration as stop:
        return stop.value, feeds


def random_logits(seed: int, scale: float, favourites: dict[int, float] | None = None) -> Iterator[np.ndarray]:
    generator = np.random.default_rng(seed)
    bias = np.zeros(VOCABULARY_SIZE)
    for token, value in (favourites or {}).items():
        bias[token] = value
    while True:
        yield (generator.standard_normal(VOCABULARY_SIZE) * scale + bias).astype(np.float32)


def planned(**changes: Any) -> Plan:
    values: dict[str, Any] = {
        "style": "song",
        "tonic": 2,
        "mode": "major",
        "numerator": 4,
        "denominator": 4,
        "bars": 4,
        "tempo": 100,
        "parts": [VOICE, PIANO],
        "seeds": [1],
    } | changes
    return plan(CompositionRequest(**values), INFO)


@settings(max_examples=120, deadline=None)
@given(
    composition_request=requests(),
    seed=st.integers(0, 2**32 - 1),
    scale=st.sampled_from([0.3, 3.0, 9.0]),
    window=st.sampled_from([160, 400, 4096]),
    lean=st.booleans(),
)
def test_every_take_is_valid(
    composition_request: CompositionRequest, seed: int, scale: float, window: int, lean: bool
) -> None:
    try:
        ready = plan(composition_request, INFO)
    except InvalidRequest as error:
        assume("there is nothing to compose" not in error.detail and "four drum parts" not in error.detail)
        raise
    sampling = Sampling(BiasWeights() if lean else BiasWeights.off())
    task = compose_take(ready, sampling, seed=composition_request.seeds[0], attempt=0, window=window)
    take, _ = carried_out(task, random_logits(seed, scale), window)
    assert violations(composition_request, take.notes) == []


def drawn(ready: Plan, seed: int) -> Iterator[tuple[Grammar, int]]:
    """A piece of random legal choices: the grammar before each choice, and the token."""
    generator = np.random.default_rng(seed)
    grammar = Grammar(ready)
    while not grammar.done:
        ids = np.concatenate([segment.ids for segment in grammar.choices()])
        assert len(set(ids.tolist())) == len(ids) > 0
        token = int(generator.choice(ids))
        yield grammar, token
        grammar.accept(token)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_notes_stand_in_the_one_order_there_is(seed: int) -> None:
    """Positions and durations are written only where they are new, positions ascend, and pitches at a position."""
    position = length = pitch = -1
    for _, token in drawn(planned(parts=[VOICE, PIANO, BASS]), seed):
        if token in SLOT:
            position = length = pitch = -1
        elif token in POSITION:
            assert POSITION.value(token) > position
            position, pitch = POSITION.value(token), -1
        elif token in DURATION:
            assert token != length
            length = token
        elif token in PITCH:
            assert PITCH.value(token) > pitch
            pitch = PITCH.value(token)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_cell_has_as_many_notes_as_its_count_token_says(seed: int) -> None:
    min_notes, max_notes, notes = 0, 0, 0
    for _, token in drawn(planned(parts=[PIANO, DRUMS]), seed):
        if token in PITCH or token in DRUM:
            notes += 1
        elif token < REPEAT.first:
            assert min_notes <= notes <= max_notes, "a cell ends with the next slot or the bar"
            min_notes, max_notes, notes = 0, 0, 0
        elif token in COUNT:
            min_notes, max_notes = count_limits(COUNT.value(token))


def test_endless_repetition_is_made_to_vary() -> None:
    """A network that always repeats is made to vary after some bars, in one part at least."""
    wishes = {REPEAT.first: 40.0, DURATION.first: 30.0} | dict.fromkeys(range(SLOT.first, SLOT.end), 20.0)
    for parts in ([DRUMS], [PIANO], [VOICE, PIANO, BASS, DRUMS]):
        ready = planned(parts=parts, bars=16)
        task = compose_take(ready, Sampling(BiasWeights.off()), seed=1, attempt=0, window=4096)
        take, _ = carried_out(task, random_logits(3, 1.0, wishes))
        bars = [
            frozenset((row[0], row[1] % 96, row[2], row[3]) for row in take.notes if row[1] // 96 == bar)
            for bar in range(16)
        ]
        runs = "".join("=" if bars[bar] == bars[bar - 1] else "x" for bar in range(1, 16))
        assert len(parts) > 1 or "=" * MAX_REPEATED_BARS in runs, "it may repeat"
        assert "=" * (MAX_REPEATED_BARS + 1) not in runs, "but not for ever"


def test_every_part_sounds_and_no_bar_is_silent() -> None:
    """Even if the network ends every bar at once, every part sounds and no bar is silent."""
    wishes = dict.fromkeys(range(7), 30.0) | dict.fromkeys(range(SLOT.first, SLOT.end), -30.0)
    ready = planned(parts=[VOICE, PIANO, BASS, DRUMS], bars=6)
    wishes |= {token: 30.0 for token in range(SLOT.end, COUNT.first) if token not in REPEAT}
    take, _ = carried_out(
        compose_take(ready, Sampling(BiasWeights.off()), seed=1, attempt=0, window=4096), random_logits(4, 1.0, wishes)
    )
    assert {row[0] for row in take.notes} == {0, 1, 2, 3}
    assert violations(ready.request, take.notes) == []


def test_a_held_note_blocks_its_pitch_in_the_hole() -> None:
    """A given note that lasts into the hole holds its pitch, and a monophonic part altogether."""
    given_note = (0, 0, 150, 67, 90)
    for alone in (True, False):
        ready = planned(
            parts=[part("Flute", "melody", 73, 60, 72, monophonic=alone)],
            bars=2,
            prompt=[given_note],
            holes=[Hole(part=0, first_bar=1, bars=1)],
        )
        for seed in range(20):
            task = compose_take(ready, Sampling(BiasWeights.off()), seed=seed, attempt=0, window=512)
            take, _ = carried_out(task, random_logits(seed, 1.0))
            early = [row for row in take.notes if 96 <= row[1] < 150]
            assert all(row[3] != 67 for row in early)
            assert not (alone and early)


def test_a_window_that_is_full_begins_anew() -> None:
    ready = planned(parts=[PIANO, DRUMS], bars=40)
    take, feeds = carried_out(
        compose_take(ready, Sampling(BiasWeights()), seed=2, attempt=0, window=300), random_logits(5, 1.0), window=300
    )
    assert sum(feed.keep == 0 for feed in feeds) >= 3
    assert violations(ready.request, take.notes) == []


def test_forced_tokens_are_told_in_one_go() -> None:
    """A fixed rhythm leaves pitches to choose, and the form of each bar; the network is asked for nothing else."""
    rhythm = {0: [{"onset": 24 * k, "duration": 24} for k in range(16)]}
    ready = planned(parts=[VOICE], rhythm=rhythm)
    take, feeds = carried_out(
        compose_take(ready, Sampling(BiasWeights.off()), seed=2, attempt=0, window=512), random_logits(6, 1.0)
    )
    assert len(take.notes) == 16
    assert len(feeds) == take.choices <= 16 + 3


@pytest.mark.parametrize("polyphony", [1, 2, 3])
def test_no_more_notes_sound_together_than_the_polyphony(polyphony: int) -> None:
    ready = planned(parts=[part("Piano", "harmony", 0, 36, 90, polyphony=polyphony)], bars=3)
    max_sounding = 0
    for seed in range(15):
        task = compose_take(ready, Sampling(BiasWeights.off()), seed=seed, attempt=0, window=4096)
        take, _ = carried_out(task, random_logits(seed, 2.0))
        for tick in range(0, 288, 2):
            max_sounding = max(max_sounding, sum(row[1] <= tick < row[1] + row[2] for row in take.notes))
    assert max_sounding == polyphony
