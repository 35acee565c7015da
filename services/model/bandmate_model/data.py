"""From a dataset folder (layout: contracts/datasets.py) to the training rows of context.py.

Pieces are read one at a time and their rows go straight to a file, so memory does not grow with the dataset.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bandmate_model.context import COLUMNS, Context
from bandmate_model.tokens import (
    BAR,
    DRUM_DURATION,
    DRUM_PITCH,
    DURATIONS,
    GRID_PER_TICK,
    PAD_DRUMS,
    TIME_BAR,
    TIME_POSITION,
    TIME_SAME,
    Event,
    Frame,
    assign_slots,
    duration_token,
    instrument_class,
    tempo_token,
    velocity_token,
)

MIN_NOTES = 8
"""A piece with fewer notes teaches nothing."""

Rows = NDArray[np.int16]
_DATASET_FILES = ("pieces.parquet", "parts.parquet", "measures.parquet", "notes.parquet")


class DatasetUnusable(ValueError):
    """The channel does not hold a dataset one can train on; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class PartInfo:
    """One part of a piece as the dataset describes it."""

    part: int
    name: str
    program: int
    is_drum: bool
    instrument: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of a dataset. `notes` rows: part, onset, duration, pitch, velocity in grid ticks, 24 a quarter."""

    name: str
    style: str
    split: str
    tonic: int
    mode: str
    tempo: float
    bars: tuple[tuple[int, int, int], ...]
    """(length in grid ticks, numerator, denominator) a bar."""
    parts: tuple[PartInfo, ...]
    notes: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class NoteTable:
    """Notes as columns in model ticks; `slot` is whatever tells the parts apart."""

    slot: NDArray[np.int64]
    onset: NDArray[np.int64]
    duration: NDArray[np.int64]
    pitch: NDArray[np.int64]
    drum: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Sequence:
    """A piece as the network sees it."""

    frame: Frame
    slots: dict[int, int]
    """Part → slot token; parts for which there was no room are left out."""
    events: list[Event]


@dataclass(slots=True)
class PieceRows:
    """Where a piece's rows lie in the rows file, and what holds for the whole piece."""

    name: str
    style: str
    split: str
    mode: str
    tempo: int
    slots: list[int]
    start: int
    length: int
    notes: int


@dataclass(slots=True)
class TrainingSet:
    """All rows of a dataset, memory mapped, with the index of pieces."""

    rows: Rows
    pieces: list[PieceRows]
    styles: list[str] = field(default_factory=list)

    def split(self, name: str) -> list[int]:
        return [index for index, piece in enumerate(self.pieces) if piece.split == name]


def shift_to_c(tonic: int) -> int:
    """Semitones, -5..6, that move `tonic` to C."""
    shift = -tonic % 12
    return shift - 12 if shift > 6 else shift


def read_pieces(folder: Path) -> Iterator[Piece]:
    """The pieces of a dataset in order.

    Raises:
        DatasetUnusable: a table is missing, unreadable, or empty.
    """
    from pyarrow import ArrowException
    from pyarrow import parquet as pq

    for name in _DATASET_FILES:
        if not (folder / name).is_file():
            raise DatasetUnusable(f"the training channel holds no {name}: it is not a Bandmate dataset")
    try:
        pieces = pq.read_table(folder / "pieces.parquet").to_pylist()
        parts = _Grouped(folder / "parts.parquet")
        measures = _Grouped(folder / "measures.parquet")
        notes = _Grouped(folder / "notes.parquet")
        if not pieces:
            raise DatasetUnusable("the dataset holds no pieces")
        for row in sorted(pieces, key=lambda piece: piece["piece"]):
            yield _piece(row, parts, measures, notes)
    except (ArrowException, KeyError, OSError) as error:
        raise DatasetUnusable(f"the dataset cannot be read: {error}") from error


def sequence(piece: Piece) -> Sequence:
    """A piece as events in tonic C, without what the vocabulary cannot hold."""
    frame = Frame.from_bars([(max(1, length // GRID_PER_TICK), n, d) for length, n, d in piece.bars])
    slots = part_slots(piece)
    shift = shift_to_c(piece.tonic)
    drums = {part.part for part in piece.parts if part.is_drum}
    pads = {part for part in drums if np.isin(piece.notes[piece.notes[:, 0] == part, 3], (22, 26)).any()}
    flat = {part.part for part in piece.parts if len(np.unique(piece.notes[piece.notes[:, 0] == part.part, 4])) < 4}
    rows: dict[tuple[int, int, int], tuple[int, int]] = {}
    for part, onset, duration, pitch, velocity in piece.notes.tolist():
        slot, tick = slots.get(part, 0), onset // GRID_PER_TICK
        if not slot or tick >= frame.end or tick < 0:
            continue
        loud = 0 if part in flat or part not in drums else velocity_token(velocity)
        if part in drums:
            drum = PAD_DRUMS.get(pitch, pitch) if part in pads else pitch
            rows[tick, slot, DRUM_PITCH + drum] = (DRUM_DURATION, loud)
        elif 0 <= pitch + shift <= 127:
            length = duration_token(max(1, round(duration / GRID_PER_TICK)))
            key = (tick, slot, 1 + pitch + shift)
            rows[key] = max(rows.get(key, (0, 0)), (length, loud))
    return Sequence(frame, slots, events_of(frame, rows))


def events_of(frame: Frame, rows: dict[tuple[int, int, int], tuple[int, int]]) -> list[Event]:
    """(tick, slot, pitch token) → (duration token, velocity token), in order, with the ends of all bars."""
    events: list[Event] = []
    bar, here = 0, -1
    for (tick, slot, pitch), (duration, loud) in sorted(rows.items()):
        while tick >= frame.starts[bar] + frame.lengths[bar]:
            events.append(BAR)
            bar, here = bar + 1, -1
        time = TIME_SAME if tick == here else TIME_POSITION + tick - frame.starts[bar]
        here = tick
        events.append(Event(time, slot, duration, pitch, loud))
    events.extend([BAR] * (len(frame.starts) - bar))
    return events


def part_slots(piece: Piece) -> dict[int, int]:
    """Slot of each part that has notes."""
    means: list[float] = []
    classes: list[str] = []
    parts = []
    for part in piece.parts:
        pitches = piece.notes[piece.notes[:, 0] == part.part, 3]
        if not len(pitches):
            continue
        classes.append(instrument_of(part))
        means.append(float(pitches.mean()))
        parts.append(part)
    if _is_choir(piece, parts, classes):
        classes = ["voice"] * len(classes)
    return {part.part: slot for part, slot in zip(parts, assign_slots(classes, means), strict=True) if slot}


def instrument_of(part: PartInfo) -> str:
    """The instrument class (tokens.CLASSES) of a dataset's part."""
    return instrument_class(program=part.program, is_drum=part.is_drum, is_voice=part.instrument == "voice")


def build(pieces: Callable[[], Iterable[Piece]], workdir: Path) -> TrainingSet:
    """Rows of every piece, written to `workdir` (and taken from there if they are there already).

    Raises:
        DatasetUnusable: as read_pieces; or no piece is long enough, or a split is empty.
    """
    rows_path, index_path = workdir / "rows.i16", workdir / "pieces.json"
    if not index_path.is_file():
        workdir.mkdir(parents=True, exist_ok=True)
        index: list[PieceRows] = []
        start = 0
        with rows_path.open("wb") as out:
            for piece in pieces():
                made = sequence(piece)
                notes = sum(1 for event in made.events if event.slot)
                if notes < MIN_NOTES or piece.split == "test":
                    continue
                rows = rows_of(made)
                out.write(rows.tobytes())
                slots = sorted(made.slots.values())
                index.append(
                    PieceRows(
                        piece.name, piece.style, piece.split, piece.mode, tempo_token(piece.tempo),
                        slots, start, len(rows), notes,
                    )
                )  # fmt: skip
                start += len(rows)
        temporary = index_path.with_suffix(".part")
        temporary.write_text(json.dumps([asdict(piece) for piece in index]))
        temporary.replace(index_path)
    known = [PieceRows(**row) for row in json.loads(index_path.read_text())]
    if not any(piece.split == "train" for piece in known):
        raise DatasetUnusable(f"the dataset has no training piece of at least {MIN_NOTES} notes")
    rows = np.memmap(rows_path, dtype=np.int16, mode="r").reshape(-1, len(COLUMNS))
    return TrainingSet(rows, known, sorted({piece.style for piece in known}))


def note_table(rows: Rows, bars: int) -> tuple[NoteTable, int, int]:
    """The notes in the first bars of a piece's rows, the usual bar's ticks, and how many bars were read.

    Bars count as of the usual length, so that notes can be laid over one another bar by bar.
    """
    columns = {name: rows[:, COLUMNS.index(name)].astype(np.int64) for name in COLUMNS if name.startswith("target_")}
    ends = columns["target_time"] == TIME_BAR
    lengths = rows[ends, COLUMNS.index("bar_ticks")]
    bar_ticks = int(np.bincount(lengths).argmax()) if len(lengths) else 48
    bar = np.cumsum(ends) - ends
    chosen = (columns["target_slot"] > 0) & (bar < bars) & (columns["target_position"] < bar_ticks)
    slot, pitch = columns["target_slot"][chosen], columns["target_pitch"][chosen]
    drum = pitch >= DRUM_PITCH
    count = min(bars, int(ends.sum()))
    onset = bar[chosen] * bar_ticks + columns["target_position"][chosen]
    duration = np.array([0, *DURATIONS])[columns["target_duration"][chosen]]
    duration = np.minimum(duration, max(1, count) * bar_ticks - onset)
    return NoteTable(slot, onset, duration, pitch - np.where(drum, DRUM_PITCH, 1), drum), bar_ticks, count


def rows_of(made: Sequence) -> Rows:
    context = Context(made.frame)
    rows = np.empty((len(made.events), len(COLUMNS)), dtype=np.int16)
    for index, event in enumerate(made.events):
        rows[index] = context.row(event)
        context.advance(event)
    return rows


def _is_choir(piece: Piece, parts: list[PartInfo], classes: list[str]) -> bool:
    """Three to five lines of one unnamed instrument, each one note at a time: voices set down on a keyboard."""
    if not 3 <= len(parts) <= 5 or set(classes) != {"piano"}:
        return False
    for part in parts:
        notes = piece.notes[piece.notes[:, 0] == part.part]
        ends = notes[:-1, 1] + notes[:-1, 2]
        if (ends > notes[1:, 1]).any():
            return False
    return True


def _piece(row: dict[str, Any], parts: "_Grouped", measures: "_Grouped", notes: "_Grouped") -> Piece:
    number = row["piece"]
    part_rows, bars, table = parts.of(number), measures.of(number), notes.of(number)
    columns = [np.asarray(table[name], dtype=np.int32) for name in ("part", "onset", "duration", "pitch", "velocity")]
    matrix = np.stack(columns, axis=1) if len(columns[0]) else np.zeros((0, 5), np.int32)
    matrix = matrix[np.lexsort((matrix[:, 3], matrix[:, 1], matrix[:, 0]))]
    return Piece(
        name=row["name"], style=row["style"], split=row["split"], tonic=row["tonic"], mode=row["mode"],
        tempo=row["tempo"] or 120.0,
        bars=tuple(zip(bars["length"], bars["numerator"], bars["denominator"], strict=True)),
        parts=tuple(
            PartInfo(*values)
            for values in zip(
                part_rows["part"], part_rows["name"], part_rows["program"], part_rows["is_drum"],
                part_rows["instrument"], strict=True,
            )
        ),
        notes=matrix,
    )  # fmt: skip


class _Grouped:
    """Rows of a table sorted by piece, handed out a piece at a time in ascending order."""

    def __init__(self, path: Path) -> None:
        from pyarrow import parquet as pq

        file = pq.ParquetFile(path)
        self._names = file.schema_arrow.names
        self._batches = file.iter_batches(batch_size=65_536)
        self._columns: dict[str, list[Any]] = {name: [] for name in self._names}

    def of(self, piece: int) -> dict[str, list[Any]]:
        """Columns of the rows of `piece`; empty lists where it has none."""
        numbers = self._columns["piece"]
        while not numbers or numbers[-1] <= piece:
            batch = next(self._batches, None)
            if batch is None:
                break
            for name, column in batch.to_pydict().items():
                self._columns[name].extend(column)
            numbers = self._columns["piece"]
        first = next((i for i, number in enumerate(numbers) if number >= piece), len(numbers))
        last = next((i for i in range(first, len(numbers)) if numbers[i] != piece), len(numbers))
        result = {name: column[first:last] for name, column in self._columns.items()}
        self._columns = {name: column[last:] for name, column in self._columns.items()}
        return result
