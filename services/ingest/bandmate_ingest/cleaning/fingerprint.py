"""A piece's fingerprint: the same for a copy that was transposed, or played at another tempo.

The skyline (the highest pitched note at each onset) is cut into shingles of successive notes; a shingle is its
intervals and the ratios of its inter-onset times, so neither key nor speed is in it. The bottom-k sketch of their
hashes estimates the resemblance of two pieces (Broder, On the resemblance and containment of documents, 1997).
"""

import numpy as np
from numpy.typing import NDArray

from bandmate_ingest.cleaning.columns import Bools, Columns, Ints

Hashes = NDArray[np.uint64]
SKETCH_SIZE = 96
"""Hashes kept a piece: the resemblance is known to about ±0.05."""
SHINGLE_NOTES = 8
_ODD = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)


def sketch(notes: Columns, is_drum: Bools) -> Hashes:
    """The `SKETCH_SIZE` smallest distinct shingle hashes, ascending; fewer for a short piece."""
    pitched = notes.select(~is_drum[notes.part]) if is_drum.any() else notes
    symbols, onsets = _skyline(pitched) if len(pitched) > SHINGLE_NOTES else _strokes(notes)
    gaps = np.diff(onsets)
    if len(gaps) < SHINGLE_NOTES - 1:
        return np.zeros(0, dtype=np.uint64)
    steps = np.diff(symbols) if len(pitched) > SHINGLE_NOTES else symbols[1:]
    # Half octaves of tempo: a dotted rhythm differs from an even one, rounding to the grid does not matter.
    ratios = np.rint(2 * np.log2(gaps[1:] / gaps[:-1])).astype(np.int64)
    letters = _scramble((steps[1:] * 64 + ratios).astype(np.uint64))
    length = SHINGLE_NOTES - 2
    count = len(letters) - length + 1
    if count < 1:
        return np.zeros(0, dtype=np.uint64)
    hashes = np.zeros(count, dtype=np.uint64)
    for position in range(length):
        hashes = hashes * _ODD + letters[position : position + count]
    hashes = np.sort(_scramble(hashes))
    distinct = np.ones(count, dtype=np.bool_)
    distinct[1:] = hashes[1:] != hashes[:-1]
    return hashes[distinct][:SKETCH_SIZE]


def _skyline(notes: Columns) -> tuple[Ints, Ints]:
    """Highest pitch at each onset, and the onsets."""
    order = np.argsort((notes.onset << 8) | (127 - notes.pitch), kind="stable")
    onset = notes.onset[order]
    first = np.ones(len(onset), dtype=np.bool_)
    first[1:] = onset[1:] != onset[:-1]
    return notes.pitch[order][first], onset[first]


def _strokes(notes: Columns) -> tuple[Ints, Ints]:
    """For drums: the set of drums struck at each onset as one number, and the onsets."""
    onset, onset_index = np.unique(notes.onset, return_inverse=True)
    struck = np.zeros(len(onset), dtype=np.uint64)
    np.bitwise_xor.at(struck, onset_index, _scramble(notes.pitch.astype(np.uint64) + np.uint64(1)))
    return (struck >> np.uint64(24)).astype(np.int64), onset


def _scramble(values: Hashes) -> Hashes:
    """A bijective mix of 64 bits (splitmix64's finaliser), so that small numbers spread over the range."""
    values = (values ^ (values >> np.uint64(30))) * _MIX
    values = (values ^ (values >> np.uint64(27))) * _ODD
    return values ^ (values >> np.uint64(31))
