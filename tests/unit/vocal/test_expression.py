"""Breaths, dynamics and vibrato of the neural singer."""

import numpy as np
import pytest
from bandmate_shared.contracts.vocals import SungNote
from bandmate_vocal.speech.neural.engine import NeuralEngine
from bandmate_vocal.speech.neural.hibari import HibariNetwork
from bandmate_vocal.synthesis.performance import perform, prepare_lyrics
from bandmate_vocal.synthesis.pitch_curve import pitch_curve


@pytest.fixture(scope="module")
def engine() -> NeuralEngine:
    return NeuralEngine(HibariNetwork())


def note(onset: float, duration: float, syllable: str, velocity: int | None = None) -> SungNote:
    return SungNote(onset=onset, duration=duration, pitch=60, syllable=syllable, velocity=velocity)


def level(voice: np.ndarray, begin: float, end: float) -> float:
    return float(10 * np.log10(np.mean(voice[int(begin * 44100) : int(end * 44100)] ** 2) + 1e-12))


def test_the_singer_breathes_before_a_phrase_softly_and_not_in_a_short_rest(engine: NeuralEngine) -> None:
    notes = [note(1.0, 0.8, "ah"), note(1.9, 0.8, "ah"), note(3.5, 0.8, "ah")]
    voice = perform(prepare_lyrics(notes, engine, "alto"), notes, 4.5, 1)
    sung = level(voice, 1.2, 1.6)
    assert level(voice, 0.0, 0.4) < sung - 60
    assert -45 < level(voice, 3.2, 3.4) - sung < -20
    assert level(voice, 2.8, 2.95) < sung - 45


def test_loud_notes_are_louder_and_a_plain_one_lies_between(engine: NeuralEngine) -> None:
    levels = []
    for velocity in (40, None, 120):
        notes = [note(0.5, 0.6, "go", 80), note(1.1, 0.6, "to", velocity), note(1.7, 0.6, "bed", 80)]
        voice = perform(prepare_lyrics(notes, engine, "alto"), notes, 2.6, 1)
        levels.append(level(voice, 1.2, 1.5) - level(voice, 0.6, 0.9))
    assert levels[0] + 1 < levels[1] < levels[2] - 1


def test_a_long_note_gets_a_vibrato_that_starts_late_and_grows() -> None:
    _, vibrato = pitch_curve([note(0.0, 2.5, "ah")], 0.0, 2.5, np.random.default_rng(1))
    assert np.abs(vibrato[:220]).max() < 1e-6
    early, late = np.abs(vibrato[400:600]).max(), np.abs(vibrato[1500:1700]).max()
    assert early < 0.8 * late
    assert np.abs(pitch_curve([note(0.0, 0.4, "ah")], 0.0, 0.4, np.random.default_rng(1))[1]).max() == 0.0
