"""Synthesise notes from a few sine waves, for the audio of the evaluation page."""

import base64
from collections.abc import Sequence

import numpy as np
from bandmate_shared.contracts.composition import GRID_TICKS_PER_QUARTER, CompositionRequest
from numpy.typing import NDArray

SAMPLE_RATE = 12_000
_PARTIALS = ((1.0, 1.0), (2.0, 0.35), (3.0, 0.15))
_RELEASE = 0.06
_MAX_SECONDS = 60.0
_KICK = frozenset({35, 36, 41, 43, 45, 47})

NoteRow = tuple[int, int, int, int, int]


def render(request: CompositionRequest, notes: Sequence[NoteRow]) -> NDArray[np.float64]:
    """One channel at SAMPLE_RATE, -1..1, of the first minute. Drums are noise, low ones a falling tone."""
    tick = 60.0 / request.tempo / GRID_TICKS_PER_QUARTER
    seconds = min(_MAX_SECONDS, max((row[1] + row[2] for row in notes), default=0) * tick + _RELEASE)
    sound = np.zeros(int(seconds * SAMPLE_RATE) + SAMPLE_RATE)
    noise = np.random.default_rng(1).standard_normal(SAMPLE_RATE)
    for part, onset, duration, pitch, velocity in notes:
        start = int(onset * tick * SAMPLE_RATE)
        if start >= len(sound) - SAMPLE_RATE:
            continue
        loud = (0.4 + 0.6 * velocity / 127) * (1.0 if request.parts[part].role == "melody" else 0.6)
        tone = _stroke(pitch, noise) if request.parts[part].is_drum else _tone(pitch, min(duration * tick, 8.0))
        end = min(len(sound), start + len(tone))
        sound[start:end] += loud * tone[: end - start]
    peak = float(np.abs(sound).max())
    return sound / peak * 0.9 if peak else sound


def data_uri(sound: NDArray[np.float64]) -> str:
    """The sound as a WAV file (8 bits a sample) in a `data:` address."""
    samples = np.clip(np.round(sound * 127 + 128), 0, 255).astype(np.uint8).tobytes()
    header = b"RIFF" + (36 + len(samples)).to_bytes(4, "little") + b"WAVEfmt "
    header += b"".join(
        number.to_bytes(size, "little")
        for number, size in ((16, 4), (1, 2), (1, 2), (SAMPLE_RATE, 4), (SAMPLE_RATE, 4), (1, 2), (8, 2))
    )
    data = header + b"data" + len(samples).to_bytes(4, "little") + samples
    return "data:audio/wav;base64," + base64.b64encode(data).decode()


def _tone(pitch: int, seconds: float) -> NDArray[np.float64]:
    frequency = 440.0 * 2 ** ((pitch - 69) / 12)
    time = np.arange(int((seconds + _RELEASE) * SAMPLE_RATE)) / SAMPLE_RATE
    wave = np.zeros(len(time))
    for multiple, strength in _PARTIALS:
        if frequency * multiple < SAMPLE_RATE / 2:
            wave += strength * np.sin(2 * np.pi * frequency * multiple * time)
    attack = np.minimum(1.0, time / 0.01)
    release = np.clip((seconds + _RELEASE - time) / _RELEASE, 0.0, 1.0)
    decay: NDArray[np.float64] = wave * attack * release * np.exp(-1.2 * time)
    return decay


def _stroke(drum: int, noise: NDArray[np.float64]) -> NDArray[np.float64]:
    time = np.arange(SAMPLE_RATE // 5) / SAMPLE_RATE
    if drum in _KICK:
        low: NDArray[np.float64] = np.sin(2 * np.pi * (60 * time + 6 * (1 - np.exp(-30 * time)))) * np.exp(-18 * time)
        return low
    ring: NDArray[np.float64] = 0.4 * noise[: len(time)] * np.exp(-(12 if drum in (38, 40, 49, 57) else 45) * time)
    return ring
