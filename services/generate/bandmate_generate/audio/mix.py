"""Mix stems into the instrumental: a channel strip and a place for each part, a bus, and a master at -14 LUFS.

1. Each part is compressed, and its spectrum measured; from these follow its level, and the equaliser that brings the
   sum to the average balance of popular music.
2. Each part goes once through a filter: its equaliser, the mix's, and its share of the room.
3. The bus compresses the sum gently, the stems by the same gain. So the stems add up to the sound before the limiter.
4. The master brings it to its loudness below the ceiling.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from bandmate_music.audio import SAMPLE_RATE
from bandmate_music.audio.compressor import apply_gain, compression, levels_of, loud_level
from bandmate_music.audio.loudness import SILENCE_LUFS
from bandmate_music.audio.mastering import master
from bandmate_music.audio.parallel import over_cores

from bandmate_generate.audio.channel_strips import Strip, strip_of
from bandmate_generate.audio.equaliser import Curve, frequencies, gain_curve, minimum_phase
from bandmate_generate.audio.render import Audio
from bandmate_generate.audio.room import Placement
from bandmate_generate.audio.spectrum import FRAME, balance_correction, frame_spectra, loudness_after
from bandmate_generate.planning.styles import StylePart

_STEM_LUFS = -24.0
_FADE_SECONDS = 0.4
_BALANCE_LIMIT_DB, _BALANCE_SHARE = 9.0, 1.0
_ACOUSTIC_LIMIT_DB, _ACOUSTIC_SHARE = 2.0, 0.3
"""How far the balance of popular music is followed: with drums and a bass; without, where it is a hint."""
_GLUE_RATIO, _GLUE_DEPTH_DB, _GLUE_ATTACK, _GLUE_RELEASE = 1.5, 5.0, 0.025, 0.2


@dataclass(frozen=True, slots=True)
class Mixed:
    """Stems and their mastered sum, all [samples, 2] of one length; loudness as measured of the sum."""

    stems: tuple[Audio, ...]
    master: Audio
    integrated_lufs: float
    true_peak_dbtp: float


@dataclass(frozen=True, slots=True)
class _Channel:
    """A part on its way: its sound after the compressor, the gains of its strip for each bin, its level as a factor,
    and the mean power for each bin of what it adds to the mix. Level 0 for silence."""

    sound: Audio
    strip_db: Curve
    level: float
    spectrum: Curve


def mix(dry: list[Audio], parts: Sequence[StylePart]) -> Mixed:
    """Mix dry stems [samples, 2] by their parts' `level`, `pan` and `room`. At least one stem; all of equal length.

    Empties the list to save memory: a long song's stems are hundreds of megabytes.
    """
    channels = over_cores(lambda pair: _channel(*pair), [(dry.pop(0), part) for part in parts])
    correction = _correction(channels, parts)
    stems = over_cores(lambda pair: _placed(*pair, correction), list(zip(channels, parts, strict=True)))
    total = stems[0].copy()
    for stem in stems[1:]:
        total += stem
    levels = levels_of(total)
    glue = compression(levels, loud_level(levels) - _GLUE_DEPTH_DB, _GLUE_RATIO, _GLUE_ATTACK, _GLUE_RELEASE)
    apply_gain(total, glue)
    mastered = master(total)
    stem_gain = glue + 20.0 * np.log10(mastered.gain)
    over_cores(lambda stem: apply_gain(stem, stem_gain), stems)
    return Mixed(tuple(stems), mastered.sound, mastered.integrated_lufs, mastered.true_peak_dbtp)


def _channel(sound: Audio, part: StylePart) -> _Channel:
    strip = strip_of(part)
    levels = levels_of(sound)
    loud = loud_level(levels)
    strip_db = gain_curve(strip.equaliser, frequencies(FRAME))
    if not sound.any():
        return _Channel(sound, strip_db, 0.0, np.zeros(FRAME // 2 + 1))
    apply_gain(sound, compression(levels, loud - strip.depth, strip.ratio, strip.attack, strip.release))
    if strip.drive is not None:
        _saturate(sound, loud, strip)
    spectra = frame_spectra(sound)
    loudness = loudness_after(spectra, strip_db)  # Gated: how much a part rests makes no difference.
    level = 10.0 ** ((_STEM_LUFS + part.level - loudness) / 20.0) if loudness > SILENCE_LUFS else 0.0
    spectrum = spectra.mean(axis=0, dtype=np.float64) * 10.0 ** (strip_db / 10.0) * level**2
    return _Channel(sound, strip_db, level, spectrum)


def _saturate(sound: Audio, loud: float, strip: Strip) -> None:
    """Clip softly, in place, what is louder than `drive` dB below the part's loud peaks."""
    assert strip.drive is not None
    reach = np.float32(10.0 ** ((loud + 12.0 - strip.drive) / 20.0))
    sound /= reach
    np.tanh(sound, out=sound)
    sound *= reach


def _correction(channels: Sequence[_Channel], parts: Sequence[StylePart]) -> Curve:
    """The gains in dB for each bin that bring the mix to its balance."""
    total = np.sum([channel.spectrum for channel in channels], axis=0)
    if not total.any():
        return np.zeros_like(total)
    heard = {part.role for part, channel in zip(parts, channels, strict=True) if channel.level > 0.0}
    if {"drums", "bass"} <= heard:
        return balance_correction(total, _BALANCE_LIMIT_DB, _BALANCE_SHARE)
    return balance_correction(total, _ACOUSTIC_LIMIT_DB, _ACOUSTIC_SHARE)


def _placed(channel: _Channel, part: StylePart, correction: Curve) -> Audio:
    """A stem with its equaliser, level, panning and room, faded out at the end."""
    if channel.level == 0.0:
        return np.zeros_like(channel.sound)
    angle = (part.pan + 1) * np.pi / 4  # Equal power: cos² + sin² = 1.
    sides = np.array([np.cos(angle), np.sin(angle)]) * np.sqrt(2) * channel.level
    filtered = Placement(minimum_phase(channel.strip_db + correction), sides, part.room).apply(channel.sound)
    fade = min(len(filtered), int(_FADE_SECONDS * SAMPLE_RATE))
    filtered[len(filtered) - fade :] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)[:, None]
    return filtered
