"""The mix, measured by a loudness meter written here from the standard, independent of the service's."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from bandmate_music.audio.loudness import integrated_lufs, true_peak_dbtp
from bandmate_music.audio.mastering import master
from bandmate_shared.errors import UnreadableFile
from bandmate_vocal.synthesis.mix import make_room, mix, read_instrumental
from bandmate_vocal.synthesis.room import place
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.signal import butter, lfilter, resample, resample_poly, sosfilt

SAMPLE_RATE = 44100


def standard_lufs(stereo: NDArray[np.float32]) -> float:
    """ITU-R BS.1770-4 with the filter coefficients it prints for 48 kHz."""
    at48 = resample_poly(stereo.astype(float), 160, 147, axis=0)
    shelf = ([1.53512485958697, -2.69169618940638, 1.19839281085285], [1.0, -1.69065929318241, 0.73248077421585])
    high = ([1.0, -2.0, 1.0], [1.0, -1.99004745483398, 0.99007225036621])
    weighted = lfilter(*high, lfilter(*shelf, at48, axis=0), axis=0)
    blocks = range(0, len(weighted) - 19200 + 1, 4800)
    powers = np.array([np.mean(weighted[at : at + 19200] ** 2, axis=0).sum() for at in blocks])
    loud = powers[-0.691 + 10 * np.log10(powers + 1e-20) > -70.0]
    gate = -0.691 + 10 * np.log10(loud.mean()) - 10.0
    return float(-0.691 + 10 * np.log10(loud[-0.691 + 10 * np.log10(loud) > gate].mean()))


def peak_between_samples(stereo: NDArray[np.float32]) -> float:
    """dBTP by band-limited interpolation of the whole signal, eight times."""
    fine = resample(stereo.astype(float), 8 * len(stereo), axis=0)
    return float(20 * np.log10(np.abs(fine).max()))


def band(seconds: float, level: float = 0.05) -> NDArray[np.float32]:
    """A chord with an attack twice a second, [samples, 2]."""
    times = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    decay = np.exp(-6.0 * np.mod(times, 0.5))
    chord = sum(np.sin(2 * np.pi * pitch * k * times) / k**0.5 for pitch in (131, 165, 196) for k in range(1, 16))
    return np.stack([level * decay * chord, level * np.roll(decay, 40) * chord], axis=1).astype(np.float32)


def test_the_song_is_as_loud_as_the_target_and_does_not_clip(sung) -> None:
    song = mix(sung.voice, band(sung.seconds)).sound
    assert song.shape == (round(sung.seconds * SAMPLE_RATE), 2)
    assert standard_lufs(song) == pytest.approx(-14.0, abs=0.2)
    assert peak_between_samples(song) <= -1.0
    assert integrated_lufs(song) == pytest.approx(standard_lufs(song), abs=0.1)


@pytest.mark.parametrize("level", [0.002, 0.05, 0.6])
def test_the_voice_lies_above_the_band_where_words_are_understood(sung, level: float) -> None:
    """Whatever the band's level: measured while the voice sings, between 1 and 4 kHz, +1 to +4 dB."""
    instrumental = band(sung.seconds, level)
    presence = butter(4, (1000, 4000), "bandpass", fs=SAMPLE_RATE, output="sos")
    from bandmate_vocal.synthesis.mix import voice_gain

    voice = sung.voice * voice_gain(sung.voice, instrumental)
    loud = np.convolve(sung.voice**2, np.ones(2205) / 2205, "same") > 1e-4
    powers = [np.mean(sosfilt(presence, signal)[loud] ** 2) for signal in (voice, instrumental.mean(axis=1))]
    assert 1.0 < 10 * np.log10(powers[0] / powers[1]) < 4.0


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.001, 3.0), st.sampled_from(["noise", "clicks", "sine"]))
def test_no_signal_passes_the_ceiling(seed: int, level: float, kind: str) -> None:
    random = np.random.default_rng(seed)
    count = SAMPLE_RATE
    if kind == "noise":
        signal = random.standard_normal((count, 2))
    elif kind == "clicks":
        signal = (random.random((count, 2)) > 0.9995) * random.choice([-1.0, 1.0], (count, 2))
    else:  # a quarter of the sample rate, where peaks lie between samples
        signal = np.sin(np.pi / 2 * np.arange(count) + np.pi / 4)[:, None] * np.ones(2)
    assert peak_between_samples(np.pad(master((level * signal).astype(np.float32)).sound, ((64, 64), (0, 0)))) <= -0.9


def test_silence_stays_silence() -> None:
    silent = np.zeros((SAMPLE_RATE, 2), dtype=np.float32)
    assert not master(silent).sound.any()
    assert true_peak_dbtp(silent) == -120.0
    assert integrated_lufs(silent[:100]) == -70.0


def test_the_room_keeps_the_voice_in_the_middle_and_rings_after_it() -> None:
    voice = np.zeros(2 * SAMPLE_RATE, dtype=np.float32)
    voice[1000] = 1.0
    placed = place(voice)
    assert placed.shape == (len(voice), 2)
    assert placed[1000] == pytest.approx([1.0, 1.0], abs=1e-3)
    assert np.abs(placed[:990]).max() < 1e-6
    tail = placed[1000 + SAMPLE_RATE // 2 :]
    assert tail.any()
    assert not np.array_equal(tail[:, 0], tail[:, 1])


def test_the_instrumental_is_read_at_any_rate_and_made_as_long_as_the_song(tmp_path: Path) -> None:
    path = tmp_path / "band.wav"
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(22050) / 22050)
    soundfile.write(path, tone, 22050)
    longer = read_instrumental(path, 2.0)
    assert longer.shape == (2 * SAMPLE_RATE, 2)
    assert np.abs(longer[SAMPLE_RATE + 200 :]).max() == 0.0
    spectrum = np.abs(np.fft.rfft(longer[:SAMPLE_RATE, 0]))
    assert np.argmax(spectrum) == 440
    shorter = read_instrumental(path, 0.5)
    assert len(shorter) == SAMPLE_RATE // 2
    assert abs(shorter[-1, 0]) < 1e-3  # faded, not cut


def test_an_instrumental_that_is_no_audio_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "band.wav"
    path.write_bytes(b"\xff\xd8\xff\xe0 a picture")
    with pytest.raises(UnreadableFile, match="instrumental"):
        read_instrumental(path, 1.0)


def test_the_band_gives_way_while_words_are_sung_and_comes_back() -> None:
    voice = np.zeros(6 * SAMPLE_RATE, dtype=np.float32)
    voice[2 * SAMPLE_RATE : 4 * SAMPLE_RATE] = 0.1
    steady = np.full((len(voice), 2), 0.1, dtype=np.float32)
    make_room(voice, steady)
    levels = 20 * np.log10(steady[:, 0] / 0.1)
    assert levels[SAMPLE_RATE] == pytest.approx(0.0, abs=0.01)
    assert -2.0 < levels[3 * SAMPLE_RATE] < -1.0
    assert levels[-1] == pytest.approx(0.0, abs=0.05)
    assert np.abs(np.diff(levels)).max() < 0.01  # Smoothly.
