"""Intonation of sung notes, from a pitch track: in tune, octave errors, voiced share, note medians."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bandmate_bench.singing.pitch import Track
from bandmate_bench.singing.sung import JudgedNote, hertz

IN_TUNE_CENTS = 50.0
MEDIAN_SECONDS = 0.3
"""Notes from this length on are long enough for the median of their pitch to say where it lies."""
_OCTAVE_CENTS = 100.0


def intonation(track: Track, notes: Sequence[JudgedNote]) -> dict[str, float | int | None]:
    """Measures of the frames inside notes.

    `rpa`: share of the voiced frames within 50 cents; `octave_errors`: within 100 cents of an octave above or below;
    `voiced`: share of all frames that are voiced; `note_mean_cents`, `note_worst_cents`: of the distances of each
    note's median from the note, for notes of MEDIAN_SECONDS and more. None where nothing is voiced.
    """
    times, found = track
    cents: list[NDArray[np.float64]] = []
    medians = []
    frames = 0
    for note in notes:
        start, end = note.interior
        begin, stop = np.searchsorted(times, (start, end))
        inside = found[begin:stop]
        frames += len(inside)
        inside = inside[inside > 0]
        if not len(inside):
            continue
        distance = 1200.0 * np.log2(inside / hertz(note.pitch))
        cents.append(distance)
        if note.end - note.start >= MEDIAN_SECONDS:
            medians.append(abs(float(np.median(distance))))
    together = np.concatenate(cents) if cents else np.zeros(0)
    octaves = np.abs(np.abs(together) - 1200.0) <= _OCTAVE_CENTS
    return {
        "rpa": float((np.abs(together) <= IN_TUNE_CENTS).mean()) if len(together) else None,
        "octave_errors": float(octaves.mean()) if len(together) else None,
        "voiced": len(together) / frames if frames else None,
        "note_mean_cents": float(np.mean(medians)) if medians else None,
        "note_worst_cents": max(medians, default=None),
        "frames": frames,
    }
