"""Lay a read line out in a network's frames: durations, fundamental, voicing and energy of what is sung.

Consonants keep their natural length, vowels take the time of their notes: the score's map from song time to the
reading's time says so, and is followed here to the frame.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import minimum_filter1d, uniform_filter1d

from bandmate_vocal.speech.base import PITCH_STEP, Curve, LineScore
from bandmate_vocal.speech.neural.letters import SONORANTS, VOICELESS
from bandmate_vocal.speech.neural.network import FRAME, HALF_FRAME, Counts, Frames, Mask
from bandmate_vocal.speech.neural.reading import NetworkReading

_MAX_LEAD_FRAMES = 12
"""Frames of silence that the network gets before a line."""
_TAIL_LETTER = 0.15
"""Seconds of each letter after the last phone."""
_EDGE = 3
"""Half frames at both ends of a vowel or sonorant that are not steady."""
_EVENNESS = 0.6
"""How far weak vowels are raised to the line's level, 0..1."""
_VOICED_SHARE = 0.55
"""Share of the line's median fundamental above which the network's own fundamental means a voice."""
_RELEASE = 0.06
"""Seconds that the voice goes on after the line's end."""


@dataclass(frozen=True, slots=True)
class LaidOut:
    """Frames, and the song time at which the first begins."""

    frames: Frames
    start: float


def lay_out(score: LineScore, reading: NetworkReading) -> LaidOut:
    """The line in frames."""
    spread = np.arange(len(score.song), dtype=np.float64) * 1e-9
    song: Curve = np.maximum.accumulate(score.song) + spread
    read: Curve = np.maximum.accumulate(score.read + spread)
    edges = _letter_edges(reading, song, read)
    start = float(edges[0])
    at = np.round((edges - start) / FRAME).astype(np.int64)
    for index in range(1, len(at)):
        at[index] = max(at[index], at[index - 1] + 1)
    counts = np.diff(at)
    halves = 2 * int(counts.sum())
    times = start + (np.arange(halves, dtype=np.float64) + 0.5) * HALF_FRAME
    begins = start + at.astype(np.float64) * FRAME
    letter = np.clip(np.searchsorted(at, np.arange(halves) // 2, side="right") - 1, 0, len(counts) - 1)
    vowel, sonorant, voiceless = _kinds(reading, letter)
    place = _places(reading, times, letter, vowel, song, read, begins)
    own_pitch = np.interp(place, np.arange(len(reading.prosody.pitch)), reading.prosody.pitch)
    energy = np.interp(place, np.arange(len(reading.prosody.energy)), reading.prosody.energy)
    voiced = _voiced(reading, own_pitch, sonorant, voiceless)
    voiced &= (letter > 0) & (times <= song[-1] + _RELEASE)
    pitch_times = score.pitch_start + PITCH_STEP * np.arange(len(score.pitch))
    frames = Frames(
        letters=reading.letters,
        frames=counts,
        pitch=np.interp(times, pitch_times, score.pitch),
        voiced=voiced,
        steady=_steady(sonorant),
        energy=_evened(energy, vowel, reading.prosody.energy),
    )
    return LaidOut(frames, start)


def spoken_frames(reading: NetworkReading, pitch: float) -> Frames:
    """The line as it would be spoken, on one pitch in Hz; vowels and sonorants have a voice, however weak."""
    counts = reading.prosody.frames
    halves = 2 * int(counts.sum())
    letter = np.repeat(np.arange(len(counts)), 2 * counts)
    vowel, sonorant, voiceless = _kinds(reading, letter)
    own_pitch = np.resize(reading.prosody.pitch, halves)
    return Frames(
        letters=reading.letters,
        frames=counts,
        pitch=np.full(halves, pitch),
        voiced=_voiced(reading, own_pitch, sonorant, voiceless),
        steady=_steady(sonorant),
        energy=_evened(np.resize(reading.prosody.energy, halves), vowel, reading.prosody.energy),
    )


def _letter_edges(reading: NetworkReading, song: Curve, read: Curve) -> Curve:
    """Song time at which the silence before, each letter and the silence after begin, and the end.

    A letter comes as long after its sound as it does in the reading, however far the sound is stretched.
    """
    bounds, sounds = reading.bounds, reading.sounds
    begins = np.array([sound.first + 1 for sound in sounds])
    ends = np.array([sound.end + 1 for sound in sounds])
    anchors = np.concatenate([begins, ends])
    times = np.array([phone.t0 for phone in reading.phones] + [phone.t1 for phone in reading.phones])
    before, after = np.minimum(times - read[0], 0.0), np.maximum(times - read[-1], 0.0)
    placed = np.interp(times, read, song) + before + after + bounds[anchors] - times
    order = np.lexsort((np.arange(len(anchors)) >= len(sounds), anchors))
    unique, first_of = np.unique(anchors[order], return_index=True)
    positions = np.maximum.accumulate(placed[order][first_of])
    edges: Curve = np.interp(bounds, bounds[unique], positions)
    first, last = int(begins[0]), int(ends[-1])
    edges[:first] = edges[first] - min(int(reading.prosody.frames[0]), _MAX_LEAD_FRAMES) * FRAME
    edges[last + 1 :] = edges[last] + _TAIL_LETTER * np.arange(1, len(edges) - last)
    for sound in sounds:  # Stress and length marks keep their natural length, the vowel takes the rest.
        natural = np.diff(bounds[sound.first + 1 : sound.end + 2])
        spare = edges[sound.end + 1] - edges[sound.first + 1] - natural.sum()
        if sound.is_vowel and sound.end - sound.first > 1 and spare > 0.0:
            natural[sound.core - sound.first] += spare
            edges[sound.first + 1 : sound.end + 2] = edges[sound.first + 1] + np.concatenate([[0], np.cumsum(natural)])
    return edges


def _kinds(reading: NetworkReading, letter: Counts) -> tuple[Mask, Mask, Mask]:
    """For each half frame: in a vowel; in a vowel or sonorant; in a voiceless sound."""
    kinds = np.zeros((3, len(reading.letters) + 2), bool)
    for sound in reading.sounds:
        held = sound.is_vowel or sound.letter in SONORANTS
        kind = np.array([sound.is_vowel, held, sound.letter in VOICELESS])
        kinds[:, sound.first + 1 : sound.end + 1] = kind[:, None]
    vowel, sonorant, voiceless = kinds[:, letter]
    return vowel, sonorant, voiceless


def _places(
    reading: NetworkReading, times: Curve, letter: Counts, vowel: Mask, song: Curve, read: Curve, at: Curve
) -> Curve:
    """Half frame of the reading that each half frame of the song corresponds to; vowels follow the score's map."""
    bounds = reading.bounds
    inside = (times >= song[0]) & (times <= song[-1])
    lags = np.zeros(len(bounds) - 1)
    for sound, phone in zip(reading.sounds, reading.phones, strict=True):
        lags[sound.first + 1 : sound.end + 1] = bounds[sound.first + 1] - phone.t0
    lag = lags[letter]
    where = np.where(vowel & inside, np.interp(times - lag, song, read) + lag, np.interp(times, at, bounds))
    inner = np.clip(where, bounds[letter], bounds[letter + 1] - 1e-4)
    places: Curve = np.clip(inner / HALF_FRAME - 0.5, 0, len(reading.prosody.pitch) - 1)
    return places


def _voiced(reading: NetworkReading, own_pitch: Curve, sonorant: Mask, voiceless: Mask) -> Mask:
    """Where the network itself gave a voice, and in all vowels and sonorants."""
    spoken = reading.prosody.pitch[reading.prosody.pitch > 60.0]
    middle = float(np.median(spoken)) if len(spoken) else 200.0
    voiced: Mask = ((own_pitch > _VOICED_SHARE * middle) | sonorant) & ~voiceless
    return voiced


def _evened(energy: Curve, vowel: Mask, spoken: Curve) -> Curve:
    """The energy with weak vowels raised towards the usual level of the line."""
    usual = float(np.percentile(spoken[spoken >= np.median(spoken)], 60))
    evened: Curve = np.where(vowel, energy + _EVENNESS * np.maximum(usual - energy, 0.0), energy)
    return evened


def _steady(sonorant: Mask) -> Curve:
    width = 2 * _EDGE + 1
    steady: Curve = uniform_filter1d(minimum_filter1d(sonorant.astype(np.float64), width), width)
    return steady
