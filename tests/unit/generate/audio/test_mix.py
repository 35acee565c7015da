"""Levels, loudness and peaks, compared with independent implementations."""

from dataclasses import replace

import numpy as np
import pytest
from bandmate_generate.audio.mix import mix
from bandmate_generate.audio.render import SAMPLE_RATE
from bandmate_generate.planning.styles import STYLES
from bandmate_music.audio.loudness import integrated_lufs, true_peak_dbtp
from bandmate_music.audio.mastering import master
from scipy.signal import lfilter, resample_poly

Audio = np.ndarray


def bs1770(sound: Audio) -> float:
    """ITU-R BS.1770-4 at 48 kHz with the standard's own coefficients; the sound is resampled to them first."""
    at_48k = resample_poly(sound.astype(np.float64), 160, 147, axis=0)
    shelf = lfilter(
        [1.53512485958697, -2.69169618940638, 1.19839281085285],
        [1, -1.69065929318241, 0.73248077421585],
        at_48k,
        axis=0,
    )
    weighted = lfilter([1.0, -2.0, 1.0], [1, -1.99004745483398, 0.99007225036621], shelf, axis=0)
    block, step = 19200, 4800
    starts = range(0, len(weighted) - block + 1, step)
    power = np.array([np.square(weighted[start : start + block]).mean(axis=0).sum() for start in starts])
    levels = -0.691 + 10 * np.log10(np.maximum(power, 1e-12))
    loud = power[levels > -70]
    loud = power[(levels > -70) & (levels > -0.691 + 10 * np.log10(loud.mean()) - 10)]
    return float(-0.691 + 10 * np.log10(loud.mean()))


def true_peak(sound: Audio) -> float:
    """dBTP at four times the rate, by scipy's own resampling filter."""
    return 20 * float(np.log10(np.abs(resample_poly(sound.astype(np.float64), 4, 1, axis=0)).max()))


def plucked(frequency: float, rate: float, seconds: float = 12.0) -> Audio:
    """Repeated decaying tones: peaks far above the average and an attack of some milliseconds, as instruments have."""
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    since = (time * rate) % 1
    tone = np.sin(2 * np.pi * frequency * time) * np.exp(-6 * since) * np.minimum(1.0, since / rate / 0.005) * 0.2
    return np.repeat(tone[:, None], 2, axis=1).astype(np.float32)


BAND_PARTS = tuple(part for part in STYLES["pop"].parts if part.name != "Guitar")


def band() -> list[Audio]:
    return [plucked(523.3, 2), plucked(220.0, 1), plucked(82.4, 2), plucked(3000.0, 4) * np.float32(0.3)]


@pytest.mark.parametrize("gain", [0.05, 0.5, 3.0])
def test_loudness_and_true_peak_agree_with_other_implementations(gain: float) -> None:
    rng = np.random.default_rng(5)
    sound = (sum(band()) * gain + rng.normal(0, 0.0003, (12 * SAMPLE_RATE, 2))).astype(np.float32)
    assert integrated_lufs(sound) == pytest.approx(bs1770(sound), abs=0.05)
    assert true_peak_dbtp(sound) == pytest.approx(true_peak(sound), abs=0.1)


def test_the_reference_tone_has_the_loudness_that_the_standard_gives_it() -> None:
    time = np.arange(10 * SAMPLE_RATE) / SAMPLE_RATE
    tone = np.repeat(np.sin(2 * np.pi * 997 * time)[:, None], 2, axis=1).astype(np.float32)
    assert integrated_lufs(tone) == pytest.approx(0.0, abs=0.05)  # -3.01 in one channel.


def test_a_peak_between_two_samples_is_seen() -> None:
    wave = np.sin(2 * np.pi * SAMPLE_RATE / 4 * np.arange(SAMPLE_RATE) / SAMPLE_RATE + np.pi / 4)
    sound = np.repeat((wave / np.abs(wave).max())[:, None], 2, axis=1).astype(np.float32)[500:-500]
    assert true_peak_dbtp(sound) == pytest.approx(3.01, abs=0.4)


def test_the_master_meets_its_targets() -> None:
    mixed = mix(band(), BAND_PARTS)
    assert bs1770(mixed.master) == pytest.approx(-14.0, abs=0.5)
    assert true_peak(mixed.master) <= -1.0
    assert mixed.integrated_lufs == pytest.approx(bs1770(mixed.master), abs=0.1)


def test_spiky_music_is_limited_to_the_ceiling() -> None:
    spikes = band()[1] * np.float32(0.02)
    spikes[::22050] += np.float32(0.9)
    limited = master(spikes).sound
    assert true_peak(limited) <= -1.0


def test_stems_add_up_to_the_instrumental_where_nothing_is_limited() -> None:
    time = np.arange(6 * SAMPLE_RATE) / SAMPLE_RATE
    steady = [
        np.repeat((0.1 * np.sin(2 * np.pi * hertz * time))[:, None], 2, axis=1).astype(np.float32)
        for hertz in (440.0, 660.0, 110.0, 2000.0)
    ]
    mixed = mix(steady, BAND_PARTS)
    after_attack = SAMPLE_RATE // 2  # Which the limiter has caught.
    assert np.abs(sum(mixed.stems) - mixed.master)[after_attack:].max() < 1e-4


def test_parts_lie_at_their_levels_and_sides() -> None:
    parts = [replace(part, room=0.0) for part in STYLES["rock"].parts]
    mixed = mix([plucked(300.0, 2) for _ in parts], parts)
    loudness = [bs1770(stem) for stem in mixed.stems]
    for part, part_loudness in zip(parts, loudness, strict=True):
        assert part_loudness - loudness[0] == pytest.approx(part.level - parts[0].level, abs=0.3)
    left, right = np.square(mixed.stems[1]).mean(axis=0)
    assert left > 2 * right, "Guitar left"


def test_silence_stays_silence() -> None:
    silent = np.zeros((3 * SAMPLE_RATE, 2), dtype=np.float32)
    mixed = mix([silent], STYLES["drums"].parts)
    assert not mixed.master.any()


def test_equal_input_gives_equal_samples() -> None:
    first, second = mix(band(), BAND_PARTS), mix(band(), BAND_PARTS)
    assert np.array_equal(first.master, second.master)
