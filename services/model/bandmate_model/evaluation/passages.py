"""Passages of real music, as a set to be measured and as the frames that a model is asked to fill.

A model is judged on requests like the music it learned from: each takes its line-up, ranges, key, metre and tempo from
a passage, but not its notes."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from bandmate_shared.contracts.composition import CompositionRequest, PartSpec, Role
from numpy.typing import NDArray

from bandmate_model.cells.pieces import Cells, is_drum
from bandmate_model.data.excerpt import Excerpt, excerpt, windows
from bandmate_model.data.pieces import PartInfo, Piece, part_slots
from bandmate_model.data.tokens import DURATIONS, GRID_PER_TICK, METRES, is_drum_slot, slot_class

MIN_NOTES = 8
"""Passages with fewer notes are not used for comparison."""
TEMPI = (50.0, 70.0, 90.0, 110.0, 130.0, 155.0, 180.0)
"""A tempo for each of tokens.tempo_token's classes."""
PROGRAMS = {
    "voice": 52,
    "wind": 73,
    "brass": 61,
    "strings": 40,
    "lead": 80,
    "organ": 19,
    "piano": 0,
    "mallet": 11,
    "guitar": 25,
    "ensemble": 48,
    "pad": 89,
    "other": 104,
    "bass": 33,
    "drums": 0,
}
"""A General MIDI program for each of tokens.CLASSES."""
_DENOMINATORS = (1, 2, 4, 8, 16)
_MAX_PARTS = 16
_DRUM_TICKS = 6


@dataclass(frozen=True, slots=True)
class Passage:
    """`bars` bars of a piece from `first_bar` (0-based) on, all of one metre and length."""

    piece: Piece
    first_bar: int
    bars: int

    @property
    def first_tick(self) -> int:
        return sum(length for length, _, _ in self.piece.bars[: self.first_bar])

    @property
    def bar_ticks(self) -> int:
        return self.piece.bars[self.first_bar][0]

    @property
    def drums(self) -> set[int]:
        """The numbers of the parts that are drums."""
        return {part.part for part in self.piece.parts if part.is_drum}

    def rows(self) -> NDArray[np.int32]:
        """The rows of Piece.notes that begin in it, unchanged."""
        onsets = self.piece.notes[:, 1]
        return self.piece.notes[(onsets >= self.first_tick) & (onsets < self.first_tick + self.bars * self.bar_ticks)]

    def excerpt(self) -> Excerpt:
        """The notes that begin in it."""
        return excerpt(
            self.piece.notes,
            self.drums,
            self.bar_ticks,
            self.bars,
            first_tick=self.first_tick,
            tonic=self.piece.tonic,
            mode=self.piece.mode,
        )

    def request(self, seed: int) -> CompositionRequest:
        """The request for music with the parts that play in the passage, in its key, metre and tempo."""
        playing = np.unique(self.excerpt().part).tolist()
        _, numerator, denominator = self.piece.bars[self.first_bar]
        return CompositionRequest(
            style=self.piece.style,
            tonic=self.piece.tonic,
            mode="minor" if self.piece.mode == "minor" else "major",
            numerator=numerator,
            denominator=denominator,
            bars=self.bars,
            tempo=self.piece.tempo,
            parts=_specs(self.piece, playing)[:_MAX_PARTS],
            seeds=[seed],
        )


def draw(pieces: Sequence[Piece], count: int, bars: int, seed: int) -> list[Passage]:
    """`count` passages at random bars, spread evenly over the pieces; fewer only if the pieces hold none at all."""
    dice = random.Random(seed)  # noqa: S311 - samples, not secrets
    choices = [(piece, _starts(piece, bars)) for piece in pieces]
    choices = [(piece, starts) for piece, starts in choices if starts]
    passages: list[Passage] = []
    while choices and len(passages) < count:
        dice.shuffle(choices)
        for piece, starts in choices[: count - len(passages)]:
            passages.append(Passage(piece, dice.choice(starts), bars))
    return passages


def piece_of(cells: Cells) -> Piece:
    """A piece of a training set as a dataset's piece again: in tonic C, instruments by their class."""
    metres = [METRES[number] for number in cells.metres.tolist()]
    signatures = [(4, 4) if name == "other" else tuple(map(int, name.split("/"))) for name in metres]
    lengths = (cells.lengths.astype(np.int64) * GRID_PER_TICK).tolist()
    rows = cells.notes.astype(np.int64)
    drum = is_drum(rows[:, 1])
    durations = np.array([0, *DURATIONS])[np.where(drum, 0, rows[:, 3])] * GRID_PER_TICK
    onsets = (cells.starts[rows[:, 0]] + rows[:, 2]) * GRID_PER_TICK
    parts = tuple(
        PartInfo(slot, f"{slot_class(slot)} {slot}", PROGRAMS[slot_class(slot)], is_drum_slot(slot), _instrument(slot))
        for slot in cells.slots
    )
    loud = np.where(drum, rows[:, 3] * 16 - 8, 64)
    notes = np.stack([rows[:, 1], onsets, np.where(drum, _DRUM_TICKS, durations), rows[:, 4], loud], axis=1)
    notes = notes[np.lexsort((notes[:, 3], notes[:, 1], notes[:, 0]))]
    return Piece(
        cells.name,
        cells.style,
        cells.split,
        0,
        "minor" if cells.mode else "major",
        TEMPI[cells.tempo],
        tuple((length, *signature) for length, signature in zip(lengths, signatures, strict=True)),
        parts,
        notes.astype(np.int32),
    )


def _instrument(slot: int) -> str:
    return "voice" if slot_class(slot) == "voice" else ""


def _starts(piece: Piece, bars: int) -> list[int]:
    """Where passages can begin: in a metre that a request can have, with enough notes."""
    if len(piece.bars) < bars:
        return []
    edges = np.concatenate([[0], np.cumsum([length for length, _, _ in piece.bars])])
    before = np.searchsorted(np.sort(piece.notes[:, 1]), edges)
    starts = []
    for start in windows(piece.bars, bars):
        length, numerator, denominator = piece.bars[start]
        fits_grid = denominator in _DENOMINATORS and length * denominator == numerator * 96
        if fits_grid and 1 <= numerator <= 16 and before[start + bars] - before[start] >= MIN_NOTES:
            starts.append(start)
    return starts


def _specs(piece: Piece, playing: Sequence[int]) -> list[PartSpec]:
    """A requested part for each part that plays, with its range and polyphony in the whole piece."""
    slots = part_slots(piece)
    parts = [part for part in piece.parts if part.part in playing and slots.get(part.part)]
    rows = {part.part: piece.notes[piece.notes[:, 0] == part.part] for part in parts}
    heights = {part.part: float(rows[part.part][:, 3].mean()) for part in parts if not part.is_drum}
    voices = [part.part for part in parts if slot_class(slots[part.part]) == "voice"]
    lead = max(voices or heights, key=lambda part: heights.get(part, 0.0), default=-1)
    specs: list[PartSpec] = []
    for part in parts:
        name = slot_class(slots[part.part])
        part_rows = rows[part.part]
        mono = not part.is_drum and bool((part_rows[1:, 1] >= part_rows[:-1, 1] + part_rows[:-1, 2]).all())
        role: Role = (
            "drums" if part.is_drum else "melody" if part.part == lead else "bass" if name == "bass" else "harmony"
        )
        low, high = (0, 127) if part.is_drum else (int(part_rows[:, 3].min()), int(part_rows[:, 3].max()))
        specs.append(
            PartSpec(
                name=f"{len(specs) + 1} {name}",
                role=role,
                is_drum=part.is_drum,
                is_voice=name == "voice" and mono,
                program=PROGRAMS["voice"] if name == "voice" else min(127, max(0, part.program)),
                low=low,
                high=high,
                monophonic=mono,
            )
        )
    return specs
