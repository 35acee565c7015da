"""Similarity of a piece to the training set: hashed n-grams of melody, independent of the key, and long copies.

An n-gram is NGRAM_NOTES successive top notes of a part, as intervals and time between onsets. The index holds each
n-gram's hash with the number of a piece that has it: two sorted arrays, no notes. A run of matching n-grams in one
piece is a passage in common. Passages of 32 notes of any part are found by copies.py, whose index is stored beside
this one."""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from bandmate_shared.contracts.songs import Match, Originality
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from bandmate_model.cells.pieces import Cells
from bandmate_model.cells.training_set import TrainingSet
from bandmate_model.checks.copies import Line, PassageIndex
from bandmate_model.data.tokens import GRID_PER_TICK, is_drum_slot, slot_class

NGRAM_NOTES = 6
MIN_DISTINCT = 3
"""N-grams with fewer different pitches (a repeated note, a trill) are ignored."""
FILE_NAME = "originality.safetensors"
_NON_MELODIC_CLASSES = frozenset({"drums", "bass", "pad"})
_MULTIPLIERS = np.frombuffer(
    bytes.fromhex("9e3779b185ebca77c2b2ae3d27d4eb2f165667b1d3a2646dfd7046c5b55a4f092545f49194d049bb"), dtype=">u4"
).astype(np.uint64)

Lines = Iterable[tuple[NDArray[np.int64], NDArray[np.int64]]]
"""Melodies as (onset ticks, pitches)."""


@dataclass(frozen=True, slots=True)
class OriginalityIndex:
    """Hashes in ascending order, beside each the number of its piece in `names`."""

    hashes: NDArray[np.uint32]
    pieces: NDArray[np.uint16]
    names: list[str]
    passages: PassageIndex | None = None
    """None in models of earlier versions, which then report no copies."""

    def save(self, folder: Path) -> None:
        names = np.frombuffer(json.dumps(self.names).encode(), dtype=np.uint8)
        arrays: dict[str, NDArray[Any]] = {"hashes": self.hashes, "pieces": self.pieces, "names": names}
        if self.passages is not None:
            arrays |= {
                "steps": self.passages.codes,
                "line_starts": self.passages.starts,
                "line_pieces": self.passages.owners,
            }
        save_file(arrays, folder / FILE_NAME)

    @staticmethod
    def load(folder: Path) -> "OriginalityIndex | None":
        """None if the model came without an index.

        Raises:
            ValueError: the file is broken.
        """
        path = folder / FILE_NAME
        if not path.is_file():
            return None
        try:
            arrays = load_file(path)
            names = json.loads(arrays["names"].tobytes())
            passages = (
                PassageIndex(arrays["steps"], arrays["line_starts"], arrays["line_pieces"])
                if "steps" in arrays
                else None
            )
            return OriginalityIndex(arrays["hashes"], arrays["pieces"], names, passages)
        except (SafetensorError, KeyError, OSError) as error:
            raise ValueError(f"{FILE_NAME} cannot be read: {error}") from error

    def compare(self, lines: Lines) -> Originality:
        """The longest common passage, and the share of the lines' n-grams that occur in training."""
        seen_count = total = max_length = 0
        nearest: int | None = None
        for onsets, pitches in lines:
            grams, is_distinct = ngrams(onsets, pitches)
            total += int(is_distinct.sum())
            starts = np.searchsorted(self.hashes, grams, side="left")
            ends = np.searchsorted(self.hashes, grams, side="right")
            runs: dict[int, int] = {}
            for start, end, distinct in zip(starts.tolist(), ends.tolist(), is_distinct.tolist(), strict=True):
                if not distinct:  # Uninformative: it neither breaks a passage nor lengthens it.
                    continue
                seen_count += end > start
                runs = {piece: runs.get(piece, 0) + 1 for piece in self.pieces[start:end].tolist()}
                for piece, length in runs.items():
                    if length > max_length:
                        max_length, nearest = length, piece
        return Originality(
            nearest_piece=None if nearest is None else self.names[nearest],
            longest_match_notes=max_length + NGRAM_NOTES - 1 if max_length else 0,
            seen_share=seen_count / total if total else 0.0,
            ngram_notes=NGRAM_NOTES,
        )

    def matches(self, rows: Sequence[Sequence[int]] | NDArray[np.integer], drums: Collection[int]) -> list[Match]:
        """The passages of 32 notes and more that composed notes share with training pieces.

        `rows` are (part, onset, duration, pitch, …) in grid ticks; `drums` the numbers of the parts that are drums.
        """
        return [] if self.passages is None else self.passages.matches(list(lines_of_rows(rows, drums)), self.names)


def lines_of_rows(
    rows: Sequence[Sequence[int]] | NDArray[np.integer], drums: Collection[int]
) -> Iterator[tuple[int, Line]]:
    """Each part's number and its notes in the form copies.py takes, from rows in grid ticks."""
    table = np.asarray(rows, dtype=np.int64).reshape(len(rows), -1)
    for part in np.unique(table[:, 0]).tolist() if len(table) else ():
        part_rows = table[table[:, 0] == part]
        part_rows = part_rows[np.lexsort((part_rows[:, 3], part_rows[:, 1] // GRID_PER_TICK))]
        yield part, (part_rows[:, 1] // GRID_PER_TICK, part_rows[:, 3], part in drums)


def ngrams(onsets: NDArray[np.int64], pitches: NDArray[np.int64]) -> tuple[NDArray[np.uint32], NDArray[np.bool_]]:
    """Hash of the n-gram that starts at each note, and whether it is informative (MIN_DISTINCT)."""
    count = len(pitches) - NGRAM_NOTES + 1
    if count <= 0:
        return np.zeros(0, np.uint32), np.zeros(0, np.bool_)
    windows = np.lib.stride_tricks.sliding_window_view(pitches, NGRAM_NOTES)
    distinct = 1 + (np.diff(np.sort(windows, axis=1), axis=1) > 0).sum(axis=1)
    steps = np.stack([np.diff(pitches) + 128, np.minimum(np.diff(onsets), 192)], axis=1).astype(np.uint64)
    values = np.lib.stride_tricks.sliding_window_view(steps, NGRAM_NOTES - 1, axis=0).reshape(count, -1)
    mixed = ((values + 1) * _MULTIPLIERS).sum(axis=1)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    return (mixed >> np.uint64(32)).astype(np.uint32), distinct >= MIN_DISTINCT


def top_line(onsets: NDArray[np.int64], pitches: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The highest note of each onset."""
    order = np.lexsort((pitches, onsets))
    onsets, pitches = onsets[order], pitches[order]
    is_top = np.append(onsets[1:] != onsets[:-1], True) if len(onsets) else np.zeros(0, np.bool_)
    return onsets[is_top], pitches[is_top]


def build_index(training: TrainingSet, *, leave_out: frozenset[str] = frozenset()) -> OriginalityIndex:
    """Index of every training piece: its melodic parts' top lines, and the passages of all its parts. Styles in
    `leave_out` have no music of their own."""
    names: list[str] = []
    hashes, numbers = [], []
    lines: list[tuple[int, Line]] = []
    for index in training.split("train"):
        if training.pieces[index].style in leave_out or len(names) > np.iinfo(np.uint16).max:
            continue
        piece = training[index]
        piece_lines = list(_lines(piece))
        lines += [(len(names), line) for _, line in piece_lines]
        tops = [
            top_line(onsets, pitches)
            for slot, (onsets, pitches, _) in piece_lines
            if slot_class(slot) not in _NON_MELODIC_CLASSES
        ]
        distinct_hashes = [grams[mask] for grams, mask in (ngrams(*top) for top in tops) if mask.any()]
        if distinct_hashes:
            piece_hashes = np.unique(np.concatenate(distinct_hashes))
            hashes.append(piece_hashes)
            numbers.append(np.full(len(piece_hashes), len(names), dtype=np.uint16))
        names.append(piece.name)
    merged = np.concatenate([np.zeros(0, np.uint32), *hashes])
    owner = np.concatenate([np.zeros(0, np.uint16), *numbers])
    order = np.argsort(merged, kind="stable")
    return OriginalityIndex(merged[order], owner[order], names, PassageIndex.build(lines))


def _lines(piece: Cells) -> Iterator[tuple[int, Line]]:
    """Each slot of a piece and its notes, in order of onset and pitch."""
    rows = piece.notes.astype(np.int64)
    onsets = piece.starts[rows[:, 0]] + rows[:, 2]
    for slot in piece.slots:
        slot_rows = np.flatnonzero(rows[:, 1] == slot)
        slot_rows = slot_rows[np.lexsort((rows[slot_rows, 4], onsets[slot_rows]))]
        yield slot, (onsets[slot_rows], rows[slot_rows, 4], is_drum_slot(slot))
