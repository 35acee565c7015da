"""A batch as tensors on the device, made once per step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bandmate_model.gan.roll import BLOCK_STEPS
from bandmate_model.training.gan.dataset import Batch
from bandmate_model.training.gan.networks import marks


@dataclass(frozen=True, slots=True)
class DeviceBatch:
    """A batch on the device as 32-bit floats: see Batch."""

    cells: Tensor
    """(B, WINDOW_STEPS, CELLS): the whole windows."""
    known: Tensor
    """The same with the cells to be composed set to 0."""
    free: Tensor
    """(B, BLOCK_STEPS, CELLS): 1 in cells to be composed."""
    marks: Tensor
    """Which tracks are given and which steps exist: see networks.marks."""
    condition: Tensor

    @staticmethod
    def of(batch: Batch, device: torch.device) -> DeviceBatch:
        def tensor(array: np.ndarray) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32)).to(device)

        cells, free = tensor(batch.roll), tensor(batch.free())
        known_cells = cells.clone()
        known_cells[:, BLOCK_STEPS:] *= 1 - free
        marked = marks(tensor(batch.given), tensor(batch.present))
        return DeviceBatch(cells, known_cells, free, marked, tensor(batch.condition))

    def with_generated(self, generated: Tensor) -> Tensor:
        """(B, WINDOW_STEPS, CELLS): the windows with their free cells from `generated` (B, BLOCK_STEPS, CELLS)."""
        before, block = self.known[:, :BLOCK_STEPS], self.known[:, BLOCK_STEPS:]
        return torch.cat([before, block + generated * self.free], dim=1)
