"""The metrics that MuseGAN reports, measured on blocks, and the distance between two sets of blocks.

Per track: empty bars, used pitch classes a bar, qualified notes (of at least three 32nds: MuseGAN calls shorter ones
noise), and notes per quarter, polyphony, register, the share of onsets on the beat and of a bar's onsets that
stood in the bar before; for drums the share of strokes on the grid of eighths; between tracks the tonal distance (Harte
et al., 2006); and the share of notes in C major or minor. Bars are slices here.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bandmate_model.gan.roll import (
    BASS,
    BEAT_STEPS,
    BLOCK,
    DRUMS,
    HARMONY,
    LOWEST,
    MELODY,
    PITCHED,
    PITCHES,
    PLANES,
    SLICE_STEPS,
    SLICE_TICKS,
    STEP_TICKS,
    TRACKS,
    Bool,
)

QUALIFIED_TICKS = 4.5
"""Three 32nds, in model ticks."""
_PAIRS = ((MELODY, HARMONY), (MELODY, BASS), (HARMONY, BASS))
_TRACK_FEATURES = (
    "empty_bars",
    "used_pitch_classes",
    "qualified_notes",
    "notes_a_quarter",
    "polyphony",
    "register",
    "on_beat",
    "repeated",
)
_DRUM_FEATURES = ("empty_bars", "notes_a_quarter", "on_beat", "repeated", "drum_pattern", "used_drums")
NAMES = (
    *(f"{TRACKS[track]}.{name}" for track in PITCHED for name in _TRACK_FEATURES),
    *(f"drums.{name}" for name in _DRUM_FEATURES),
    *(f"tonal_distance.{TRACKS[first]}-{TRACKS[second]}" for first, second in _PAIRS),
    "in_scale",
)
_STEP_LENGTHS = np.diff(np.append(STEP_TICKS, SLICE_TICKS)).astype(np.float64)
_ANGLES = (7 * np.pi / 6, 3 * np.pi / 2, 2 * np.pi / 3)
_RADII = (1.0, 1.0, 0.5)
_CENTROID = np.stack(
    [
        radius * turn(np.arange(12) * angle)
        for radius, angle in zip(_RADII, _ANGLES, strict=True)
        for turn in (np.sin, np.cos)
    ]
)
_MAJOR = np.array([1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1], dtype=bool)
_MINOR = np.array([1, 0, 1, 1, 0, 1, 0, 1, 1, 0, 1, 1], dtype=bool)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Distance:
    """The distance between two sets of blocks."""

    total: float
    """Mean over the features, each in standard deviations of the reference."""
    features: dict[str, float]


def measure(roll: Bool, present: Bool, active: Bool) -> Floats:
    """(blocks, features) of NAMES, NaN where a feature has no meaning.

    `roll`: (blocks, BLOCK_STEPS, CELLS); `present`: (blocks, BLOCK_STEPS); `active`: (blocks, tracks),
    which tracks play.
    """
    count = len(roll)
    lengths = np.tile(_STEP_LENGTHS, BLOCK)
    quarters = np.maximum((present * lengths).sum(axis=1) / 12, 1e-9)
    bars: Bool = np.any(present.reshape(count, BLOCK, SLICE_STEPS), axis=2)
    columns: list[Floats] = []
    chromas: dict[int, Floats] = {}
    with np.errstate(divide="ignore", invalid="ignore"):
        for track in PITCHED:
            onset, sounding = roll[:, :, PLANES[track].onset], roll[:, :, PLANES[track].sounding]
            chromas[track] = _chroma(sounding, track)
            pitches = LOWEST[track] + np.arange(PITCHES[track])
            notes = onset.sum(axis=(1, 2))
            long = _lengths(onset, sounding, lengths) >= QUALIFIED_TICKS
            pitch_count = sounding.sum(axis=2)
            track_columns = [
                _empty(sounding, bars),
                _used(chromas[track], bars),
                (long & onset).sum(axis=(1, 2)) / notes,
                notes / quarters,
                pitch_count.sum(axis=1) / (pitch_count > 0).sum(axis=1),
                (onset.sum(axis=1) @ pitches) / notes,
                onset[:, ::BEAT_STEPS].sum(axis=(1, 2)) / notes,
                _repeated(onset),
            ]
            columns.extend(np.where(active[:, track], values, np.nan) for values in track_columns)
        strokes = roll[:, :, PLANES[DRUMS].onset]
        total = strokes.sum(axis=(1, 2))
        eighths = np.tile(STEP_TICKS % 6 == 0, BLOCK)
        track_columns = [
            _empty(strokes, bars),
            total / quarters,
            strokes[:, ::BEAT_STEPS].sum(axis=(1, 2)) / total,
            _repeated(strokes),
            strokes[:, eighths].sum(axis=(1, 2)) / total,
            strokes.any(axis=1).sum(axis=1).astype(np.float64),
        ]
        columns.extend(np.where(active[:, DRUMS], values, np.nan) for values in track_columns)
        for first, second in _PAIRS:
            both_play = active[:, first] & active[:, second]
            columns.append(np.where(both_play, _tonal(chromas[first], chromas[second]), np.nan))
        notes = np.sum([_fold(roll[:, :, PLANES[track].onset].sum(axis=1), track) for track in PITCHED], axis=0)
        columns.append(np.maximum(notes @ _MAJOR, notes @ _MINOR) / notes.sum(axis=1))
    return np.stack(columns, axis=1)


def distance(sample: Floats, reference: Floats) -> Distance:
    """Wasserstein distance of the two samples of each feature, in standard deviations of the reference.

    If the reference has a feature in at least eight blocks and the sample has it in none, that counts as three
    deviations."""
    distances: dict[str, float] = {}
    for name, values, reference_values in zip(NAMES, sample.T, reference.T, strict=True):
        values, reference_values = values[np.isfinite(values)], reference_values[np.isfinite(reference_values)]
        if len(reference_values) < 8:
            continue
        spread = max(float(reference_values.std()), 0.02)
        shares = (np.arange(200) + 0.5) / 200
        apart = (
            np.abs(np.quantile(values, shares) - np.quantile(reference_values, shares)).mean()
            if len(values)
            else np.inf
        )
        distances[name] = float(min(3.0, apart / spread))
    return Distance(float(np.mean(list(distances.values()))) if distances else 3.0, distances)


def means(values: Floats) -> dict[str, float]:
    """The mean of each feature over the blocks that have it."""
    finite = {name: column[np.isfinite(column)] for name, column in zip(NAMES, values.T, strict=True)}
    return {name: float(column.mean()) for name, column in finite.items() if len(column)}


def _by_bar(values: Bool) -> Bool:
    return values.reshape(len(values), BLOCK, SLICE_STEPS, values.shape[2])


def _empty(sounding: Bool, bars: Bool) -> Floats:
    silent = ~_by_bar(sounding).any(axis=(2, 3)) & bars
    return np.asarray(silent.sum(axis=1) / bars.sum(axis=1), dtype=np.float64)


def _chroma(sounding: Bool, track: int) -> Floats:
    """(blocks, steps, 12): how often each pitch class sounds."""
    return _fold(sounding, track)


def _fold(values: NDArray[np.generic], track: int) -> Floats:
    """The last axis by pitch class; every track's lowest pitch is a C."""
    return np.asarray(values.reshape(*values.shape[:-1], PITCHES[track] // 12, 12).sum(axis=-2), dtype=np.float64)


def _used(chroma: Floats, bars: Bool) -> Floats:
    classes = (chroma.reshape(len(chroma), BLOCK, SLICE_STEPS, 12).sum(axis=2) > 0).sum(axis=2)
    used = np.maximum(1, ((classes > 0) & bars).sum(axis=1))
    return np.asarray(classes.sum(axis=1) / used, dtype=np.float64)


def _lengths(onset: Bool, sounding: Bool, lengths: Floats) -> Floats:
    """For each step and pitch the ticks until the note that sounds there ends."""
    result = np.zeros(onset.shape)
    until = np.zeros(onset.shape[::2])
    for step in range(onset.shape[1] - 1, -1, -1):
        until = np.where(sounding[:, step], until + lengths[step], 0.0)
        result[:, step] = until
        until = np.where(onset[:, step], 0.0, until)
    return result


def _repeated(onset: Bool) -> Floats:
    """The share of onsets that also occur in the previous bar, over all bars with a previous bar."""
    bars = _by_bar(onset)
    shared, total = (bars[:, 1:] & bars[:, :-1]).sum(axis=(1, 2, 3)), bars[:, 1:].sum(axis=(1, 2, 3))
    return np.asarray(shared / total, dtype=np.float64)


def _tonal(first: Floats, second: Floats) -> Floats:
    """Mean distance of the two tracks' tonal centroids, quarter by quarter, where both sound."""
    first_beats, second_beats = (
        chroma.reshape(len(chroma), -1, BEAT_STEPS, 12).sum(axis=2) for chroma in (first, second)
    )
    sums = [chroma.sum(axis=2, keepdims=True) for chroma in (first_beats, second_beats)]
    centroids = [chroma / total @ _CENTROID.T for chroma, total in zip((first_beats, second_beats), sums, strict=True)]
    apart = np.linalg.norm(centroids[0] - centroids[1], axis=2)
    valid = np.isfinite(apart)
    return np.asarray(np.where(valid, apart, 0.0).sum(axis=1) / valid.sum(axis=1), dtype=np.float64)
