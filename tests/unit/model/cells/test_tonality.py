"""A requested key is heard (third and last tonic); requested chords come first; without a key nothing changes."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from bandmate_model.cells.bias.tonality import MAJOR, MINOR, Tonality
from bandmate_model.cells.bias.weights import BiasWeights
from bandmate_model.cells.chords import Chord
from bandmate_model.cells.compose import Sampling, compose_take
from bandmate_model.cells.grammar import Grammar
from bandmate_model.cells.plan import plan
from bandmate_model.cells.vocabulary import PITCH
from bandmate_shared.contracts.composition import CompositionRequest, Hole
from bandmate_shared.errors import InvalidRequest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.support.composition_requests import BASS, DRUMS, PIANO, VOICE, requests, triads

from .test_grammar import INFO, carried_out, random_logits

Row = tuple[int, int, int, int, int]
FAVOURITES = {
    token: value
    for token in range(PITCH.first, PITCH.end)
    for value in [{0: 3.0, 4: 1.5, 7: 3.0, 1: 0.5}.get((token - PITCH.first) % 12, 0.0)]
}
"""A network that plays tonics and fifths, and major thirds, whatever it is asked."""
NO_KEY = replace(BiasWeights(), key_balance=0.0, key_opening=0.0, key_closing=0.0)


def request_in_key(**changes: Any) -> CompositionRequest:
    values: dict[str, Any] = {
        "style": "song",
        "tonic": 2,
        "mode": "minor",
        "key_wish": True,
        "numerator": 4,
        "denominator": 4,
        "bars": 8,
        "tempo": 100,
        "parts": [VOICE, PIANO, BASS, DRUMS],
        "seeds": [1],
    } | changes
    return CompositionRequest(**values)


def composed(request: CompositionRequest, seed: int, weights: BiasWeights = BiasWeights()) -> list[Row]:  # noqa: B008 - immutable
    task = compose_take(plan(request, INFO), Sampling(weights), seed=seed, attempt=0, window=1 << 20)
    return carried_out(task, random_logits(seed, 1.0, FAVOURITES))[0].notes


def shares(request: CompositionRequest, takes: list[list[Row]]) -> np.ndarray:
    """(12,): of the sounding time of the pitched parts, by degree above the tonic."""
    sounded = np.zeros(12)
    for part, _, duration, pitch, _ in (row for take in takes for row in take):
        if not request.parts[part].is_drum:
            sounded[(pitch - request.tonic) % 12] += duration
    spread: np.ndarray = sounded / sounded.sum()
    return spread


def final_bass(request: CompositionRequest, notes: list[Row]) -> int:
    """The lowest note that sounds at the end, above the tonic."""
    pitched = [row for row in notes if not request.parts[row[0]].is_drum]
    end = max(row[1] + row[2] for row in pitched)
    return (min(row[3] for row in pitched if row[1] + row[2] == end) - request.tonic) % 12


@pytest.mark.parametrize("mode", ["major", "minor"])
def test_a_requested_key_is_heard_even_if_the_network_prefers_another(mode: str) -> None:
    request = request_in_key(mode=mode)
    heeded = shares(request, [composed(request, seed) for seed in range(6)])
    ignored = shares(request, [composed(request, seed, NO_KEY) for seed in range(6)])
    outside = [degree for degree in range(12) if degree not in (MAJOR if mode == "major" else MINOR)]
    assert heeded[outside].sum() < 0.9 * ignored[outside].sum()
    if mode == "minor":
        assert heeded[3] > ignored[3]
        assert heeded[3] > heeded[4], "not the major third"


def test_songs_mostly_end_on_the_tonic() -> None:
    for parts in ([VOICE, PIANO, BASS, DRUMS], [VOICE, PIANO]):
        request = request_in_key(parts=parts, bars=4)
        ends = [final_bass(request, composed(request, seed)) for seed in range(12)]
        assert ends.count(0) >= 9, ends


def test_without_a_requested_key_the_key_weights_change_nothing() -> None:
    """The key weights make no difference."""
    request = request_in_key(key_wish=False)
    strong = replace(BiasWeights(), key_balance=5.0, key_opening=9.0, key_closing=9.0)
    assert composed(request, 3) == composed(request, 3, NO_KEY) == composed(request, 3, strong)
    assert composed(request_in_key(), 3) != composed(request_in_key(), 3, NO_KEY)


def test_a_key_hidden_from_the_model_has_no_influence() -> None:
    def deaf(key_wish: bool) -> list[Row]:
        ready = plan(request_in_key(key_wish=key_wish), INFO, without=frozenset({"key"}))
        task = compose_take(ready, Sampling(BiasWeights()), seed=1, attempt=0, window=1 << 20)
        return carried_out(task, random_logits(1, 1.0, FAVOURITES))[0].notes

    assert deaf(True) == deaf(False)


def test_requested_chords_outweigh_the_key() -> None:
    """D minor is asked for, and chords of which hardly a tone belongs to it."""
    request = request_in_key(chords=triads([6, 11, 4, 6, 1, 8, 3, 6], 96))

    def inside(weights: BiasWeights) -> float:
        within = total = 0
        for seed in range(6):
            for part, onset, duration, pitch, _ in composed(request, seed, weights):
                if not request.parts[part].is_drum:
                    total += duration
                    within += duration * (pitch % 12 in request.chords[onset // 96].pitch_classes)
        return within / total

    assert inside(BiasWeights()) > inside(NO_KEY) - 0.02


def _at(request: CompositionRequest, bar: int, line: int, cells: dict[tuple[int, int], Any]) -> Tonality:
    """The wish as it stands in a bar after these cells."""
    grammar = Grammar(plan(request, INFO))
    tonality = Tonality(grammar, BiasWeights())
    for (number, cell_bar), cell in cells.items():
        grammar.grid.cells[number][cell_bar] = cell
    grammar.bar, grammar.line = bar, line
    return tonality


MUCH_TONIC = ((0, 12, 60), (24, 12, 60))


def test_overused_degrees_become_rarer_and_missing_ones_likelier() -> None:
    request = request_in_key(parts=[PIANO], bars=4)
    before = _at(request, 1, 0, {}).bias(None)
    after = _at(request, 2, 0, {(0, 0): MUCH_TONIC, (0, 1): MUCH_TONIC}).bias(None)
    assert np.allclose(before, 0.0, atol=0.01), "nothing has been heard yet"
    assert after[0] < -0.3
    assert after[3] > 0.1
    assert max(after[degree] for degree in (1, 4, 6)) <= 0.0, "nothing foreign is sought for"
    assert np.abs(after).max() <= 2.5


def test_given_notes_do_not_count() -> None:
    """The key wish applies to composed notes only, so given notes do not count."""
    prompt = [(0, 24 * beat, 24, 61, 64) for beat in range(8)]
    request = request_in_key(parts=[PIANO], bars=4, prompt=prompt, holes=[Hole(part=0, first_bar=2, bars=2)])
    grammar = Grammar(plan(request, INFO))
    assert grammar.grid.cells[0][0], "it is told"
    tonality = Tonality(grammar, BiasWeights())
    grammar.bar, grammar.line = 2, 0
    assert np.allclose(tonality.bias(None), 0.0, atol=0.01)


def test_a_bar_that_ends_elsewhere_is_not_the_last_one_again() -> None:
    request, home, away = request_in_key(parts=[BASS], bars=4), ((0, 12, 48),), ((0, 12, 48), (24, 12, 50))
    last, before = _at(request, 3, 0, {}), _at(request, 2, 0, {})
    assert last.misfit(away) > 0
    assert last.misfit(home) == 0
    assert before.misfit(away) == 0


def _chord(bass: int, *classes: int) -> Chord:
    return Chord(np.isin(np.arange(12), classes), bass, 0)


def test_a_chord_asked_for_in_the_last_bar_has_the_close() -> None:
    request = request_in_key(parts=[BASS], bars=4)
    tonic, dominant = _chord(0, 0, 3, 7), _chord(7, 7, 11, 2)
    assert _at(request, 3, 0, {}).bias(None)[0] > 2
    assert _at(request, 3, 0, {}).bias(tonic)[0] > 2
    assert np.allclose(_at(request, 3, 0, {}).bias(dominant), 0.0, atol=0.01)


def test_within_a_chord_the_key_only_chooses_among_its_tones() -> None:
    """However much the tonic has sounded, tones of its chord are preferred to other tones."""
    request, chord = request_in_key(parts=[PIANO], bars=4), _chord(0, 0, 4, 6)
    pull = _at(request, 2, 0, {(0, 0): MUCH_TONIC, (0, 1): MUCH_TONIC}).bias(chord)
    assert pull[chord.inside].min() >= 0
    assert pull[~chord.inside].max() <= 0
    assert pull[4] > pull[0], "what has sounded less"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(request=requests(), seed=st.integers(0, 2**32 - 1))
def test_the_key_bias_is_finite_and_reproducible_for_any_request(request: CompositionRequest, seed: int) -> None:
    """Ranges of one pitch, bars of all lengths, parts without room: the bias is finite and reproducible."""
    wished = request.model_copy(update={"key_wish": True})
    try:
        ready = plan(wished, INFO)
    except InvalidRequest as error:
        assume("there is nothing to compose" not in error.detail and "four drum parts" not in error.detail)
        raise
    takes = [
        carried_out(
            compose_take(ready, Sampling(BiasWeights()), seed=seed, attempt=0, window=1 << 20), random_logits(seed, 2.0)
        )[0].notes
        for _ in range(2)
    ]
    assert takes[0] == takes[1]
