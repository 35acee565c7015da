"""What training needs from an architecture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a model was trained on: part of config.json, needed to read the weights."""

    styles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """Sizes of the network. All of it goes into config.json."""

    hidden: int = 384
    layers: int = 2
    head: int = 192
    dropout: float = 0.1
    lag_dropout: float = 0.1


@dataclass(frozen=True, slots=True)
class Architecture:
    """`build(vocabulary, hyperparameters)` makes a module whose forward takes rows (streams, steps, columns) of
    context.COLUMNS, piece conditions (streams, conditions) and a state, and gives (losses, state):

    losses: (fields, streams, steps), natural log, 0 where a field has no target. state: a tuple of tensors, its second
    dimension the streams; None begins anew.
    """

    name: str
    build: Callable[[Vocabulary, Hyperparameters], torch.nn.Module]

    def config(self, vocabulary: Vocabulary, hyperparameters: Hyperparameters) -> dict[str, Any]:
        from dataclasses import asdict

        return {"architecture": self.name, "network": asdict(hyperparameters), "styles": list(vocabulary.styles)}
