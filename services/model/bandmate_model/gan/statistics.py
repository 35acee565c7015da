"""What each style's training pieces do with each track: kept in config.json, so that requests can be fitted to it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bandmate_model.gan.dataset import BlockSet
from bandmate_model.gan.roll import BLOCK, DRUMS, LOWEST, SLICE_STEPS, TRACKS
from bandmate_model.tokens import TICKS_PER_QUARTER

FAMILIAR = 0.04
"""A track that fewer of a style's pieces have is not familiar to it."""


@dataclass(frozen=True, slots=True)
class TrackStatistics:
    """One track in one style."""

    share: float
    """Of the pieces that have it."""
    notes_a_quarter: tuple[float, float]
    """10th and 90th percentile over blocks in which it plays."""
    pitches: tuple[int, int, int]
    """5th, 50th and 95th percentile, MIDI pitch in C."""
    polyphony: int
    """95th percentile of how many notes sound at once where any does."""


@dataclass(frozen=True, slots=True)
class StyleTracks:
    """All tracks in one style, in the order of TRACKS."""

    tracks: tuple[TrackStatistics, ...]

    @staticmethod
    def from_config(rows: list[dict[str, Any]]) -> "StyleTracks":
        """
        Raises:
            KeyError, TypeError, ValueError: the rows are not what `measure` makes.
        """
        found = tuple(
            TrackStatistics(
                float(row["share"]), _pair(row["notes_a_quarter"]), _triple(row["pitches"]), int(row["polyphony"])
            )
            for row in rows
        )
        if len(found) != len(TRACKS):
            raise ValueError(f"{len(found)} tracks instead of {len(TRACKS)}")
        return StyleTracks(found)


def measure(blocks: BlockSet) -> dict[str, list[dict[str, Any]]]:
    """The statistics of every style's training pieces, as JSON values."""
    result: dict[str, list[dict[str, Any]]] = {}
    train = blocks.split("train")
    for style in blocks.styles:
        chosen = [index for index in train if blocks.pieces[index].style == style]
        tables = [_densities(blocks, index) for index in chosen]
        notes = [blocks.own_notes(index) for index in chosen]
        rows = []
        for track, _ in enumerate(TRACKS):
            with_it = sum(bool((own[:, 2] == track).any()) for own in notes)
            densities = np.concatenate([table[track] for table in tables]) if tables else np.zeros(0)
            found = densities[densities > 0]
            low, high = np.percentile(found, (10, 90)) if len(found) else (0.5, 2.0)
            pitches = np.concatenate([own[own[:, 2] == track, 3] for own in notes]) if notes else np.zeros(0, int)
            ends = np.percentile(pitches, (5, 50, 95)) if len(pitches) else (12, 24, 36)
            first = 0 if track == DRUMS else LOWEST[track]
            rows.append(
                {
                    "share": round(with_it / max(1, len(chosen)), 4),
                    "notes_a_quarter": [round(float(low), 3), round(float(high), 3)],
                    "pitches": [int(first + value) for value in ends],
                    "polyphony": _polyphony([own[own[:, 2] == track] for own in notes]),
                }
            )
        result[style] = rows
    return result


def _densities(blocks: BlockSet, index: int) -> NDArray[np.float64]:
    """(tracks, blocks): notes a quarter in each whole block of a piece."""
    own, slices = blocks.own_notes(index), blocks.slices(index)
    count = -(-len(slices) // BLOCK)
    block = own[:, 0] // (BLOCK * SLICE_STEPS)
    notes = np.zeros((len(TRACKS), count))
    np.add.at(notes, (own[:, 2], np.minimum(block, count - 1)), 1.0)
    quarters = np.add.reduceat(slices.lengths, np.arange(0, len(slices), BLOCK)) / TICKS_PER_QUARTER
    return notes / np.maximum(quarters, 0.25)


def _polyphony(tables: list[NDArray[np.int32]]) -> int:
    """The 95th percentile of the notes that sound at once, over all steps at which any does."""
    counts = np.zeros(64, dtype=np.int64)
    for own in tables:
        change = np.zeros(int(own[:, 1].max(initial=0)) + 1, dtype=np.int64)
        np.add.at(change, own[:, 0], 1)
        np.add.at(change, own[:, 1], -1)
        counts += np.bincount(np.minimum(np.cumsum(change), 63), minlength=64)
    counts[0] = 0
    return max(1, int(np.searchsorted(np.cumsum(counts), 0.95 * counts.sum()))) if counts.any() else 4


def _pair(values: list[float]) -> tuple[float, float]:
    low, high = values
    return float(low), float(high)


def _triple(values: list[int]) -> tuple[int, int, int]:
    low, middle, high = values
    return int(low), int(middle), int(high)
