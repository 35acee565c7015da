"""The network of the frame benchmark: a scan over the keys of a frame that knows what sounded before.

Every key is treated alike: two-dimensional tables of the past (time lags as channels, keys as the axis) run through
convolutions over the keys, so a tune is understood in all keys at once. Key by key from the lowest, causal convolutions
add what the frame itself holds below. The joint likelihood is the product of 88 yes-or-no questions and sums to one.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from bandmate_bench.poly.history import CELL_CHANNELS, FRAME_CHANNELS

REACH = 12
"""How many keys to both sides the first convolution sees: an octave."""
BELOW = 36
"""How many keys directly below a key are direct inputs."""
RANKS = 8
MASKS = 1 << 22
REGISTERS = 5


@dataclass(frozen=True, slots=True)
class Shape:
    """How wide and deep, and which keys are asked at all."""

    lowest: int
    keys: int
    width: int = 48
    past_blocks: int = 1
    present_blocks: int = 2
    kernel: int = 9
    dropout: float = 0.1

    def to_json(self) -> dict[str, float]:
        return asdict(self)


class Along(nn.Conv2d):
    """A convolution over keys; a causal one sees the keys up to its own."""

    def __init__(self, inputs: int, outputs: int, kernel: int, causal: bool = False, bias: bool = True) -> None:
        super().__init__(inputs, outputs, (1, kernel), padding=(0, 0 if causal else kernel // 2), bias=bias)
        self.left = kernel - 1 if causal else 0

    def forward(self, cells: Tensor) -> Tensor:
        return super().forward(functional.pad(cells, (self.left, 0)) if self.left else cells)


class Drop(nn.Module):
    """Dropout whose masks are cut at random places out of one long one: drawing afresh took a quarter of a training."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self.bank: Tensor | None = None

    def forward(self, cells: Tensor) -> Tensor:
        if not self.training or not self.share:
            return cells
        if self.bank is None or len(self.bank) < 2 * cells.numel():
            mask_source = torch.rand(max(MASKS, 2 * cells.numel())) >= self.share
            self.bank = (mask_source / (1 - self.share)).to(torch.bfloat16)
        start = int(torch.randint(len(self.bank) - cells.numel() + 1, ()))
        mask = self.bank[start : start + cells.numel()]
        frames, width, height, keys = cells.shape
        return cells * mask.view(frames, height, keys, width).permute(0, 3, 1, 2)


class Block(nn.Module):
    """A residual step: convolution, ReLU, mixing of the channels."""

    def __init__(self, shape: Shape, causal: bool) -> None:
        super().__init__()
        self.look = Along(shape.width, shape.width, shape.kernel, causal)
        self.mix = Along(shape.width, shape.width, 1)
        self.dropout = Drop(shape.dropout)
        nn.init.zeros_(self.mix.weight)

    def forward(self, cells: Tensor) -> Tensor:
        features = functional.relu(self.look(cells))
        out: Tensor = cells + self.mix(self.dropout(features))
        return out


class Network(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        width = shape.width
        self.hear = Along(CELL_CHANNELS + REGISTERS + 1, width, 2 * REACH + 1)
        self.time = nn.Sequential(
            nn.Linear(FRAME_CHANNELS, 128), nn.ReLU(), nn.Dropout(shape.dropout), nn.Linear(128, 2 * width)
        )
        self.past = nn.ModuleList(Block(shape, False) for _ in range(shape.past_blocks))
        self.whole = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, width))
        self.below = Along(1, width, BELOW, causal=True, bias=False)
        self.rank = Along(4 * RANKS + 1, width, 1)
        self.present = nn.ModuleList(Block(shape, True) for _ in range(shape.present_blocks))
        self.dropout = Drop(shape.dropout)
        self.last = Along(width, width, 1)
        self.out = Along(width, 1, 1)
        nn.init.constant_(self.out.bias, -3.0)  # type: ignore[arg-type]

    def forward(self, cells: Tensor, frames: Tensor, now: Tensor, moved: Tensor) -> Tensor:
        """Logits (n, keys) of every key of the frames `now` (n, keys), given the lower ones and the past.

        `cells` and `frames` as from `History`; `moved` (n,): shift of the register input in keys, in training.
        """
        shape = self.shape
        register = (torch.arange(shape.keys) + shape.lowest - 44.0 + moved[:, None]) / 12
        registers = torch.stack([torch.exp(-((register - centre) ** 2)) for centre in (-3, -1.5, 0, 1.5, 3)], 1)
        edge = torch.ones_like(register)[:, None]
        inputs = torch.cat([cells, registers, edge], 1)[:, :, None]
        inputs = inputs.contiguous(memory_format=torch.channels_last)
        early, late = self.time(frames)[:, :, None, None].chunk(2, 1)
        state = functional.relu(self.hear(inputs) + early)
        for block in self.past:
            state = block(state)
        pooled = torch.cat([state.mean((2, 3)), state.amax((2, 3))], 1)
        state = state + self.whole(pooled)[:, :, None, None] + late
        state = (
            state + self.below(functional.pad(now, (1, 0))[:, None, None, :-1]) + self.rank(_ranks(cells[:, 0], now))
        )
        state = functional.relu(self.dropout(state))
        for block in self.present:
            state = block(state)
        logits: Tensor = self.out(functional.relu(self.last(functional.relu(state)))).float()[:, 0, 0]
        return logits


def _ranks(before: Tensor, now: Tensor) -> Tensor:
    """(n, …, 1, keys): how many keys sound below, now and before, how many did above, and where the last is."""
    under = (now.cumsum(1) - now).long()
    under_before = (before.cumsum(1) - before).long()
    over_before = (before.sum(1, keepdim=True) - before.cumsum(1)).long()
    counts = [under, under - under_before + RANKS // 2, over_before, under + over_before]
    hot = [functional.one_hot(count.clamp(0, RANKS - 1), RANKS).transpose(1, 2) for count in counts]
    keys = torch.arange(now.shape[1], dtype=torch.float32)
    last = torch.where(now > 0, keys, -24.0).cummax(1).values
    distance = ((keys - functional.pad(last, (1, 0), value=-24.0)[:, :-1]) / 24).clamp(max=1.5)
    ranks = torch.cat([*(column.float() for column in hot), distance[:, None]], 1)[:, :, None]
    return ranks.contiguous(memory_format=torch.channels_last)
