"""Which rows of a batch a network's output is computed for."""

from torch import Tensor
from torch.nn import functional

SIZES = 256
"""Rows are filled up to a multiple: torch's library of matrix products (oneDNN) keeps machine code for every size that
it has met, and as many sizes as steps made a run of an hour grow by gigabytes."""


def rows_of(mask: Tensor) -> tuple[Tensor, int]:
    """The numbers of the rows in the mask, filled up with the first row, and how many of them count."""
    rows = mask.reshape(-1).nonzero().squeeze(1)
    return functional.pad(rows, (0, -len(rows) % SIZES)), len(rows)
