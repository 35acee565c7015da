"""Stems to the instrumental: levels, places in the stereo picture, a room, and the master at -14 LUFS below -1 dBTP.

Everything up to the master is linear, so that the stems, as delivered, add up to the instrumental wherever the
limiter has nothing to do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from bandmate_shared.audio import SAMPLE_RATE
from bandmate_shared.audio.loudness import SILENCE_LUFS, integrated_lufs, true_peak_dbtp
from bandmate_shared.audio.mastering import master
from numpy.typing import NDArray

from bandmate_generate.render import Audio
from bandmate_generate.styles import StylePart

_STEM_LUFS = -24.0
_ROOM_SECONDS = 1.1
_FADE_SECONDS = 0.4


@dataclass(frozen=True, slots=True)
class Mixed:
    """Stems and their mastered sum, all [samples, 2] of one length; loudness as measured of the sum."""

    stems: tuple[Audio, ...]
    master: Audio
    integrated_lufs: float
    true_peak_dbtp: float


def mix(dry: list[Audio], parts: Sequence[StylePart]) -> Mixed:
    """Mix dry stems by their parts' `level`, `pan` and `room`. At least one stem; all of equal length.

    Empties the list: a long song's stems are hundreds of megabytes, and none is needed twice.
    """
    stems = [_placed(dry.pop(0), part) for part in parts]
    together = stems[0].copy()
    for stem in stems[1:]:
        together += stem
    mastered = master(together)
    for stem in stems:
        stem *= np.float32(mastered.gain)
    sound = mastered.sound
    return Mixed(tuple(stems), sound, integrated_lufs(sound), true_peak_dbtp(sound))


def _placed(sound: Audio, part: StylePart) -> Audio:
    """A stem at its level, at its place, with its share of the room, faded at the very end."""
    loudness = integrated_lufs(sound)  # Gated: how much a part rests makes no difference.
    if loudness <= SILENCE_LUFS:
        return np.zeros_like(sound)
    level = np.float32(10 ** ((_STEM_LUFS + part.level - loudness) / 20))
    angle = (part.pan + 1) * np.pi / 4  # Equal power: cos² + sin² = 1.
    sides = np.array([np.cos(angle), np.sin(angle)], dtype=np.float32) * np.float32(np.sqrt(2))
    placed = sound * (level * sides)
    if part.room > 0:
        placed += _in_room((placed[:, 0] + placed[:, 1]) * np.float32(0.5 * part.room))
    fade = min(len(placed), int(_FADE_SECONDS * SAMPLE_RATE))
    placed[len(placed) - fade :] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)[:, None]
    return placed


def _in_room(mono: NDArray[np.float32]) -> Audio:
    """What the room gives back of a sound, by convolution block by block (overlap-add)."""
    spectra, size = _room()
    length = len(_impulse())
    block = size - length + 1
    wet = np.zeros((len(mono) + size, 2), dtype=np.float32)
    for start in range(0, len(mono), block):
        spectrum = np.fft.rfft(mono[start : start + block], size)
        for side in range(2):
            wet[start : start + size, side] += np.fft.irfft(spectrum * spectra[side], size)
    return wet[: len(mono)]


@cache
def _room() -> tuple[list[NDArray[np.complex64]], int]:
    size = 1 << 17
    return [np.fft.rfft(_impulse()[:, side], size).astype(np.complex64) for side in range(2)], size


@cache
def _impulse() -> Audio:
    """A small hall: noise that dies away over a second, the high frequencies sooner, 18 ms after the direct sound.

    The two sides are independent, which is heard as width. Fixed seed: always the same room.
    """
    count, delay = int(_ROOM_SECONDS * SAMPLE_RATE), int(0.018 * SAMPLE_RATE)
    time = np.arange(count) / SAMPLE_RATE
    noise = np.random.default_rng(1770).standard_normal((count, 2))
    bands = [np.convolve(noise[:, side], np.ones(width) / width, "same") for width in (4, 24) for side in range(2)]
    bright = np.stack(bands[:2], axis=1) * np.exp(-time / 0.09)[:, None]
    dark = np.stack(bands[2:], axis=1) * np.exp(-time / 0.2)[:, None] * 0.9
    tail = 2 * bright + dark
    tail -= np.convolve(tail.mean(axis=1), np.ones(400) / 400, "same")[:, None]  # No rumble.
    tail *= np.minimum(1.0, time / 0.01)[:, None]
    impulse = np.zeros((count + delay, 2), dtype=np.float32)
    impulse[delay:] = tail / _band_gain(tail)
    return impulse


def _band_gain(tail: NDArray[np.float64]) -> float:
    """By how much a room amplifies the range that instruments live in, 100 to 2000 Hz, on average."""
    power = np.square(np.abs(np.fft.rfft(tail, axis=0))).mean(axis=1)
    hertz = np.fft.rfftfreq(len(tail), 1 / SAMPLE_RATE)
    return float(np.sqrt(power[(hertz > 100) & (hertz < 2000)].mean()))
