"""The fundamental of speech that moves: followed without octave errors, and marked once a period."""

import numpy as np
import pytest
from bandmate_vocal.speech.base import Speech, Utterance
from bandmate_vocal.speech.espeak.engine import EspeakEngine
from bandmate_vocal.synthesis.contour import STEP, fundamental
from bandmate_vocal.synthesis.epochs import mark_epochs

from tests.support.numba_cache import pyin

RATE = 22050


def voice(hertz: np.ndarray) -> np.ndarray:
    """A voice-like tone of the given fundamental a sample: pulses through two formants, one an octave above 200 Hz."""
    from scipy.signal import lfilter

    turns = np.cumsum(hertz) / RATE
    pulses = (np.diff(np.floor(turns), prepend=0.0) > 0).astype(float)
    for centre, width in ((420.0, 80.0), (1900.0, 150.0)):
        radius, angle = np.exp(-np.pi * width / RATE), 2 * np.pi * centre / RATE
        pulses = lfilter([1.0], [1.0, -2 * radius * np.cos(angle), radius**2], pulses)
    return (0.3 * pulses / np.abs(pulses).max()).astype(np.float32)


@pytest.mark.parametrize(("low", "high"), [(90.0, 150.0), (170.0, 290.0), (110.0, 210.0), (220.0, 400.0)])
def test_a_gliding_voice_is_followed_without_octave_errors(low: float, high: float) -> None:
    times = np.arange(2 * RATE) / RATE
    hertz = np.sqrt(low * high) * (high / low) ** (0.5 * np.sin(2 * np.pi * 0.8 * times))
    contour = fundamental(voice(hertz), RATE)
    at = STEP * np.arange(len(contour))
    inside = (at > 0.05) & (at < 1.95)
    cents = 1200 * np.log2(contour / np.interp(at, times, hertz))[inside]
    assert np.abs(cents).max() < 60
    assert np.median(np.abs(cents)) < 10


def test_marks_stand_once_a_period_while_the_pitch_moves() -> None:
    times = np.arange(2 * RATE) / RATE
    hertz = 180.0 * 2 ** (0.5 * np.sin(2 * np.pi * 0.8 * times))
    recording = mark_epochs(Speech(voice(hertz), RATE, None, (), (), ()))
    marks = recording.marks[(recording.marks > 0.1) & (recording.marks < 1.9)]
    periods = np.diff(marks) * np.interp(marks[:-1], times, hertz)
    assert np.abs(periods - 1.0).max() < 0.1
    assert recording.voiced[RATE // 5 : -RATE // 5].mean() > 0.95


@pytest.mark.parametrize("voice_name", ["en-us", "en-us+linda", "en-gb+belinda", "de"])
def test_natural_speech_is_followed_like_by_an_independent_tracker(voice_name: str) -> None:
    import librosa

    (speech,) = EspeakEngine().speak([Utterance("over hills of silver i wander home again", 110, None)], voice_name)
    hertz, voiced, _ = pyin(speech.pcm, fmin=60, fmax=600, sr=speech.sample_rate, hop_length=256)
    times = librosa.times_like(hertz, sr=speech.sample_rate, hop_length=256)
    contour = fundamental(speech.pcm, speech.sample_rate)
    interpolated = np.interp(times, STEP * np.arange(len(contour)), contour)
    where = voiced & ~np.isnan(hertz)
    assert where.sum() > 100
    cents = np.abs(1200 * np.log2(interpolated[where] / hertz[where]))
    assert (cents < 80).mean() > 0.95
    assert (cents > 900).mean() < 0.01


@pytest.mark.parametrize("samples", [0, 1, 50, 4000])
def test_silence_and_snippets_have_a_contour_too(samples: int) -> None:
    contour = fundamental(np.zeros(samples, dtype=np.float32), RATE)
    assert len(contour) >= 1
    assert (contour > 0).all()
    assert np.isfinite(contour).all()


def test_a_constant_pitch_is_taken_as_it_is_said() -> None:
    times = np.arange(RATE) / RATE
    recording = mark_epochs(Speech(voice(np.full(len(times), 150.0)), RATE, 150.0, (), (), ()))
    assert (recording.pitch == 150.0).all()
    assert np.diff(recording.marks[5:-5]) == pytest.approx(1 / 150.0, rel=0.02)
