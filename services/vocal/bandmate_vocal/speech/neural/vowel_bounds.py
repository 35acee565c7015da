"""Move the ends of vowels to where a voice is heard in a recording of known fundamental.

A network's letters tell when a sound comes only to some hundredths of a second, and stressless vowels lose their voice
early. What is held when the line is sung has to be the voiced part.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.ndimage import uniform_filter1d

from bandmate_vocal.speech import ipa
from bandmate_vocal.speech.base import Curve, FloatArray, Phone

_STEP = 0.005
_PERIODIC = 0.75
"""Correlation of a period with the next, from which a voice is heard."""
_QUIET_DB = 14.0
"""What is softer than the vowel's loudest moment by more belongs to the sound beside it."""
_BEYOND = 0.05
"""Seconds before and after a vowel's letters in which its voice is looked for."""
_MIN_VOWEL, _MIN_OTHER = 0.03, 0.01


def fitted(phones: Sequence[Phone], pcm: FloatArray, rate: int, pitch: float) -> tuple[Phone, ...]:
    """The phones with vowels as long as they are voiced; obstruents beside them take what is left."""
    voice, level = _periodicity(pcm, rate, pitch)
    moved = list(phones)
    for index, phone in enumerate(phones):
        if not phone.is_nucleus:
            continue
        before, after = (moved[at] if 0 <= at < len(moved) else None for at in (index - 1, index + 1))
        free_before = before is None or (_is_obstruent(before) and abs(before.t1 - phone.t0) < _STEP)
        free_after = after is None or (_is_obstruent(after) and abs(after.t0 - phone.t1) < _STEP)
        first = phone.t0 - _BEYOND * free_before
        last = phone.t1 + _BEYOND * free_after
        if before is not None:
            first = max(first, before.t0 + _MIN_OTHER)
        if after is not None:
            last = min(last, after.t1 - _MIN_OTHER)
        begin, end = _voiced_run(voice, level, first, last)
        t0 = begin if free_before else phone.t0
        t1 = end if free_after else phone.t1
        if t1 - t0 < _MIN_VOWEL:
            continue
        moved[index] = replace(phone, t0=t0, t1=t1)
        if before is not None and free_before:
            moved[index - 1] = replace(before, t1=t0)
        if after is not None and free_after:
            moved[index + 1] = replace(after, t0=t1)
    return tuple(moved)


def _is_obstruent(phone: Phone) -> bool:
    return not phone.is_nucleus and ipa.sonority(phone.ipa) <= 1


def _voiced_run(voice: Curve, level: Curve, first: float, last: float) -> tuple[float, float]:
    """The voiced stretch around the loudest voiced moment between two times in seconds; these where there is none."""
    start, stop = max(0, round(first / _STEP)), min(len(voice), round(last / _STEP))
    if stop - start < 2:
        return first, last
    inside = np.where(voice[start:stop] >= _PERIODIC, level[start:stop], -np.inf)
    best = int(np.argmax(inside))
    if not np.isfinite(inside[best]):
        return first, last
    belongs = inside > inside[best] - _QUIET_DB
    outside = np.flatnonzero(~belongs)
    begin = int(outside[outside < best][-1]) + 1 if (outside < best).any() else 0
    end = int(outside[outside > best][0]) if (outside > best).any() else len(inside)
    return max(first, (start + begin) * _STEP), min(last, (start + end) * _STEP)


def _periodicity(pcm: FloatArray, rate: int, pitch: float) -> tuple[Curve, Curve]:
    """Every _STEP: the correlation of two and a half periods with those one period later, and the level in dB."""
    lag, hop = round(rate / pitch), round(_STEP * rate)
    signal = pcm.astype(np.float64)
    later = np.pad(signal[lag:], (0, min(lag, len(signal))))
    width = round(2.5 * lag)
    product, power, power_later = (
        uniform_filter1d(values, width, mode="constant") for values in (signal * later, signal**2, later**2)
    )
    correlation = product / np.sqrt(np.maximum(power * power_later, 1e-12))
    centred = np.roll(correlation, lag // 2)
    level = 10.0 * np.log10(np.maximum(power, 1e-10))
    return centred[::hop], level[::hop]
