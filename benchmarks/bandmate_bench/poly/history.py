"""Features of the frames before each frame, computed once per split.

Nothing here is learned. Row t of every table depends on rows before t of the same piece only, so a network that sees
these tables and the lower keys of frame t itself gives an exact likelihood.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bandmate_bench.poly.frames import KEYS, Split

LAGS = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 32, 48, 64)
"""Lags of the frames that a cell sees unchanged."""
DECAYS = (0.7, 0.9, 0.97)
"""Decay per frame of the running averages of a key."""
MATCHES = ((0.5, 12.0), (0.8, 16.0), (0.92, 24.0), (0.97, 32.0))
"""Decay of the comparison of two moments, and sharpness of the softmax over moments: see `_recall_similar`."""
NULL_SIMILARITY = 0.5
"""Similarity of the silent candidate: moments less similar than this weigh less than silence."""
METRES = (2, 3, 4, 6, 8, 12, 16)
CHANGES = 32
TRACES = len(DECAYS) + 4
CELL_CHANNELS = len(LAGS) + TRACES + len(MATCHES)
FRAME_CHANNELS = sum(METRES) + 2 + 3 * CHANGES + 2 * len(MATCHES)
ROWS = 256


@dataclass(frozen=True, slots=True)
class History:
    """A split with its tables; `rows` has one silent row at its end, which stands for everything before a piece."""

    rows: Tensor
    """uint8 (N + 1, 88)"""
    positions: Tensor
    """int64 (N,)"""
    traces: Tensor
    """float16 (N, TRACES + len(MATCHES), 88): what sounded lately, and what followed moments like this one."""
    frames: Tensor
    """float16 (N, FRAME_CHANNELS): metre and movement, the same for all keys."""

    def cells(self, index: Tensor, lowest: int, keys: int) -> Tensor:
        """(n, CELL_CHANNELS, keys) float32 for the rows of `index`, keys from `lowest` on."""
        lags = torch.tensor(LAGS)
        before = index[:, None] - lags
        before = torch.where(self.positions[index][:, None] >= lags, before, len(self.rows) - 1)
        window = slice(lowest, lowest + keys)
        return torch.cat([self.rows[:, window][before].float(), self.traces[:, :, window][index].float()], 1)


def build_history(split: Split) -> History:
    """The tables of a split, piece by piece."""
    traces, frames = [], []
    for piece in split.pieces:
        roll = torch.from_numpy(piece).float()
        lately = _recent_activity(piece)
        recalled, certainty = _recall_similar(roll)
        traces.append(torch.cat([torch.from_numpy(lately), recalled.half()], 1))
        frames.append(torch.cat([torch.from_numpy(_metre_and_movement(piece)), certainty.half()], 1))
    empty = torch.zeros((0, TRACES + len(MATCHES), KEYS), dtype=torch.float16)
    return History(
        torch.from_numpy(np.concatenate([split.rows, np.zeros((1, KEYS), np.uint8)])),
        torch.from_numpy(split.positions),
        torch.cat([empty, *traces]),
        torch.cat([torch.zeros((0, FRAME_CHANNELS), dtype=torch.float16), *frames]),
    )


def _recent_activity(piece: NDArray[np.uint8]) -> NDArray[np.float16]:
    """(frames, TRACES, 88): decaying sums of sounding and attacks, the mean so far, both folded to octaves."""
    length = len(piece)
    table = np.zeros((length, TRACES, KEYS), np.float32)
    roll = piece.astype(np.float32)
    attacks = roll.copy()
    attacks[1:] *= 1 - roll[:-1]
    decays = np.array([*DECAYS, 0.95], np.float32)[:, None]
    state = np.zeros((len(decays), KEYS), np.float32)
    total = np.zeros(KEYS, np.float32)
    for t in range(length):
        table[t, : len(decays)] = state
        table[t, len(decays)] = total / (t + 4)
        state *= decays
        state[:-1] += (1 - decays[:-1]) * roll[t]
        state[-1] += 0.2 * attacks[t]
        total += roll[t]
    for number, source in enumerate((len(DECAYS) - 1, len(decays))):
        folded = np.zeros((length, 96), np.float32)
        folded[:, :KEYS] = table[:, source]
        octaves = folded.reshape(length, 8, 12).sum(1) / 3
        table[:, len(decays) + 1 + number] = np.tile(octaves, 8)[:, :KEYS]
    return table.astype(np.float16)


def _metre_and_movement(piece: NDArray[np.uint8]) -> NDArray[np.float16]:
    """(frames, …): position in metres of several lengths and in the piece, and how much changed recently."""
    length = len(piece)
    roll = piece.astype(np.int32)
    attacks = np.maximum(np.diff(roll, axis=0, prepend=0), 0).sum(1) / 4
    ends = np.maximum(-np.diff(roll, axis=0, prepend=0), 0).sum(1) / 4
    counts = roll.sum(1) / 4
    columns: list[NDArray[np.float64]] = [
        (np.arange(length)[:, None] % metre == np.arange(metre)).astype(np.float64) for metre in METRES
    ]
    position = np.arange(length)[:, None]
    columns += [np.minimum(position, 16) / 16, np.log1p(position) / 6]
    for values in (attacks, ends, counts):
        padded = np.concatenate([np.zeros(CHANGES), values])
        columns.append(np.lib.stride_tricks.sliding_window_view(padded, CHANGES)[:length, ::-1])
    return np.concatenate(columns, 1).astype(np.float16)


def _recall_similar(roll: Tensor) -> tuple[Tensor, Tensor]:
    """What followed earlier moments of the piece that resemble this one: (frames, matches, 88), and certainty.

    The likeness of the moments before t and before s is a decaying sum over the frames that led up to each; frames are
    like each other by the keys they share. What followed is the mean of frames s, weighted by
    exp(sharpness · likeness), with silence as one more candidate of likeness NULL_SIMILARITY. So a piece that repeats
    its eight bars is predicted almost exactly.
    """
    length, kinds = len(roll), len(MATCHES)
    decay = torch.tensor([pair[0] for pair in MATCHES])[:, None]
    sharpness = torch.tensor([pair[1] for pair in MATCHES])[:, None, None]
    recalled = torch.zeros(length, kinds, KEYS)
    certainty = torch.zeros(length, 2 * kinds)
    sizes = roll.sum(1)
    state = torch.zeros(kinds, length + 1)
    for first in range(0, length - 1, ROWS):
        block = roll[first : first + ROWS]
        shared = block @ roll.T
        size_sums = sizes[first : first + len(block), None] + sizes
        similarity = torch.where(size_sums > 0, 2 * shared / size_sums.clamp(min=1), 1.0)
        alike = 0.5 * similarity.square() + 0.5 * (similarity > 0.999)
        likeness = torch.empty(len(block), kinds, length)
        for row in range(len(block)):
            moved = torch.zeros(kinds, length + 1)
            moved[:, 1:] = decay * state[:, :-1] + (1 - decay) * alike[row]
            state = moved
            likeness[row] = moved[:, 1:]
        # Row r is moment t-1 = first + r; column c is moment s-1; only s < t, that is c < t-1, is known by then.
        rows = torch.arange(first, first + len(block))
        likeness = likeness.transpose(0, 1)[:, :, : length - 1]
        known = torch.arange(length - 1) < rows[:, None]
        weights = torch.where(known, torch.exp(sharpness * (likeness - 1)), 0.0)
        total = weights.sum(2, keepdim=True) + torch.exp(sharpness * (NULL_SIMILARITY - 1))
        recalled_frames = (weights @ roll[1:] / total).transpose(0, 1)
        last = min(first + len(block), length - 1) - first
        target = slice(first + 1, first + 1 + last)
        recalled[target] = recalled_frames[:last]
        best = torch.where(known, likeness, 0.0).amax(2).T
        certainty[target, :kinds] = best[:last]
        certainty[target, kinds:] = (weights.sum(2) / total[:, :, 0]).T[:last]
    return recalled, certainty
