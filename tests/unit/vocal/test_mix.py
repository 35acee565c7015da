"""The mix, measured by a loudness meter written here from the standard, independent of the service's."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from bandmate_music.audio.loudness import integrated_lufs, true_peak_dbtp
from bandmate_music.audio.mastering import master
from bandmate_shared.errors import UnreadableFile
from bandmate_vocal.speech.neural.engine import NeuralEngine
from bandmate_vocal.speech.neural.hibari import HibariNetwork
from bandmate_vocal.synthesis.bands import parted, powers
from bandmate_vocal.synthesis.mix import mix, read_instrumental
from bandmate_vocal.synthesis.room import place
from bandmate_vocal.synthesis.unmask import balance, make_room
from bandmate_vocal.synthesis.voice_strip import strip
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.signal import butter, lfilter, resample, resample_poly, sosfilt, welch

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
    """From 1 to 4 kHz while the voice sings, at any level: far above the band's middle, little above all of it."""
    instrumental = wide_band(sung.seconds, level)
    lead = strip(sung.voice)
    balanced = balance(lead, instrumental.mean(axis=1))
    make_room(instrumental, balanced.dips)
    loud = np.convolve(sung.voice**2, np.ones(2205) / 2205, "same") > 1e-4
    presence = butter(4, (1000, 4000), "bandpass", fs=SAMPLE_RATE, output="sos")
    voice, left, right = (sosfilt(presence, x)[loud] for x in (balanced.voice_gain * lead, *instrumental.T))
    above_middle = 10 * np.log10(np.mean(voice**2) / np.mean((0.5 * (left + right)) ** 2))
    above_all = 10 * np.log10(2 * np.mean(voice**2) / np.mean(left**2 + right**2))
    assert 9.0 < above_middle < 17.0
    assert 2.5 < above_all < 8.5


def test_a_voice_leaves_the_mix_the_balance_of_popular_music(singing, melodies) -> None:
    """In thirds of an octave from 60 Hz to 10 kHz, within 4 dB of the published average (Elowsson and Friberg 2017)."""
    hertz = 1000.0 * 2.0 ** (np.arange(-12, 11) / 3)
    sung = singing(*melodies["alto"], "alto", NeuralEngine(HibariNetwork()))
    song = mix(sung.voice, wide_band(sung.seconds, 0.1, pop_balance)).sound
    frequencies, density = welch(song, SAMPLE_RATE, nperseg=16384, axis=0)
    levels = [
        10 * np.log10(density[(frequencies >= middle / 2 ** (1 / 6)) & (frequencies < middle * 2 ** (1 / 6))].mean())
        for middle in hertz
    ]
    deviation = np.array(levels) - pop_balance(hertz)
    assert np.abs(deviation - deviation.mean()).max() < 4.0


def pop_balance(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    """The level per Hz in dB: its slope is -2.35 dB an octave at 200 Hz and 1.318 dB steeper each octave above."""
    octaves = np.log2(np.maximum(hertz, 20.0) / 200.0)
    return -2.35 * octaves - 0.659 * octaves**2


def falling(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Level per Hz in dB, 4.5 dB less each octave above 60 Hz."""
    return -15.0 * np.log10(np.maximum(hertz, 60.0) / 60.0)


def wide_band(
    seconds: float, level: float, balance_db: Callable[[NDArray[np.float64]], NDArray[np.float64]] = falling
) -> NDArray[np.float32]:
    """Noise of a balance, two thirds of it alike on both sides."""
    count = round(seconds * SAMPLE_RATE)
    spectrum = np.fft.rfft(np.random.default_rng(3).standard_normal((3, count)))
    spectrum *= 10.0 ** (balance_db(np.fft.rfftfreq(count, 1 / SAMPLE_RATE)) / 20.0)
    middle, left, right = np.fft.irfft(spectrum, count)
    sound = np.stack([middle + 0.5 * left, middle + 0.5 * right], axis=1)
    return (level * sound / np.std(sound)).astype(np.float32)


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
    """In the middle, and in the words' range of frequencies alone; a part of what goes there is heard at the sides."""
    times = np.arange(6 * SAMPLE_RATE) / SAMPLE_RATE
    sings = (times > 2.0) & (times < 4.0)
    voice = np.float32(0.1) * (sings * np.random.default_rng(1).standard_normal(len(times))).astype(np.float32)
    low, high = (0.2 * np.sin(2 * np.pi * hertz * times).astype(np.float32) for hertz in (60, 1500))
    instrumental = np.stack([low + high, low + high], axis=1)
    make_room(instrumental, balance(voice, low + high).dips)

    def level_db(sound: NDArray[np.float32], hertz: float, second: float) -> float:
        piece = slice(int(second * SAMPLE_RATE), int((second + 0.8) * SAMPLE_RATE))
        turned = sound[piece] * np.exp(-2j * np.pi * hertz * times[piece])
        return float(20 * np.log10(2 * abs(turned.mean()) / 0.2 + 1e-9))

    middle, side = instrumental.mean(axis=1), 0.5 * (instrumental[:, 0] - instrumental[:, 1])
    dips = [level_db(middle, 1500, second) for second in (0.2, 2.6, 5.2)]
    assert dips[0] == pytest.approx(0.0, abs=0.05)
    assert -15.0 < dips[1] < -6.0
    assert dips[2] == pytest.approx(0.0, abs=0.2)
    assert level_db(middle, 60, 2.6) == pytest.approx(0.0, abs=0.1)
    assert -12.0 < level_db(side, 1500, 2.6) < 0.0
    assert level_db(side, 1500, 0.2) < -40.0


def test_what_is_at_the_sides_stays_there_and_a_silent_voice_changes_nothing() -> None:
    random = np.random.default_rng(2)
    side = 0.1 * random.standard_normal(2 * SAMPLE_RATE).astype(np.float32)
    voice = 0.1 * random.standard_normal(2 * SAMPLE_RATE).astype(np.float32)
    apart = np.stack([side, -side], axis=1)
    make_room(apart, balance(voice, apart.mean(axis=1)).dips)
    assert np.abs(apart[:, 0] - side).max() < 1e-5
    both = np.stack([side, voice], axis=1)
    silent = balance(np.zeros_like(voice), both.mean(axis=1))
    make_room(both, silent.dips)
    assert silent.voice_gain == 1.0
    assert np.abs(both - np.stack([side, voice], axis=1)).max() < 1e-5


def test_bands_give_back_what_went_in_and_take_away_what_they_are_told() -> None:
    noise = np.random.default_rng(4).standard_normal(3 * SAMPLE_RATE + 17).astype(np.float32)
    assert np.abs(parted(noise, np.zeros_like(powers(noise)))[0] - noise).max() < 1e-4
    kept, taken = parted(noise, np.full_like(powers(noise), -6.0))
    presence = butter(4, (500, 4000), "bandpass", fs=SAMPLE_RATE, output="sos")
    shares = [np.var(sosfilt(presence, part)) / np.var(sosfilt(presence, noise)) for part in (kept, taken)]
    assert shares == pytest.approx([0.25, 0.75], abs=0.01)


def test_soft_consonants_come_up_beside_loud_vowels_and_silence_does_not() -> None:
    times = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    vowel = wide_band(2.0, 1.0, pop_balance)[:, 0]
    levels = np.select([times < 0.5, times < 0.6, times < 1.0], [0.2, 0.01, 0.2], 0.0)
    noise = 1e-5 * np.random.default_rng(5).standard_normal(len(times))
    voice = (levels * vowel + noise).astype(np.float32)
    gains = [
        10 * np.log10(np.mean(strip(voice)[part] ** 2) / np.mean(voice[part] ** 2))
        for part in (slice(4410, 17640), slice(23000, 25500), slice(66150, 88200))
    ]
    assert gains[0] == pytest.approx(0.0, abs=0.7)
    assert 3.5 < gains[1] - gains[0] < 5.5
    assert gains[2] < 4.1  # Of a pause, no more than the equaliser.
