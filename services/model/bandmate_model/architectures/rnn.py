"""The LSTM composer: the same tokens, a state instead of a context. Tied embeddings; parameters as torch.nn.LSTM's.

A state carries a piece as long as need be at the same cost a token; it remembers less exactly than attention.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from bandmate_model.architectures.base import Architecture, Hyperparameters
from bandmate_model.architectures.wanted import rows_of


class Recurrent(nn.Module):
    """See architectures.base.Architecture for forward. Every document begins with an empty state."""

    def __init__(self, sizes: Hyperparameters) -> None:
        super().__init__()
        self.embed = nn.Embedding(sizes.vocabulary, sizes.hidden)
        between = sizes.dropout if sizes.layers > 1 else 0.0
        self.lstm = nn.LSTM(sizes.hidden, sizes.hidden, sizes.layers, batch_first=True, dropout=between)
        self.drop = nn.Dropout(sizes.dropout)
        self.out_bias = nn.Parameter(torch.zeros(sizes.vocabulary))
        nn.init.normal_(self.embed.weight, std=sizes.hidden**-0.5)

    def forward(self, tokens: Tensor, documents: Tensor, targets: Tensor, wanted: Tensor) -> Tensor:
        rows, count = rows_of(wanted)
        hidden = self.hidden(tokens, documents)[rows]
        logits = functional.linear(self.drop(hidden), self.embed.weight, self.out_bias)[:count]
        return functional.cross_entropy(logits.float(), targets[wanted], reduction="none")

    def hidden(self, tokens: Tensor, documents: Tensor) -> Tensor:
        """The last layer's output, (rows * length, hidden)."""
        inputs = self.drop(self.embed(tokens)).flatten(0, 1)
        result: Tensor = inputs.new_zeros(inputs.shape)
        for place, there in _groups(documents):
            output, _ = self.lstm(inputs[place])
            result = result.index_copy(0, place[there], output[there].to(result.dtype))
        return result


def _groups(documents: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """The documents of a batch side by side, those of like length together, so that little is padded: where the tokens
    lie in the flattened batch, (documents, longest), and which of these are there. Padded rows are left out."""
    rows, length = documents.shape
    opening = torch.ones_like(documents, dtype=torch.bool)
    opening[:, 1:] = documents[:, 1:] != documents[:, :-1]
    first = opening.reshape(-1).nonzero().squeeze(1)
    lengths = torch.diff(first, append=first.new_tensor([rows * length]))
    first, lengths = (values[documents.reshape(-1)[first] >= 0] for values in (first, lengths))
    order = torch.argsort(lengths, descending=True, stable=True)
    for group in torch.split(order, rows):
        inside = torch.arange(int(lengths[group[0]]), device=documents.device)
        there = inside < lengths[group, None]
        yield torch.where(there, first[group, None] + inside, first[group, None]), there


def _layout(sizes: Hyperparameters) -> dict[str, Any]:
    return {"model_type": "bandmate-lstm", "vocab_size": sizes.vocabulary}


ARCHITECTURE = Architecture("rnn", Recurrent, _layout)
