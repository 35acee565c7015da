"""The balance of a mix: measured by Welch's method, which the mixer does not use."""

import numpy as np
import pytest
from bandmate_generate.audio.equaliser import Bell, Cut, Shelf, frequencies, gain_curve, minimum_phase
from bandmate_generate.audio.mix import mix
from bandmate_generate.audio.render import SAMPLE_RATE
from bandmate_generate.audio.spectrum import FRAME, frame_spectra, loudness_after
from bandmate_generate.planning.styles import STYLES
from bandmate_music.audio.loudness import integrated_lufs
from numpy.typing import NDArray
from scipy.signal import welch

from tests.unit.generate.audio.test_mix import plucked


def shaped_noise(seed: int, slope_db: float, seconds: float = 15.0) -> NDArray[np.float32]:
    """Noise whose power falls by a slope in dB an octave, in bursts."""
    count = int(seconds * SAMPLE_RATE)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal((count, 2)), axis=0)
    hertz = np.maximum(30.0, np.fft.rfftfreq(count, 1.0 / SAMPLE_RATE))
    spectrum *= (10.0 ** (slope_db / 20.0 * np.log2(hertz / 1000.0)))[:, None]
    noise = np.fft.irfft(spectrum, count, axis=0)
    beat = 0.3 + 0.7 * np.exp(-4.0 * (np.arange(count) / SAMPLE_RATE % 0.5))
    return (0.05 * noise / np.std(noise) * beat[:, None]).astype(np.float32)


def deviation(sound: NDArray[np.float32]) -> NDArray[np.float64]:
    """dB beside the published average by thirds of an octave from 63 Hz to 10 kHz, their mean taken away."""
    hertz, power = welch(sound, SAMPLE_RATE, nperseg=16384, axis=0)
    total = power.sum(axis=1)
    middles = 63.0 * 2.0 ** (np.arange(23) / 3.0)
    edges = 2.0 ** (1 / 6)
    levels = [10 * np.log10(total[(hertz >= m / edges) & (hertz < m * edges)].mean()) for m in middles]
    octaves = np.log2(middles / 200.0)
    apart = np.array(levels) - (-2.35 * octaves - 0.659 * octaves**2)
    return apart - apart.mean()


@pytest.mark.parametrize("slope", [-3.5, -4.5, -6.0])
def test_a_band_with_drums_has_the_balance_of_popular_music(slope: float) -> None:
    stems = [shaped_noise(seed, slope) for seed in range(len(STYLES["pop"].parts))]
    assert np.abs(deviation(mix(stems, STYLES["pop"].parts).master)).max() < 4.0


def test_a_mix_is_dense_and_its_sides_agree() -> None:
    stems = [np.repeat(shaped_noise(seed, -4.5)[:, :1], 2, axis=1) for seed in range(len(STYLES["rock"].parts))]
    sound = mix(stems, STYLES["rock"].parts).master
    crest = 20 * np.log10(np.abs(sound).max() / np.sqrt(np.square(sound, dtype=np.float64).mean()))
    assert 9.0 <= crest <= 14.0
    assert np.corrcoef(sound.T)[0, 1] > 0.0


def test_a_filter_has_the_gains_of_its_curve_and_begins_at_once() -> None:
    curve = gain_curve((Cut(80.0, 9000.0), Bell(500.0, 4.0), Shelf(3000.0, -3.0)), frequencies(FRAME))
    impulse = minimum_phase(curve)
    measured = 20 * np.log10(np.abs(np.fft.rfft(impulse, FRAME)))
    inside = (frequencies(FRAME) > 40.0) & (frequencies(FRAME) < 15_000.0)
    assert np.abs(measured - curve)[inside].max() < 0.2
    assert np.square(impulse[:64]).sum() > 0.5 * np.square(impulse).sum()


def test_loudness_by_frames_is_that_of_the_meter() -> None:
    for sound, tolerance in ((shaped_noise(1, -3.0), 0.3), (plucked(82.4, 2), 0.3), (plucked(220.0, 1), 0.8)):
        by_frames = loudness_after(frame_spectra(sound), np.zeros(FRAME // 2 + 1))
        assert by_frames == pytest.approx(integrated_lufs(sound), abs=tolerance)
