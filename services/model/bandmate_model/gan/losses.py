"""What generator and critic strive for, and the penalty that keeps the critic's slope in bounds.

wgan      the critic's mean on real minus on made (Wasserstein), slope 1 between them (Gulrajani et al., 2017)
logistic  the odds of being real, with slope 0 at real ones: R1 (Mescheder et al., 2018)
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional


def critic_loss(kind: str, real: Tensor, made: Tensor) -> Tensor:
    """Scores (B,) each."""
    if kind == "wgan":
        return made.mean() - real.mean()
    return functional.softplus(-real).mean() + functional.softplus(made).mean()


def generator_loss(kind: str, made: Tensor) -> Tensor:
    if kind == "wgan":
        return -made.mean()
    return functional.softplus(-made).mean()


def slope_at(real: Tensor, scores: Tensor) -> Tensor:
    """R1: the slope of `scores` (B,) at the blocks (B, steps, cells) that they were made of; mean square, halved."""
    (slope,) = torch.autograd.grad(scores.sum(), real, create_graph=True)
    return slope.square().sum(dim=(1, 2)).mean() / 2


def slope_between(score: Callable[[Tensor], Tensor], real: Tensor, made: Tensor, mix: Tensor) -> Tensor:
    """How far from 1 the slope of `score` is between real and made blocks (B, steps, cells): mean square.

    `mix` (B, 1, 1), 0-1: where between them it is looked at.
    """
    at = (real + mix * (made - real)).detach().requires_grad_(True)
    (slope,) = torch.autograd.grad(score(at).sum(), at, create_graph=True)
    return (torch.sqrt(slope.square().sum(dim=(1, 2)) + 1e-12) - 1).square().mean()
