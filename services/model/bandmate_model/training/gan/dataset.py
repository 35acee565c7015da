"""From a dataset's pieces to blocks: notes on disk, memory mapped, painted into rolls when a batch is drawn."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from bandmate_music.analysis.roles import PartProfile, Role, find_roles
from numpy.typing import NDArray

from bandmate_model.data.pieces import MIN_NOTES, DatasetUnusable, PartInfo, Piece, instrument_of, shift_to_c
from bandmate_model.data.tokens import GRID_PER_TICK, PAD_DRUMS, metre_token, tempo_token
from bandmate_model.gan.condition import Condition
from bandmate_model.gan.roll import (
    BLOCK,
    BLOCK_STEPS,
    DRUMS,
    SLICE_STEPS,
    TRACK_OF_CELL,
    TRACKS,
    WINDOW_STEPS,
    Bool,
    Slices,
    paint,
    row_of,
)
from bandmate_model.gan.tracks import assign

VERSION = 2
"""Version of the rows below; files of another version are rebuilt."""
COLUMNS = ("start", "end", "track", "row")
MIN_BLOCK_NOTES = 4
"""Minimum number of new notes; a block with fewer is drawn again."""
_TRIES = 50


@dataclass(slots=True)
class BlockPiece:
    """A piece's place in the two files, and the attributes of the whole piece."""

    name: str
    style: str
    split: str
    mode: str
    tempo: int
    metre: int
    note_start: int
    notes: int
    slice_start: int
    slices: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Blocks with their context. B blocks, WINDOW_STEPS steps of which the last BLOCK_STEPS are the block."""

    roll: Bool
    """(B, WINDOW_STEPS, CELLS)"""
    present: Bool
    """(B, WINDOW_STEPS): steps that exist."""
    given: Bool
    """(B, 2 * BLOCK, tracks): cells whose notes are known; also those of tracks that do not play."""
    condition: NDArray[np.float32]
    """(B, condition size)"""
    active: Bool
    """(B, tracks): tracks that play in the block."""

    def free(self) -> Bool:
        """(B, BLOCK_STEPS, CELLS): what is to be composed."""
        cells = ~self.given[:, BLOCK:][:, :, TRACK_OF_CELL]
        return np.repeat(cells, SLICE_STEPS, axis=1) & self.present[:, BLOCK_STEPS:, None]


@dataclass(frozen=True, slots=True)
class BlockSet:
    """All notes of a dataset in the network's terms."""

    notes: NDArray[np.int32]
    """Rows of COLUMNS, a piece after the other, in order of start."""
    lengths: NDArray[np.int16]
    """Ticks of every slice."""
    pieces: list[BlockPiece]
    styles: list[str]

    def split(self, name: str) -> list[int]:
        return [index for index, piece in enumerate(self.pieces) if piece.split == name]

    def slices(self, index: int) -> Slices:
        piece = self.pieces[index]
        lengths = self.lengths[piece.slice_start : piece.slice_start + piece.slices].astype(np.int64)
        return Slices(np.cumsum(lengths) - lengths, lengths, np.arange(len(lengths)))

    def own_notes(self, index: int) -> NDArray[np.int32]:
        piece = self.pieces[index]
        return self.notes[piece.note_start : piece.note_start + piece.notes]

    def windows(self, chosen: list[tuple[int, int]]) -> tuple[Bool, Bool]:
        """Rolls and existing steps of windows (piece, first slice of the block)."""
        tables, items = [], []
        present = np.zeros((len(chosen), WINDOW_STEPS), dtype=bool)
        for item, (index, first_slice) in enumerate(chosen):
            piece_notes = self.own_notes(index)
            low, high = ((first_slice + shift) * SLICE_STEPS for shift in (-BLOCK, BLOCK))
            start, end = np.searchsorted(piece_notes[:, 0], (max(0, low), high))
            rows = piece_notes[start:end] - np.array([low, low, 0, 0], dtype=np.int32)
            tables.append(rows)
            items.append(np.full(len(rows), item, dtype=np.int64))
            present[item] = self.slices(index).present(first_slice - BLOCK, 2 * BLOCK)
        roll = paint(np.concatenate(tables), np.concatenate(items), len(chosen), WINDOW_STEPS)
        return roll & present[:, :, None], present


def build(pieces: Callable[[], Iterable[Piece]], workdir: Path) -> BlockSet:
    """The notes of every piece but the test split's, written to `workdir`, or taken from there.

    Raises:
        DatasetUnusable: as read_pieces; or there is no piece to train on.
    """
    notes_path, slices_path, index_path = (workdir / name for name in ("notes.i32", "slices.i16", "blocks.json"))
    if not index_path.is_file():
        workdir.mkdir(parents=True, exist_ok=True)
        index: list[BlockPiece] = []
        notes = slices = 0
        with notes_path.open("wb") as note_file, slices_path.open("wb") as slice_file:
            for piece in pieces():
                if piece.split == "test" or len(piece.notes) < MIN_NOTES or not piece.bars:
                    continue
                frame, rows = rows_of(piece)
                if len(rows) < MIN_NOTES:
                    continue
                note_file.write(rows.tobytes())
                slice_file.write(frame.lengths.astype(np.int16).tobytes())
                _, numerator, denominator = piece.bars[len(piece.bars) // 2]
                index.append(
                    BlockPiece(
                        piece.name,
                        piece.style,
                        piece.split,
                        piece.mode,
                        tempo_token(piece.tempo),
                        metre_token(numerator, denominator),
                        notes,
                        len(rows),
                        slices,
                        len(frame),
                    )
                )
                notes, slices = notes + len(rows), slices + len(frame)
        temporary = index_path.with_suffix(".part")
        temporary.write_text(json.dumps([asdict(piece) for piece in index]))
        temporary.replace(index_path)
    entries = [BlockPiece(**row) for row in json.loads(index_path.read_text())]
    if not any(piece.split == "train" for piece in entries):
        raise DatasetUnusable(f"the dataset has no training piece of at least {MIN_NOTES} notes")
    rows = np.memmap(notes_path, dtype=np.int32, mode="r").reshape(-1, len(COLUMNS))
    lengths = np.memmap(slices_path, dtype=np.int16, mode="r")
    return BlockSet(rows, lengths, entries, sorted({piece.style for piece in entries}))


def rows_of(piece: Piece) -> tuple[Slices, NDArray[np.int32]]:
    """A piece's slices, and its notes as rows of COLUMNS in tonic C. Drums without a place in the kit are left out."""
    frame = Slices.of([(length // GRID_PER_TICK, numerator) for length, numerator, _ in piece.bars])
    parts = [part for part in piece.parts if (piece.notes[:, 0] == part.part).any()]
    heights = [float(piece.notes[piece.notes[:, 0] == part.part, 3].mean()) for part in parts]
    classes = [instrument_of(part) for part in parts]
    tracks = dict(zip((p.part for p in parts), assign(_roles(piece, parts, heights), classes, heights), strict=True))
    table = piece.notes[(piece.notes[:, 1] // GRID_PER_TICK < frame.end) & np.isin(piece.notes[:, 0], list(tracks))]
    shift = shift_to_c(piece.tonic)
    track = np.array([tracks[part] for part in table[:, 0].tolist()], dtype=np.int64)
    row = np.array(
        [
            row_of(DRUMS, PAD_DRUMS.get(pitch, pitch)) if note_track == DRUMS else row_of(note_track, pitch + shift)
            for note_track, pitch in zip(track.tolist(), table[:, 3].tolist(), strict=True)
        ],
        dtype=np.int64,
    )
    onset = table[:, 1].astype(np.int64)
    start = frame.onset_steps(onset // GRID_PER_TICK)
    end = np.maximum(start + 1, frame.end_steps((onset + table[:, 2]) // GRID_PER_TICK))
    rows = np.stack([start, end, track, row], axis=1)[row >= 0].astype(np.int32)
    return frame, rows[np.lexsort((rows[:, 3], rows[:, 2], rows[:, 0]))]


class Drawing:
    """Batches of a split. The batch of a step depends on the seed and the step alone: no state has to be kept."""

    def __init__(self, blocks: BlockSet, split: str, *, condition: Condition, mix_power: float, seed: int) -> None:
        self._blocks, self._condition, self._seed = blocks, condition, seed
        self._indices = np.array(blocks.split(split), dtype=np.int64)
        sizes = np.array([blocks.pieces[index].slices for index in self._indices], dtype=np.float64)
        styles = np.array([blocks.styles.index(blocks.pieces[index].style) for index in self._indices])
        totals = np.bincount(styles, weights=sizes, minlength=len(blocks.styles))
        weights = sizes / totals[styles] * totals[styles] ** mix_power
        self._chances = weights / weights.sum()

    @property
    def slices(self) -> int:
        """How many slices there are: an epoch sees as many."""
        return sum(self._blocks.pieces[index].slices for index in self._indices)

    def draw(self, step: int, size: int, *, given: str = "mixed") -> Batch:
        """`given`: mixed (every case training needs), nothing, or melody (the highest track that plays)."""
        generator = np.random.default_rng([self._seed, step])
        chosen: list[tuple[int, int]] = []
        active: list[Bool] = []
        while len(chosen) < size:
            window, playing = self._window(generator)
            chosen.append(window)
            active.append(playing)
        roll, present = self._blocks.windows(chosen)
        sounding = np.array(active)
        known = np.zeros((size, 2 * BLOCK, len(TRACKS)), dtype=bool)
        for item in range(size):
            block_present = present[item, BLOCK_STEPS::SLICE_STEPS]
            known[item] = _draw_known_cells(sounding[item], block_present, generator, given)
        known |= ~sounding[:, None, :] & (np.arange(2 * BLOCK) >= BLOCK)[None, :, None]
        hidden = np.repeat(~known[:, :BLOCK], SLICE_STEPS, axis=1)[:, :, TRACK_OF_CELL]
        roll[:, :BLOCK_STEPS][hidden] = False
        return Batch(roll, present, known, self._conditions(chosen, sounding), sounding)

    def _window(self, generator: np.random.Generator) -> tuple[tuple[int, int], Bool]:
        for _ in range(_TRIES):
            index = int(self._indices[generator.choice(len(self._indices), p=self._chances)])
            first_slice = int(generator.integers(self._blocks.pieces[index].slices))
            piece_notes = self._blocks.own_notes(index)
            low, high = np.searchsorted(
                piece_notes[:, 0], (first_slice * SLICE_STEPS, (first_slice + BLOCK) * SLICE_STEPS)
            )
            if high - low >= MIN_BLOCK_NOTES:
                break
        return (index, first_slice), np.bincount(piece_notes[low:high, 2], minlength=len(TRACKS)) > 0

    def _conditions(self, chosen: list[tuple[int, int]], active: Bool) -> NDArray[np.float32]:
        rows = []
        for (index, first_slice), playing in zip(chosen, active, strict=True):
            piece = self._blocks.pieces[index]
            rows.append(
                self._condition.row(
                    style=piece.style,
                    mode=piece.mode,
                    tempo=piece.tempo,
                    metre=piece.metre,
                    active=playing,
                    begins=first_slice == 0,
                    ends=first_slice + BLOCK >= piece.slices,
                )
            )
        return np.stack(rows)


def _draw_known_cells(active: Bool, present: Bool, generator: np.random.Generator, kind: str) -> Bool:
    """(2 * BLOCK, tracks): which cells are known: most of those before the block, and any but not all in it."""
    known = np.zeros((2 * BLOCK, len(TRACKS)), dtype=bool)
    known[:BLOCK] = True
    block = known[BLOCK:]
    if kind == "melody":
        block[:, int(np.flatnonzero(active)[0])] = True
    if kind != "mixed":
        return known
    case = generator.random()
    subset = generator.random(len(TRACKS)) < 0.5
    if case < 0.35:
        pass
    elif case < 0.65:
        block[:, subset] = True
    elif case < 0.8:
        block[: generator.integers(1, BLOCK)] = True
    elif case < 0.9:
        first, last = sorted(generator.integers(0, BLOCK, 2))
        block[:] = True
        block[first : last + 1, subset] = False
    else:
        block[:] = generator.random(block.shape) < generator.random()
    if block[present][:, active].all():
        block[:] = False
    if generator.random() < 0.15:
        known[:BLOCK, generator.random(len(TRACKS)) < 0.7] = False
    return known


def _roles(piece: Piece, parts: Sequence[PartInfo], heights: Sequence[float]) -> list[Role]:
    profiles = []
    for part, height in zip(parts, heights, strict=True):
        notes = piece.notes[piece.notes[:, 0] == part.part]
        onsets = len(np.unique(notes[:, 1]))
        profiles.append(PartProfile(part.name, part.program, part.is_drum, height, len(notes), onsets))
    return find_roles(profiles)
