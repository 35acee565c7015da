"""The compressor: what it turns down, how fast, and that loud and soft come nearer."""

import numpy as np
import pytest
from bandmate_music.audio import SAMPLE_RATE
from bandmate_music.audio.compressor import HOP, apply_gain, compression, followed, levels_of, loud_level


def tone(level_db: float, seconds: float = 1.0) -> np.ndarray:
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    amplitude = np.sqrt(2.0) * 10 ** (level_db / 20)
    return np.repeat((amplitude * np.sin(2 * np.pi * 440 * time))[:, None], 2, axis=1).astype(np.float32)


def test_levels_are_those_of_the_tone() -> None:
    levels = levels_of(tone(-20.0))
    assert np.median(levels) == pytest.approx(-20.0, abs=0.3)
    assert loud_level(levels) == pytest.approx(-20.0, abs=0.5)


def test_a_ratio_of_two_halves_what_is_above_the_threshold() -> None:
    gain = compression(levels_of(tone(-10.0)), -30.0, 2.0, 0.01, 0.1)
    assert gain[len(gain) // 2] == pytest.approx(-10.0, abs=0.3)
    assert compression(levels_of(tone(-40.0)), -30.0, 2.0, 0.01, 0.1).min() == 0.0


def test_a_gain_falls_within_the_attack_and_rises_within_the_release() -> None:
    target = np.concatenate([np.zeros(100), np.full(500, -6.0), np.zeros(500)])
    curve = followed(target, 0.02, 0.2)
    hops = SAMPLE_RATE / HOP
    assert curve[100 + int(0.02 * hops)] == pytest.approx(-6.0 * (1 - np.exp(-1)), abs=0.6)
    assert curve[600 + int(0.2 * hops)] == pytest.approx(-6.0 * np.exp(-1), abs=0.3)


@pytest.mark.parametrize("length", [1, HOP - 1, HOP, 10 * HOP + 3])
def test_gains_are_applied_to_sounds_of_any_length(length: int) -> None:
    sound = np.ones((length, 2), dtype=np.float32)
    apply_gain(sound, np.full(len(levels_of(sound)), -6.0))
    assert sound == pytest.approx(10 ** (-6.0 / 20.0), abs=1e-4)


def test_silence_has_a_level_and_stays_silent() -> None:
    silent = np.zeros((1000, 2), dtype=np.float32)
    gain = compression(levels_of(silent), loud_level(levels_of(silent)) - 6.0, 3.0, 0.01, 0.1)
    apply_gain(silent, gain)
    assert not silent.any()
