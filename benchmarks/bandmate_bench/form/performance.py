"""Loudness over the piece, and the timing of the drums."""

from statistics import fmean, pstdev

from bandmate_bench.form.arrangement import BLOCK_BARS
from bandmate_bench.form.piece import Piece

_OFF_GRID_SECONDS = 0.008
"""Real drummers have some .77 of their onsets farther than this from the nearest sixteenth or triplet."""


def loudness_range(piece: Piece) -> float | None:
    """MIDI velocities from the softest to the loudest four-bar block, by the mean of the notes that begin in it."""
    blocks: list[list[int]] = [[] for _ in range(len(piece.bars) // BLOCK_BARS)]
    for note in piece.notes:
        block = piece.bar_at(note.onset) // BLOCK_BARS
        if block < len(blocks):
            blocks[block].append(note.velocity)
    means = [fmean(block) for block in blocks if block]
    return max(means) - min(means) if len(means) > 1 else None


def chorus_louder(piece: Piece) -> float | None:
    """Mean velocity of all notes in choruses minus that in verses; None where one of them is missing."""
    sums: dict[str, list[int]] = {"chorus": [], "verse": []}
    sections = {bar: section.name for section in piece.sections for bar in range(section.first_bar, section.end_bar)}
    for note in piece.notes:
        kind = sections.get(piece.bar_at(note.onset), "")
        if kind in sums:
            sums[kind].append(note.velocity)
    if not sums["chorus"] or not sums["verse"]:
        return None
    return fmean(sums["chorus"]) - fmean(sums["verse"])


def off_grid_drums(piece: Piece) -> float | None:
    """Share of drum onsets more than 8 ms from the nearest sixteenth or triplet."""
    if not piece.drum_offsets:
        return None
    return sum(abs(late) > _OFF_GRID_SECONDS for late in piece.drum_offsets) / len(piece.drum_offsets)


def drum_offset_spread(piece: Piece) -> float | None:
    """Standard deviation of the drum onsets' distances from the grid, in milliseconds."""
    return 1000 * pstdev(piece.drum_offsets) if len(piece.drum_offsets) > 1 else None
