"""Training batches: rows of tokens of one length, each packed with windows of pieces.

A lane of the batch goes through whole pieces, window after window, so that a long piece is seen entirely and a batch
never consists of one piece. What is given, and whether chords and registers are written, is drawn anew for every piece.
The order follows from the seed, and `position()` is all that a checkpoint needs to resume exactly there.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bandmate_model.cells.encode import FREE, GIVEN, encode
from bandmate_model.cells.pieces import Cells, is_drum
from bandmate_model.cells.training_set import TrainingSet
from bandmate_model.cells.vocabulary import DRUM, PAD, PITCH, REGISTER, TEMPO

MIN_ROOM = 48
"""A row with room for fewer tokens is padded."""
GIVEN_WEIGHT = 0.3
"""Loss weight of a token of a given cell (1 for a free cell). Given cells are useful training data but are never
sampled."""
CHORD_SHARE = 0.65
"""Share of the pieces whose chords are written: new songs are always composed to chords."""
VALIDATION_WINDOWS = 2
"""How many windows of each validation piece are measured, so that the beginnings of pieces count as much as their
middles."""


@dataclass(frozen=True, slots=True)
class Batch:
    """`tokens` (rows, length + 1): inputs and, one on, targets; `weights` (rows, length) of the targets; `documents`
    (rows, length): which window an input belongs to; `choices` and `notes`: free targets, and the notes they make."""

    tokens: NDArray[np.int16]
    weights: NDArray[np.float32]
    documents: NDArray[np.int16]
    choices: int
    notes: int

    def only(self, lanes: slice) -> "Batch":
        """The batch of some of its lanes; the counts stay those of all."""
        return Batch(self.tokens[lanes], self.weights[lanes], self.documents[lanes], self.choices, self.notes)


@dataclass(slots=True)
class _Lane:
    """The piece a lane is in, its next bar, and the number of the draw, which seeds everything random about it."""

    piece: int = -1
    bar: int = 0
    number: int = 0


class Streams:
    """Endless training batches. `epoch` counts passes over the (weighted) training split."""

    def __init__(
        self,
        training: TrainingSet,
        *,
        lanes: int,
        length: int,
        seed: int,
        mix_power: float,
        styles: list[str],
        augment: float = 0.1,
        octaves: float = 0.0,
    ) -> None:
        """`augment`: the share of pieces whose tempo class is shifted by one; `octaves`: of those transposed."""
        self._training = training
        self._length = length
        self._seed = seed
        self._styles = styles
        self._augment = augment
        self._octaves = octaves
        self._indices = training.split("train")
        self._weights = style_weights(training, self._indices, mix_power)
        self.epoch = 0
        self.pieces = 0
        self._next = 0
        self._order = self._shuffled(0)
        self._lanes = [_Lane() for _ in range(lanes)]

    def notes_per_epoch(self) -> int:
        pieces = [self._training.pieces[index] for index in self._indices]
        return round(sum(self._weights[piece.style] * piece.count["notes"] for piece in pieces))

    def draw(self) -> Batch:
        rows = [self._row(lane) for lane in self._lanes]
        tokens, weights, documents, notes = zip(*rows, strict=True)
        stacked = np.stack(weights)
        return Batch(np.stack(tokens), stacked, np.stack(documents), int((stacked == 1).sum()), sum(notes))

    def position(self) -> dict[str, Any]:
        """The state of the streams, as JSON values."""
        lanes = [[lane.piece, lane.bar, lane.number] for lane in self._lanes]
        return {"epoch": self.epoch, "next": self._next, "pieces": self.pieces, "lanes": lanes}

    def seek(self, position: dict[str, Any]) -> None:
        """Resume from a `position()`."""
        self.epoch, self._next, self.pieces = position["epoch"], position["next"], position["pieces"]
        self._order = self._shuffled(self.epoch)
        self._lanes = [_Lane(*lane) for lane in position["lanes"]]

    def _row(self, lane: _Lane) -> tuple[NDArray[np.int16], NDArray[np.float32], NDArray[np.int16], int]:
        size = self._length + 1
        tokens = np.full(size, PAD, np.int16)
        weights = np.zeros(size, np.float32)
        documents = np.full(size, -1, np.int16)
        filled = notes = number = 0
        while size - filled >= MIN_ROOM:
            if lane.piece < 0 or lane.bar >= self._training.pieces[lane.piece].count["bars"]:
                lane.piece, lane.bar, lane.number = self._take(), 0, self.pieces
            window, kinds, note_count = self._window(lane, size - filled)
            end = filled + len(window)
            tokens[filled:end] = window
            weights[filled:end] = np.where(kinds == FREE, 1.0, np.where(kinds == GIVEN, GIVEN_WEIGHT, 0.0))
            documents[filled:end] = number
            filled, number, notes = end, number + 1, notes + note_count
        return tokens, weights[1:], documents[:-1], notes

    def _window(self, lane: _Lane, room: int) -> tuple[NDArray[np.int16], NDArray[np.uint8], int]:
        """As much of the lane's piece as fits, from its next bar on. Advances the lane."""
        piece = self._training[lane.piece]
        generator = np.random.default_rng([self._seed, lane.number])
        given = draw_given_cells(piece, generator)
        chords, registers = bool(generator.random() < CHORD_SHARE), bool(generator.random() < 0.5)
        faster = int(generator.integers(2)) * 2 - 1 if generator.random() < self._augment else 0
        if self._octaves and generator.random() < self._octaves:
            piece = transposed(piece, 12 * (int(generator.integers(2)) * 2 - 1))
        density = max(4.0, 2.0 * piece.notes.shape[0] / piece.bars)
        last_bar = lane.bar + max(4, int(2.0 * room / density))
        style = self._styles.index(piece.style)
        encoded = encode(piece, style, first=lane.bar, last=last_bar, given=given, chords=chords, registers=registers)
        tokens, kinds = encoded.tokens[:room].copy(), encoded.kinds[:room]
        tempo = TEMPO.value(int(tokens[3])) + faster if len(tokens) > 3 else 0
        if faster and 0 <= tempo < TEMPO.size:
            tokens[3] = TEMPO.token(tempo)
        whole_bars = (
            int(np.searchsorted(encoded.bar_at, room))
            if len(encoded.tokens) > room
            else min(last_bar, piece.bars) - lane.bar
        )
        if len(encoded.tokens) > room and whole_bars > 1:
            whole_bars -= 1  # The bar that was cut comes whole in the next window.
        lane.bar += max(1, whole_bars)
        notes = int(((tokens >= _PITCH_FIRST) & (tokens < _DRUM_END) & (kinds == FREE)).sum())
        return tokens, kinds, notes

    def _take(self) -> int:
        if self._next >= len(self._order):
            self.epoch, self._next = self.epoch + 1, 0
            self._order = self._shuffled(self.epoch)
        index = self._order[self._next]
        self._next += 1
        self.pieces += 1
        return index

    def _shuffled(self, epoch: int) -> list[int]:
        """Every piece floor(weight) times, once more with the fraction's probability; shuffled."""
        generator = np.random.default_rng([self._seed, 1 << 20, epoch])
        order: list[int] = []
        for index in self._indices:
            weight = self._weights[self._training.pieces[index].style]
            times = int(weight) + int(generator.random() < weight % 1)
            order.extend([index] * times)
        return [order[k] for k in generator.permutation(len(order))]


def transposed(piece: Cells, semitones: int) -> Cells:
    """The piece transposed, all but its drums; unchanged where a note would leave MIDI's range."""
    tuned = ~is_drum(piece.notes[:, 1])
    pitch = piece.notes[:, 4] + np.where(tuned, semitones, 0).astype(np.int16)
    if len(pitch) and (pitch.min() < 0 or pitch.max() > 127):
        return piece
    notes = piece.notes.copy()
    notes[:, 4] = pitch
    registers = tuple(
        register if drum else int(np.clip(register + semitones // 12, 0, REGISTER.size - 1))
        for register, drum in zip(piece.registers, is_drum(np.array(piece.slots)).tolist(), strict=True)
    )
    return replace(piece, notes=notes, registers=registers)


def draw_given_cells(piece: Cells, generator: np.random.Generator) -> NDArray[np.bool_] | None:
    """Which cells are given: none, the first part (the melody, where there is one), some parts, all but some bars of
    some parts, or cells at random."""
    kind = generator.random()
    slots = np.array(piece.slots)
    if kind < 0.45:
        return None
    bar, slot = piece.cells[:, 0], piece.cells[:, 1]
    if kind < 0.6:
        return np.equal(slot, slots[0]) if len(slots) > 1 else None
    if kind < 0.8:
        if len(slots) < 2:
            return None
        given_slots = generator.permutation(slots)[: int(generator.integers(1, len(slots)))]
        return np.isin(slot, given_slots)
    if kind < 0.93:
        first = int(generator.integers(piece.bars))
        length = int(generator.choice([1, 2, 4, 8]))
        if generator.random() >= 0.5:
            slots = generator.permutation(slots)[: int(generator.integers(1, len(slots) + 1))]
        hole = (bar >= first) & (bar < first + length) & np.isin(slot, slots)
        mask: NDArray[np.bool_] = ~hole & (bar >= first)
        return mask
    chosen: NDArray[np.bool_] = generator.random(len(bar)) < generator.random()
    return chosen


def style_weights(training: TrainingSet, indices: list[int], power: float) -> dict[str, float]:
    """How often a piece of each style comes in an epoch: (notes of the style) ** (power - 1), the largest style 1."""
    totals: dict[str, int] = {}
    for index in indices:
        piece = training.pieces[index]
        totals[piece.style] = totals.get(piece.style, 0) + piece.count["notes"]
    largest = max(totals.values())
    return {style: (total / largest) ** (power - 1.0) for style, total in totals.items()}


@dataclass(frozen=True, slots=True)
class ValidationRun:
    """Batches of one style."""

    style: str
    batches: list[Batch]


def validation_runs(
    training: TrainingSet, *, lanes: int, length: int, styles: list[str], tokens_per_style: int
) -> list[ValidationRun]:
    """For each style that has some, the first windows of its validation pieces, up to about `tokens_per_style`; nothing
    is given, no chords or registers are written."""
    result = []
    for number, style in enumerate(styles):
        rows: list[Batch] = []
        for index in (index for index in training.split("valid") if training.pieces[index].style == style):
            if len(rows) * length >= tokens_per_style:
                break
            rows += _windows(training[index], number, length)
        batches = [_joined(rows[start : start + lanes]) for start in range(0, len(rows), lanes)]
        if batches:
            result.append(ValidationRun(style, batches))
    return result


def _windows(piece: Cells, style: int, length: int) -> list[Batch]:
    rows: list[Batch] = []
    bar = 0
    for _ in range(VALIDATION_WINDOWS):
        if bar >= piece.bars:
            break
        encoded = encode(piece, style, first=bar)
        tokens, weights = np.full((1, length + 1), PAD, np.int16), np.zeros((1, length), np.float32)
        documents = np.full((1, length), -1, np.int16)
        count = min(length + 1, len(encoded.tokens))
        tokens[0, :count] = encoded.tokens[:count]
        weights[0, : count - 1] = encoded.kinds[1:count] == FREE
        documents[0, :count] = 0
        whole_bars = int(np.searchsorted(encoded.bar_at, count))
        end = piece.bars if count == len(encoded.tokens) else bar + max(1, whole_bars - 1)
        if end < piece.bars and whole_bars > 1:
            weights[0, int(encoded.bar_at[whole_bars - 1]) :] = 0  # Only whole bars are measured.
        free = (piece.cells[:, 0] >= bar) & (piece.cells[:, 0] < end)
        rows.append(Batch(tokens, weights, documents, int(weights.sum()), int(piece.cells[free, 3].sum())))
        bar = end
    return rows


def _joined(rows: list[Batch]) -> Batch:
    return Batch(
        np.concatenate([row.tokens for row in rows]),
        np.concatenate([row.weights for row in rows]),
        np.concatenate([row.documents for row in rows]),
        sum(row.choices for row in rows),
        sum(row.notes for row in rows),
    )


_PITCH_FIRST, _DRUM_END = PITCH.first, DRUM.end
