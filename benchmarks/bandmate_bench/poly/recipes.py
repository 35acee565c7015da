"""How each set is trained: chosen by the valid splits, see docs/benchmarks/poly.md."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from bandmate_bench.poly.network import Shape

BATCH = 256
REGISTER_JITTER = 2.0
"""In training a frame's register input is shifted by up to this many keys, so that the network treats keys alike."""
CELLS_PER_SECOND = 130_000
"""Trained cells (keys times frames) a second of the slowest processor that keeps to the plan, width 48, kernel 9."""


@dataclass(frozen=True, slots=True)
class Recipe:
    members: int
    """Networks trained one after the other, whose logits are averaged."""
    epochs: float
    """Frames that a member sees, in multiples of the train split; fewer if the minutes are short."""
    dropout: float
    hidden_lags: float
    """Share of the past's channels that are hidden from a frame in training."""
    width: int = 48
    kernel: int = 9
    past_blocks: int = 1
    present_blocks: int = 2
    rate: float = 2.5e-3
    decay: float = 0.02

    def shape(self, lowest: int, keys: int) -> Shape:
        return Shape(lowest, keys, self.width, self.past_blocks, self.present_blocks, self.kernel, self.dropout)

    def steps(self, frames: int, keys: int, seconds: float) -> int:
        """Optimiser steps a member: by the epochs, or by the CPU seconds for it if these are fewer.

        Counted, not timed, so that the same command gives the same network on every machine that keeps to the plan.
        """
        speed = CELLS_PER_SECOND * 48 * 9 / (self.width * self.kernel)
        affordable = seconds * speed / (keys * BATCH)
        return max(1, int(min(self.epochs * frames / BATCH, affordable)))

    def to_json(self) -> dict[str, float]:
        return asdict(self)


RECIPES = {
    "jsb": Recipe(members=6, epochs=14, dropout=0.35, hidden_lags=0.1, width=64, kernel=13, rate=2e-3, decay=0.1),
    "nottingham": Recipe(members=1, epochs=3, dropout=0.1, hidden_lags=0.0),
    "musedata": Recipe(members=1, epochs=2, dropout=0.1, hidden_lags=0.0),
    "piano_midi": Recipe(members=2, epochs=4, dropout=0.25, hidden_lags=0.1),
}
OTHER = Recipe(members=1, epochs=6, dropout=0.2, hidden_lags=0.05)
"""For any other set."""
