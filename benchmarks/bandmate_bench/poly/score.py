"""The exact negative log-likelihood of every frame, by one network or by several together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from bandmate_bench.poly.history import History
from bandmate_bench.poly.network import Network

BATCH = 512
HELD, STRUCK = 0.5, 2e-5
"""A key outside the networks' range sounds on, or begins to sound, with these probabilities."""


def logits(network: Network, past: History, index: torch.Tensor) -> torch.Tensor:
    """(n, keys) float32 for the rows of `index`, exactly as they are scored."""
    shape = network.shape
    now = past.rows[:, shape.lowest : shape.lowest + shape.keys][index].float()
    cells = past.cells(index, shape.lowest, shape.keys)
    moved = torch.zeros(len(index))
    out: torch.Tensor = network(cells, past.frames[index].float(), now, moved)
    return out


def nats(networks: Sequence[Network], past: History, index: Tensor) -> NDArray[np.float64]:
    """The NLL of each row of `index`, all 88 keys; the networks' logits are averaged, key by key.

    Each key's question stays one with two answers that sum to one, so the average is as exact as one network alone.
    """
    shape = networks[0].shape
    inside = torch.zeros(past.rows.shape[1], dtype=torch.bool)
    inside[shape.lowest : shape.lowest + shape.keys] = True
    parts = [torch.zeros(0, dtype=torch.float64)]
    with torch.no_grad():
        for batch in torch.split(index, BATCH):
            mean = torch.stack([logits(network, past, batch) for network in networks]).double().mean(0)
            now = past.rows[batch].double()
            losses = functional.binary_cross_entropy_with_logits(mean, now[:, inside], reduction="none").sum(1)
            before = torch.where(past.positions[batch] > 0, batch - 1, len(past.rows) - 1)
            chance = torch.where(past.rows[before] > 0, HELD, STRUCK).double()
            plain = functional.binary_cross_entropy(chance, now, reduction="none")
            parts.append(losses + plain[:, ~inside].sum(1))
    return torch.cat(parts).numpy()
