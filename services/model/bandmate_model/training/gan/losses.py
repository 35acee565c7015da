"""Logistic GAN losses, and the R1 gradient penalty that bounds the critic's slope (Mescheder et al., 2018)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def critic_loss(real: Tensor, generated: Tensor) -> Tensor:
    """Mean loss of scores (B,) of real and of generated blocks."""
    return functional.softplus(-real).mean() + functional.softplus(generated).mean()


def generator_loss(generated: Tensor) -> Tensor:
    return functional.softplus(-generated).mean()


def r1_penalty(real: Tensor, scores: Tensor) -> Tensor:
    """Half the mean squared gradient of `scores` (B,) at the real blocks (B, steps, cells)."""
    (slope,) = torch.autograd.grad(scores.sum(), real, create_graph=True)
    return slope.square().sum(dim=(1, 2)).mean() / 2
