"""The LSTM composer: the transformer's tokens, with a state instead of a context. Tied embeddings; parameters as
torch.nn.LSTM's.

The state has a fixed cost per token however long the piece is, but recalls it less exactly than attention.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from bandmate_model.architectures.base import Architecture, Hyperparameters
from bandmate_model.architectures.masked_rows import rows_of


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

    def forward(self, tokens: Tensor, documents: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
        rows, count = rows_of(mask)
        hidden = self.hidden(tokens, documents)[rows]
        logits = functional.linear(self.drop(hidden), self.embed.weight, self.out_bias)[:count]
        return functional.cross_entropy(logits.float(), targets[mask], reduction="none")

    def hidden(self, tokens: Tensor, documents: Tensor) -> Tensor:
        """The last layer's output, (rows * length, hidden)."""
        inputs = self.drop(self.embed(tokens)).flatten(0, 1)
        result: Tensor = inputs.new_zeros(inputs.shape)
        for place, present in _groups(documents):
            output, _ = self.lstm(inputs[place])
            result = result.index_copy(0, place[present], output[present].to(result.dtype))
        return result


def _groups(documents: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """The documents of a batch side by side, those of like length together, to keep padding small. Yields the indices
    of the tokens in the flattened batch, (documents, longest), and which of them exist. Padded rows are left out."""
    rows, length = documents.shape
    opening = torch.ones_like(documents, dtype=torch.bool)
    opening[:, 1:] = documents[:, 1:] != documents[:, :-1]
    starts = opening.reshape(-1).nonzero().squeeze(1)
    lengths = torch.diff(starts, append=starts.new_tensor([rows * length]))
    starts, lengths = (values[documents.reshape(-1)[starts] >= 0] for values in (starts, lengths))
    order = torch.argsort(lengths, descending=True, stable=True)
    for group in torch.split(order, rows):
        inside = torch.arange(int(lengths[group[0]]), device=documents.device)
        present = inside < lengths[group, None]
        yield torch.where(present, starts[group, None] + inside, starts[group, None]), present


def _layout(sizes: Hyperparameters) -> dict[str, Any]:
    return {"model_type": "bandmate-lstm", "vocab_size": sizes.vocabulary}


ARCHITECTURE = Architecture("rnn", Recurrent, _layout)
