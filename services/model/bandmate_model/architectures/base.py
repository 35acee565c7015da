"""What training needs from an architecture that writes tokens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from bandmate_model.cells.vocabulary import VOCABULARY_SIZE
from bandmate_model.model_files import REPRESENTATION

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """Sizes of a network. `feedforward`, `heads`, `key_heads` and `window` are the transformer's.

    `key_heads`: keys and values that the heads share (Ainslie et al., 2023); `window`: the longest context.
    """

    hidden: int = 256
    layers: int = 6
    heads: int = 2
    key_heads: int = 1
    feedforward: int = 640
    window: int = 1024
    dropout: float = 0.0
    vocabulary: int = VOCABULARY_SIZE


@dataclass(frozen=True, slots=True)
class Architecture:
    """`build(sizes)` makes a module whose forward takes tokens (rows, length), documents (rows, length), targets (rows,
    length) and a mask (rows, length), and gives the losses of the targets in the mask, in order, as natural logarithms.

    `layout` is what config.json says of the network beside what is ours.
    """

    name: str
    build: Callable[[Hyperparameters], torch.nn.Module]
    layout: Callable[[Hyperparameters], dict[str, Any]]

    def config(self, styles: list[str], sizes: Hyperparameters) -> dict[str, Any]:
        return {
            **self.layout(sizes),
            "architecture": self.name,
            "representation": REPRESENTATION,
            "network": asdict(sizes),
            "styles": styles,
        }
