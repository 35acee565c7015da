"""Token orders for the same music, compared: `python -m bandmate_bench.timing.representations DATASET [--minutes M]`.

DATASET is a folder that `bandmate ingest` wrote. The same small decoder is trained on the same windows of the training
pieces, once for each order of writing, for the same CPU time on one core; then the windows of the validation pieces are
measured. A window is a stretch of whole bars, written as a little piece of its own: every order is an exact code of
the same notes under the same conditions (style, mode, tempo, metre, instruments), and nats per note are comparable:

    time        bar by bar, all parts by time: BAR (POSITION (SLOT [DURATION] PITCH)…)…   (REMI and kin)
    tracks      part by part, each with all its bars: SLOT (BAR ([POSITION] [DURATION] PITCH)…)…   (MMM and kin)
    cells       bar by bar, a cell for each part: BAR (SLOT COUNT|REPEAT …)…   (bandmate_model/cells)
    cells-plain the same without REPEAT
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from bandmate_model.architectures.base import Hyperparameters
from bandmate_model.architectures.transformer import Transformer
from bandmate_model.cells.encode import FREE, encode, header
from bandmate_model.cells.pieces import NO_REPEAT, Cells, cell_rows, is_drum
from bandmate_model.cells.training_set import TrainingSet, build
from bandmate_model.cells.vocabulary import (
    DRUM,
    DURATION,
    END,
    METRE,
    PAD,
    PITCH,
    POSITION,
    SLOT,
    VELOCITY,
    bar_token,
)
from bandmate_model.data.read_dataset import read_pieces
from numpy.typing import NDArray

LENGTH, ROWS = 640, 4
MAX_NOTES, MAX_BARS = 144, 16
VALID_NOTES_PER_STYLE = 10_000
SIZES = Hyperparameters(hidden=96, layers=3, heads=2, feedforward=256, window=LENGTH)
RATE, WARM_UP, CLIP = 4e-3, 40, 1.0

Written = tuple[NDArray[np.int64], NDArray[np.bool_]]
"""A window's tokens, and a mask of those that are choices."""


def by_time(piece: Cells, style: int) -> Written:
    """All parts by time; a length is written where it differs from the part's last one in the bar."""
    head = header(piece, style, first=0, registers=False)
    tokens, free = list(head), [False] * len(head)
    rows = piece.notes[np.lexsort((piece.notes[:, 4], piece.notes[:, 1], piece.notes[:, 2], piece.notes[:, 0]))]
    drum = is_drum(rows[:, 1]).tolist()
    index = 0
    for bar in range(piece.bars):
        _bar(piece, bar, tokens, free)
        current_position = current_slot = -1
        lengths: dict[int, int] = {}
        while index < len(rows) and rows[index, 0] == bar:
            _, slot, position, length, pitch = rows[index].tolist()
            if position != current_position:
                current_position, current_slot = position, -1
                tokens.append(POSITION.token(position))
            if slot != current_slot:
                current_slot = slot
                tokens.append(SLOT.token(slot - 1))
            if lengths.get(slot) != length:
                lengths[slot] = length
                tokens.append((VELOCITY if drum[index] else DURATION).token(length - 1))
            tokens.append((DRUM if drum[index] else PITCH).token(pitch))
            index += 1
        free += [True] * (len(tokens) - len(free))
    return _ended(tokens, free)


def by_track(piece: Cells, style: int) -> Written:
    """Part by part; position and length are written where they are new in the part's bar."""
    head = header(piece, style, first=0, registers=False)
    tokens, free = list(head), [False] * len(head)
    for number, slot in enumerate(piece.slots):
        track_rows = piece.notes[piece.notes[:, 1] == slot]
        drum = bool(is_drum(np.array([slot]))[0])
        tokens.append(SLOT.token(slot - 1))
        free.append(False)  # The instruments are given, in this order.
        index = 0
        for bar in range(piece.bars):
            _bar(piece, bar, tokens, free, metre=number == 0)
            current_position = last = -1
            while index < len(track_rows) and track_rows[index, 0] == bar:
                _, _, position, length, pitch = track_rows[index].tolist()
                if position != current_position:
                    current_position = position
                    tokens.append(POSITION.token(position))
                if length != last:
                    last = length
                    tokens.append((VELOCITY if drum else DURATION).token(length - 1))
                tokens.append((DRUM if drum else PITCH).token(pitch))
                index += 1
            free += [True] * (len(tokens) - len(free))
    return _ended(tokens, free)


def by_cell(piece: Cells, style: int) -> Written:
    encoded = encode(piece, style)
    return encoded.tokens.astype(np.int64), encoded.kinds == FREE


def by_plain_cell(piece: Cells, style: int) -> Written:
    cells = piece.cells.copy()
    cells[:, 4] = NO_REPEAT
    return by_cell(replace(piece, cells=cells), style)


ORDERS: dict[str, Callable[[Cells, int], Written]] = {
    "time": by_time,
    "tracks": by_track,
    "cells": by_cell,
    "cells-plain": by_plain_cell,
}


def _bar(piece: Cells, bar: int, tokens: list[int], free: list[bool], *, metre: bool = True) -> None:
    tokens.append(bar_token(bar, piece.bars))
    free.append(bar > 0)
    if metre and bar > 0 and piece.metres[bar] != piece.metres[bar - 1]:
        tokens.append(METRE.token(int(piece.metres[bar])))
        free.append(False)


def _ended(tokens: list[int], free: list[bool]) -> Written:
    return np.array([*tokens, END]), np.array([*free, True])


def window(piece: Cells, first: int, last: int) -> Cells:
    """Bars first..last (exclusive) as a piece of their own; all its instruments are still asked for."""
    notes = piece.notes[(piece.notes[:, 0] >= first) & (piece.notes[:, 0] < last)].copy()
    notes[:, 0] -= first
    lengths = piece.lengths[first:last]
    return replace(
        piece,
        lengths=lengths,
        metres=piece.metres[first:last],
        notes=notes,
        cells=cell_rows(notes, lengths),
        chords=piece.chords[first:last],
    )


def stretch(piece: Cells, first: int) -> int:
    """The bar after the last that still fits a window from `first` on; `first` where not even one does."""
    ends = np.searchsorted(piece.notes[:, 0], np.arange(first, min(first + MAX_BARS, piece.bars) + 1))
    return first + int(np.searchsorted(ends - ends[0], MAX_NOTES, side="right")) - 1


def fits(piece: Cells) -> bool:
    """Whether the window fits a row in every order: all orders are trained and measured on the same windows."""
    return len(piece.notes) >= 8 and all(len(write(piece, 0)[0]) <= LENGTH for write in ORDERS.values())


def training_windows(training: TrainingSet, seed: int, pieces: int | None) -> Iterator[tuple[Cells, int]]:
    """Windows without end, each style as often as the square root of its notes says: the same for every order."""
    chance = np.random.default_rng(seed)
    groups = [
        [index for index in training.split("train") if training.pieces[index].style == style]
        for style in training.styles
    ]
    groups = [group[:pieces] for group in groups]
    weights = np.sqrt([sum(training.pieces[index].count["notes"] for index in group) for group in groups])
    while True:
        style = int(chance.choice(len(groups), p=weights / weights.sum()))
        sizes = np.array([training.pieces[index].count["bars"] for index in groups[style]], float)
        piece = training[groups[style][int(chance.choice(len(sizes), p=sizes / sizes.sum()))]]
        first = int(chance.integers(piece.bars))
        last = stretch(piece, first)
        if last > first and fits(excerpt := window(piece, first, last)):
            yield excerpt, style


def validation_windows(training: TrainingSet) -> dict[str, list[tuple[Cells, int]]]:
    """Windows of the validation pieces one after the other, round the pieces, up to VALID_NOTES_PER_STYLE."""
    result: dict[str, list[tuple[Cells, int]]] = {}
    for number, style in enumerate(training.styles):
        chosen = [index for index in training.split("valid") if training.pieces[index].style == style]
        windows, notes = [], 0
        for lap in range(8):
            for index in chosen:
                piece = training[index]
                first = lap * piece.bars // 8
                last = stretch(piece, first)
                if notes < VALID_NOTES_PER_STYLE and last > first and fits(excerpt := window(piece, first, last)):
                    windows.append((excerpt, number))
                    notes += len(excerpt.notes)
        if windows:
            result[style] = windows
    return result


@dataclass(frozen=True)
class Batch:
    tokens: torch.Tensor
    documents: torch.Tensor
    counted: torch.Tensor
    notes: int


def batches(windows: Iterator[tuple[Cells, int]], write: Callable[[Cells, int], Written]) -> Iterator[Batch]:
    """Windows packed into rows, as many as fit; the remaining one starts the next batch."""
    waiting: tuple[Cells, int] | None = next(windows, None)
    while waiting is not None:
        tokens = np.full((ROWS, LENGTH + 1), PAD)
        counted = np.zeros((ROWS, LENGTH + 1), bool)
        documents = np.full((ROWS, LENGTH + 1), -1)
        notes = 0
        for row in range(ROWS):
            filled = number = 0
            while waiting is not None:
                sequence, free = write(*waiting)
                if filled + len(sequence) > LENGTH + 1:
                    break
                end = filled + len(sequence)
                tokens[row, filled:end], counted[row, filled:end], documents[row, filled:end] = sequence, free, number
                notes += len(waiting[0].notes)
                filled, number, waiting = end, number + 1, next(windows, None)
        yield Batch(torch.from_numpy(tokens), torch.from_numpy(documents), torch.from_numpy(counted), notes)


def losses(network: Transformer, batch: Batch) -> torch.Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        result: torch.Tensor = network(
            batch.tokens[:, :-1], batch.documents[:, :-1], batch.tokens[:, 1:], batch.counted[:, 1:]
        )
    return result


@dataclass
class Result:
    """The results of one order; speeds on one core."""

    order: str
    parameters: int
    nats_per_note: float
    nats_by_style: dict[str, float]
    tokens_per_note: float
    choices_per_note: float
    tokens_per_bar: float
    choices_per_bar: float
    training_tokens_per_second: float
    training_notes_per_second: float
    notes_seen: int
    steps: int
    curve: list[tuple[float, int, float]]
    """(CPU seconds, notes seen, mean nats per note of the training batches since the last entry)."""


def measure(network: Transformer, valid: dict[str, list[tuple[Cells, int]]], order: str) -> dict[str, float]:
    """Nats a note of each style."""
    network.eval()
    result = {}
    with torch.no_grad():
        for style, windows in valid.items():
            measured = list(batches(iter(windows), ORDERS[order]))
            nats = sum(float(losses(network, batch).double().sum()) for batch in measured)
            result[style] = nats / sum(batch.notes for batch in measured)
    network.train()
    return result


def run(order: str, training: TrainingSet, minutes: float, seed: int, pieces: int | None = None) -> Result:
    """Train and measure one order."""
    torch.manual_seed(seed)
    network = Transformer(SIZES)
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, betas=(0.9, 0.95), weight_decay=0.05)
    valid = validation_windows(training)
    source = batches(training_windows(training, seed, pieces), ORDERS[order])
    budget, spent, steps, notes_seen, tokens = minutes * 60, 0.0, 0, 0, 0
    curve: list[tuple[float, int, float]] = []
    recent: list[tuple[float, int]] = []
    while spent < budget:
        batch = next(source)  # Writing windows is not counted: a training would read them from a file.
        began = time.process_time()
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1.0, (steps + 1) / WARM_UP, 1.02 - spent / budget)
        batch_losses = losses(network, batch)
        optimiser.zero_grad()
        batch_losses.mean().backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), CLIP)
        optimiser.step()
        spent += time.process_time() - began
        steps, notes_seen, tokens = steps + 1, notes_seen + batch.notes, tokens + int((batch.documents >= 0).sum())
        recent.append((float(batch_losses.detach().double().sum()), batch.notes))
        if spent >= budget * (len(curve) + 1) / 10:
            rate = sum(nats for nats, _ in recent) / sum(notes for _, notes in recent)
            curve.append((round(spent, 1), notes_seen, round(rate, 4)))
            print(f"{order}: {spent:.0f} s, {notes_seen} notes, {rate:.3f} nats per note", file=sys.stderr, flush=True)
            recent = []
    by_style = measure(network, valid, order)
    windows = [item for group in valid.values() for item in group]
    written = [ORDERS[order](*item) for item in windows]
    notes, bars = sum(len(excerpt.notes) for excerpt, _ in windows), sum(excerpt.bars for excerpt, _ in windows)
    body = sum(
        len(sequence) - len(header(excerpt, 0, first=0, registers=False))
        for (sequence, _), (excerpt, _) in zip(written, windows, strict=True)
    )
    choices = sum(int(free.sum()) for _, free in written)
    return Result(
        order,
        sum(parameter.numel() for parameter in network.parameters()),
        round(float(np.mean(list(by_style.values()))), 4),
        {style: round(value, 4) for style, value in by_style.items()},
        round(body / notes, 3),
        round(choices / notes, 3),
        round(body / bars, 2),
        round(choices / bars, 2),
        round(tokens / spent),
        round(notes_seen / spent),
        notes_seen,
        steps,
        curve,
    )


def table(results: list[Result]) -> str:
    """The results as a Markdown table; nats per note are the mean over styles."""
    styles = list(results[0].nats_by_style)
    heads = [
        "order",
        "nats per note",
        *styles,
        "tokens per note",
        "choices per bar",
        "tokens/s",
        "notes/s",
        "notes seen",
    ]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for result in results:
        cells = [
            result.order,
            f"**{result.nats_per_note:.3f}**",
            *(f"{result.nats_by_style[style]:.3f}" for style in styles),
            f"{result.tokens_per_note:.2f}",
            f"{result.choices_per_bar:.1f}",
            f"{result.training_tokens_per_second:,}",
            f"{result.training_notes_per_second:,}",
            f"{result.notes_seen:,}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path, help="A dataset folder, with its Parquet tables.")
    parser.add_argument("--minutes", type=float, default=1.5, help="CPU minutes of training for each order.")
    parser.add_argument("--orders", default="time,tracks,cells", help=f"Of {', '.join(ORDERS)}, with commas between.")
    parser.add_argument("--pieces", type=int, help="Train on no more than so many pieces of each style.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="Write the numbers there too.")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        training = build(lambda: read_pieces(arguments.dataset), Path(folder))
        results = [
            run(order, training, arguments.minutes, arguments.seed, arguments.pieces)
            for order in arguments.orders.split(",")
        ]
    print(table(results))
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(result) for result in results], indent=1))


if __name__ == "__main__":
    main()
