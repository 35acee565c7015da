"""Training batches: parallel streams of rows, each going through whole pieces, so that the network's state can be kept
from batch to batch (truncated backpropagation through time).

The order of everything follows from the seed, and `position()` is all a checkpoint needs to go on exactly there.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bandmate_model.context import COLUMNS
from bandmate_model.data import PieceRows, TrainingSet
from bandmate_model.tokens import SLOT_SIZE

_TARGET_TIME = COLUMNS.index("target_time")
MODES = ("major", "minor")
VALIDATION_ROWS_A_PIECE = 512


@dataclass(frozen=True, slots=True)
class Batch:
    """`rows` (streams, steps, columns); where a piece has ended, all targets are 0 and the target time is -1.
    `fresh` marks the streams that begin a piece here."""

    rows: NDArray[np.int16]
    conditions: NDArray[np.int64]
    fresh: NDArray[np.bool_]

    def only(self, lanes: slice) -> "Batch":
        """The batch of some of its streams."""
        return Batch(self.rows[lanes], self.conditions[lanes], self.fresh[lanes])


def condition(piece: PieceRows, styles: list[str]) -> NDArray[np.int64]:
    """Style, mode, tempo class, then a flag for each slot token that plays."""
    flags = np.zeros(SLOT_SIZE, dtype=np.int64)
    flags[piece.slots] = 1
    head = [styles.index(piece.style), MODES.index(piece.mode), piece.tempo]
    return np.concatenate([np.array(head, dtype=np.int64), flags])


def style_weights(training: TrainingSet, indices: list[int], power: float) -> dict[str, float]:
    """How often a piece of each style comes in an epoch: (rows of the style) ** (power - 1), the largest style 1."""
    totals: dict[str, int] = {}
    for index in indices:
        piece = training.pieces[index]
        totals[piece.style] = totals.get(piece.style, 0) + piece.length
    largest = max(totals.values())
    return {style: (total / largest) ** (power - 1.0) for style, total in totals.items()}


class Streams:
    """Endless training batches. `epoch` counts passes over the (weighted) training split."""

    def __init__(
        self, training: TrainingSet, *, streams: int, steps: int, seed: int, mix_power: float, styles: list[str]
    ) -> None:
        self._training = training
        self._steps = steps
        self._seed = seed
        self._styles = styles
        self._indices = training.split("train")
        self._weights = style_weights(training, self._indices, mix_power)
        self._conditions = {index: condition(training.pieces[index], styles) for index in self._indices}
        self.epoch = 0
        self._next = 0
        self._order = self._shuffled(0)
        self._lanes = [(-1, 0)] * streams

    def rows_an_epoch(self) -> int:
        return round(
            sum(self._weights[p.style] * p.length for p in map(self._training.pieces.__getitem__, self._indices))
        )

    def draw(self) -> Batch:
        count = len(self._lanes)
        rows = np.zeros((count, self._steps, len(COLUMNS)), dtype=np.int16)
        rows[:, :, _TARGET_TIME] = -1
        fresh = np.zeros(count, dtype=np.bool_)
        conditions = []
        for lane, (index, offset) in enumerate(self._lanes):
            if index < 0 or offset >= self._training.pieces[index].length:
                index, offset = self._take(), 0
                fresh[lane] = True
            piece = self._training.pieces[index]
            length = min(self._steps, piece.length - offset)
            rows[lane, :length] = self._training.rows[piece.start + offset : piece.start + offset + length]
            conditions.append(self._conditions[index])
            self._lanes[lane] = (index, offset + length)
        return Batch(rows, np.stack(conditions), fresh)

    def position(self) -> dict[str, Any]:
        """Where the streams stand, as JSON values."""
        return {"epoch": self.epoch, "next": self._next, "lanes": [list(lane) for lane in self._lanes]}

    def seek(self, position: dict[str, Any]) -> None:
        """Go on from a `position()`."""
        self.epoch, self._next = position["epoch"], position["next"]
        self._order = self._shuffled(self.epoch)
        self._lanes = [(index, offset) for index, offset in position["lanes"]]

    def _take(self) -> int:
        if self._next >= len(self._order):
            self.epoch, self._next = self.epoch + 1, 0
            self._order = self._shuffled(self.epoch)
        index = self._order[self._next]
        self._next += 1
        return index

    def _shuffled(self, epoch: int) -> list[int]:
        """Every piece floor(weight) times, once more with the fraction's probability; shuffled."""
        generator = np.random.default_rng([self._seed, epoch])
        order: list[int] = []
        for index in self._indices:
            weight = self._weights[self._training.pieces[index].style]
            times = int(weight) + int(generator.random() < weight % 1)
            order.extend([index] * times)
        return [order[k] for k in generator.permutation(len(order))]


@dataclass(frozen=True, slots=True)
class ValidationRun:
    """Batches of one style in order: the lanes stay with their pieces, and the state goes from one to the next."""

    style: str
    batches: list[Batch]


def validation_runs(
    training: TrainingSet, *, streams: int, steps: int, styles: list[str], rows_a_style: int
) -> list[ValidationRun]:
    """For each style its validation pieces, up to about `rows_a_style` rows; training pieces if there are no others.

    Each piece contributes its first VALIDATION_ROWS_A_PIECE rows: openings count as much as long middles.
    """
    result = []
    split = "valid" if training.split("valid") else "train"
    for style in styles:
        chosen = [index for index in training.split(split) if training.pieces[index].style == style]
        total = 0
        for start in range(0, len(chosen), streams):
            group = [training.pieces[index] for index in chosen[start : start + streams]]
            lengths = [min(piece.length, VALIDATION_ROWS_A_PIECE) for piece in group]
            conditions = np.stack([condition(piece, styles) for piece in group])
            batches = []
            for offset in range(0, max(lengths), steps):
                rows = np.zeros((len(group), steps, len(COLUMNS)), dtype=np.int16)
                rows[:, :, _TARGET_TIME] = -1
                for lane, (piece, length) in enumerate(zip(group, lengths, strict=True)):
                    count = min(steps, length - offset)
                    if count > 0:
                        rows[lane, :count] = training.rows[piece.start + offset : piece.start + offset + count]
                batches.append(Batch(rows, conditions, np.full(len(group), offset == 0)))
            result.append(ValidationRun(style, batches))
            total += sum(lengths)
            if total >= rows_a_style:
                break
    return result
