"""Chord labels beside annotated chords: `python -m bandmate_bench.timing.chord_labels FILE [FILE...]`.

Each file has its chord symbols as block chords in the first part and the harmony in the others. Two readings of it are
labelled: all voices, as a chorale, and the highest voice left out, as a song whose melody it is.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from bandmate_model.cells.chord_estimate import NO_CHORD, half_bar_chords
from bandmate_model.cells.from_score import GRID, piece_of
from bandmate_model.cells.pieces import cells_of
from bandmate_model.cells.vocabulary import QUALITIES, QUALITY_STEPS
from bandmate_model.data.pieces import Piece, shift_to_c
from bandmate_music.analysis.key_finder import find_key
from bandmate_music.limits import Limits
from bandmate_music.read import read_score
from numpy.typing import NDArray

TRIADS = {"7": "", "maj7": "", "m7": "m", "dim7": "dim", "m7b5": "dim"}
"""Qualities that count as the triad they stand on."""
WHOLE = 0.99
"""A chord that stands over this share of a half bar stands over all of it."""

Chord = tuple[int, str]
"""Root above the tonic, and quality."""


def named(pitch_classes: set[int]) -> Chord | None:
    """The chord with exactly these pitch classes."""
    for root in range(12):
        for quality, steps in zip(QUALITIES, QUALITY_STEPS, strict=True):
            if {(root + step) % 12 for step in steps} == pitch_classes:
                return root, quality
    return None


def annotated(piece: Piece) -> list[tuple[Chord, float] | None]:
    """For each half bar the chord of the first part that stands longest in it, and its share of the half bar."""
    rows = piece.notes[piece.notes[:, 0] == piece.parts[0].part]
    shift = shift_to_c(piece.tonic)
    chords = []
    for onset in np.unique(rows[:, 1]).tolist():
        block = rows[rows[:, 1] == onset]
        chords.append((onset, onset + int(block[:, 2].max()), named({(p + shift) % 12 for p in block[:, 3].tolist()})))
    result: list[tuple[Chord, float] | None] = []
    tick = 0
    for length, _, _ in piece.bars:
        for start, end in ((tick, tick + length // 2), (tick + length // 2, tick + length)):
            shares: dict[Chord, float] = {}
            for first, last, chord in chords:
                if chord is not None and min(last, end) > max(first, start):
                    share = (min(last, end) - max(first, start)) / (end - start)
                    shares[chord] = shares.get(chord, 0.0) + share
            result.append(max(shares.items(), key=lambda item: item[1]) if shares else None)
        tick += length
    return result


def counts(piece: Piece, left_out: int) -> NDArray[np.int64]:
    """Half bars with a chord and a label, right roots, right triads on them, right qualities; the same where the chord
    stands over the whole half bar. `left_out`: how many parts after the chords are not heard."""
    heard = {part.part for part in piece.parts[1 + left_out :]}
    cells = cells_of(replace(piece, notes=piece.notes[np.isin(piece.notes[:, 0], list(heard))]))
    labels = half_bar_chords(cells.notes, cells.starts, cells.lengths, mode=cells.mode).ravel().tolist()
    result = np.zeros((2, 4), np.int64)
    for label, reference in zip(labels, annotated(piece), strict=True):
        if reference is None or label == NO_CHORD:
            continue
        (root, stated), share = reference
        quality = QUALITIES[label % len(QUALITIES)]
        right = label // len(QUALITIES) == root
        triad = right and TRIADS.get(quality, quality) == TRIADS.get(stated, stated)
        row = np.array([1, right, triad, right and quality == stated])
        result += np.stack([row, row * (share >= WHOLE)])
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    paths = parser.parse_args(arguments).files
    pieces = []
    for path in paths:
        piece = piece_of(read_score(path.read_bytes(), path.name, Limits()))
        key = find_key(piece.notes[:, 1], piece.notes[:, 2], piece.notes[:, 3], GRID).key
        pieces.append(replace(piece, tonic=key.tonic, mode=key.mode))
    for label, left_out in (("all voices", 0), ("without the highest", 1)):
        used = [piece for piece in pieces if len(piece.parts) > 2 + left_out]
        total = sum((counts(piece, left_out) for piece in used), np.zeros((2, 4), np.int64))
        for name, (number, *right) in zip(("half bars", "with one chord"), total.tolist(), strict=True):
            root, triad, quality = (value / number for value in right)
            print(f"{label}, {name}: {number}, root {root:.3f}, triad {triad:.3f}, quality {quality:.3f}")


if __name__ == "__main__":
    main()
