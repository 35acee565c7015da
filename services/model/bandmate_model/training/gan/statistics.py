"""Measure the tracks of each style's training pieces: their frequency, density, register and polyphony."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bandmate_model.data.tokens import TICKS_PER_QUARTER
from bandmate_model.gan.roll import BLOCK, DRUMS, LOWEST, SLICE_STEPS, TRACKS
from bandmate_model.training.gan.dataset import BlockSet


def measure(blocks: BlockSet) -> dict[str, list[dict[str, Any]]]:
    """Statistics of every style's training pieces, as JSON values that StyleTracks.from_config reads."""
    result: dict[str, list[dict[str, Any]]] = {}
    train = blocks.split("train")
    for style in blocks.styles:
        indices = [index for index in train if blocks.pieces[index].style == style]
        tables = [_densities(blocks, index) for index in indices]
        notes = [blocks.own_notes(index) for index in indices]
        rows = []
        for track, name in enumerate(TRACKS):
            pieces_with_track = sum(bool((piece_notes[:, 2] == track).any()) for piece_notes in notes)
            densities = np.concatenate([table[track] for table in tables]) if tables else np.zeros(0)
            positive = densities[densities > 0]
            low, high = np.percentile(positive, (10, 90)) if len(positive) else (0.5, 2.0)
            pitches = (
                np.concatenate([piece_notes[piece_notes[:, 2] == track, 3] for piece_notes in notes])
                if notes
                else np.zeros(0, int)
            )
            ends = np.percentile(pitches, (5, 50, 95)) if len(pitches) else (12, 24, 36)
            lowest_pitch = 0 if track == DRUMS else LOWEST[track]
            rows.append(
                {
                    "track": name,
                    "share": round(pieces_with_track / max(1, len(indices)), 4),
                    "notes_a_quarter": [round(float(low), 3), round(float(high), 3)],
                    "pitches": [int(lowest_pitch + value) for value in ends],
                    "polyphony": _polyphony([piece_notes[piece_notes[:, 2] == track] for piece_notes in notes]),
                }
            )
        result[style] = rows
    return result


def _densities(blocks: BlockSet, index: int) -> NDArray[np.float64]:
    """(tracks, blocks): notes per quarter in each whole block of a piece."""
    piece_notes, slices = blocks.own_notes(index), blocks.slices(index)
    count = -(-len(slices) // BLOCK)
    block = piece_notes[:, 0] // (BLOCK * SLICE_STEPS)
    notes = np.zeros((len(TRACKS), count))
    np.add.at(notes, (piece_notes[:, 2], np.minimum(block, count - 1)), 1.0)
    quarters = np.add.reduceat(slices.lengths, np.arange(0, len(slices), BLOCK)) / TICKS_PER_QUARTER
    return notes / np.maximum(quarters, 0.25)


def _polyphony(tables: list[NDArray[np.int32]]) -> int:
    """The 95th percentile of the notes that sound at once, over all steps at which any does."""
    counts = np.zeros(64, dtype=np.int64)
    for table in tables:
        change = np.zeros(int(table[:, 1].max(initial=0)) + 1, dtype=np.int64)
        np.add.at(change, table[:, 0], 1)
        np.add.at(change, table[:, 1], -1)
        counts += np.bincount(np.minimum(np.cumsum(change), 63), minlength=64)
    counts[0] = 0
    return max(1, int(np.searchsorted(np.cumsum(counts), 0.95 * counts.sum()))) if counts.any() else 4
