"""A batch as the networks take it: tensors on the device, made once for all that a step does with them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bandmate_model.gan.dataset import Batch
from bandmate_model.gan.networks import marks
from bandmate_model.gan.roll import BLOCK_STEPS


@dataclass(frozen=True, slots=True)
class Shown:
    """A batch on the device, as numbers: see Batch."""

    cells: Tensor
    """(B, WINDOW_STEPS, CELLS): the whole windows."""
    known: Tensor
    """The same without what is to be composed."""
    free: Tensor
    """(B, BLOCK_STEPS, CELLS): 1 where something is to be composed."""
    told: Tensor
    condition: Tensor

    @staticmethod
    def of(batch: Batch, device: torch.device) -> Shown:
        def tensor(array: np.ndarray) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32)).to(device)

        cells, free = tensor(batch.roll), tensor(batch.free())
        known = cells.clone()
        known[:, BLOCK_STEPS:] *= 1 - free
        told = marks(tensor(batch.given), tensor(batch.there))
        return Shown(cells, known, free, told, tensor(batch.condition))

    def with_made(self, made: Tensor) -> Tensor:
        """(B, WINDOW_STEPS, CELLS): the windows with their free cells as made (B, BLOCK_STEPS, CELLS)."""
        before, block = self.known[:, :BLOCK_STEPS], self.known[:, BLOCK_STEPS:]
        return torch.cat([before, block + made * self.free], dim=1)
