"""Optimizers, the learning rate schedule, sums of losses, and the random numbers of a step."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from bandmate_model.training.distributed import Hosts
from bandmate_model.training.options import TrainingOptions

LAST_LEARNING_RATE = 0.02
"""The learning rate ends at this share of its peak."""


@dataclass(slots=True)
class Losses:
    """Sum of the losses in nats of the tokens that are choices, the number of these tokens, and the number of notes
    they form."""

    nats: float = 0.0
    choices: float = 0
    notes: float = 0
    steps: float = 0

    @property
    def per_note(self) -> float:
        return self.nats / max(1, self.notes)

    def over(self, hosts: Hosts) -> Losses:
        """The sum over the hosts."""
        return Losses(*hosts.sum(np.array(self.values(), dtype=np.float64)).tolist())

    def values(self) -> list[float]:
        return [self.nats, self.choices, self.notes, self.steps]

    def __add__(self, other: Losses) -> Losses:
        return Losses(*(loss + other_loss for loss, other_loss in zip(self.values(), other.values(), strict=True)))


def optimizers(network: nn.Module, options: TrainingOptions) -> list[torch.optim.Optimizer]:
    """AdamW for everything, or Muon for the matrices inside the layers and AdamW for the rest.

    `peak` in a group is its highest rate. Muon: Jordan et al., 2024, with torch's adjustment to AdamW's scale.
    """
    inner = [value for name, value in network.named_parameters() if value.dim() == 2 and "embed" not in name]
    outer = [value for name, value in network.named_parameters() if value.dim() != 2 or "embed" in name]
    if options.optimizer == "adamw":
        inner, outer = [], inner + outer
    result: list[torch.optim.Optimizer] = []
    if inner:
        result.append(
            torch.optim.Muon(
                inner, lr=options.learning_rate, weight_decay=options.weight_decay, adjust_lr_fn="match_rms_adamw"
            )
        )
    result.append(
        torch.optim.AdamW(outer, lr=options.learning_rate, betas=(0.9, 0.98), weight_decay=options.weight_decay)
    )
    for optimizer in result:
        for group in optimizer.param_groups:
            group["peak"] = options.learning_rate
    return result


def rate(step: int, fraction: float, warmup_steps: int) -> float:
    """Share of the peak learning rate after `step` steps and `fraction` of the run: linear warm-up, cosine decay."""
    warm = min(1.0, (step + 1) / max(1, warmup_steps))
    fall = 0.5 * (1 + math.cos(math.pi * min(1.0, fraction)))
    return warm * (LAST_LEARNING_RATE + (1 - LAST_LEARNING_RATE) * fall)


def seed_step(seed: int, step: int, rank: int) -> None:
    """Seed torch from seed, step and rank alone, so that a checkpoint need not keep the generator's state."""
    state = np.random.SeedSequence([seed, step, rank]).generate_state(1, np.uint64)[0]
    torch.manual_seed(int(state) >> 1)
