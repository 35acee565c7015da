"""The Transformer composer: a decoder in Llama's layout (RoPE, RMSNorm, SwiGLU, tied embeddings), so that
transformers.LlamaForCausalLM and serving engines can load its checkpoints.

Parameters are named as Hugging Face names them. Attention is written out: with few wide heads and rows of some hundred
tokens it is twice as fast on a processor as the fused function, backward pass included (docs/benchmarks/speed.md).
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from bandmate_model.architectures.base import Architecture, Hyperparameters
from bandmate_model.architectures.masked_rows import rows_of
from bandmate_model.cells.vocabulary import END, PAD, START

ROPE_THETA = 10_000.0
NORM_EPSILON = 1e-6
INITIAL_DEVIATION = 0.02


class Attention(nn.Module):
    def __init__(self, sizes: Hyperparameters) -> None:
        super().__init__()
        self.heads, self.key_heads = sizes.heads, sizes.key_heads
        shared = sizes.hidden // sizes.heads * sizes.key_heads
        self.q_proj, self.k_proj, self.v_proj, self.o_proj = (
            nn.Linear(sizes.hidden, outputs, bias=False) for outputs in (sizes.hidden, shared, shared, sizes.hidden)
        )

    def forward(self, x: Tensor, mask: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        rows, length, hidden = x.shape
        width, group = hidden // self.heads, self.heads // self.key_heads
        weight = torch.cat([self.q_proj.weight, self.k_proj.weight, self.v_proj.weight])
        heads = functional.linear(x, weight).view(rows, length, -1, width).transpose(1, 2)
        query, key, value = torch.split(heads, [self.heads, self.key_heads, self.key_heads], 1)
        query = _turned(query, cosine, sine) * (1 / math.sqrt(width))
        key = _turned(key, cosine, sine)
        # The heads that share a key stand one below the other, as more rows of one product.
        query = query.reshape(rows, self.key_heads, group * length, width)
        scores = (query @ key.transpose(-1, -2)).view(rows, self.heads, length, length) + mask
        mixed = scores.softmax(-1).view(rows, self.key_heads, group * length, length) @ value
        mixed = mixed.view(rows, self.heads, length, width)
        return self.o_proj(mixed.transpose(1, 2).reshape(rows, length, hidden))  # type: ignore[no-any-return]


class FeedForward(nn.Module):
    def __init__(self, sizes: Hyperparameters) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(sizes.hidden, sizes.feedforward, bias=False)
        self.up_proj = nn.Linear(sizes.hidden, sizes.feedforward, bias=False)
        self.down_proj = nn.Linear(sizes.feedforward, sizes.hidden, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gate, up = functional.linear(x, torch.cat([self.gate_proj.weight, self.up_proj.weight])).chunk(2, -1)
        return self.down_proj(functional.silu(gate) * up)  # type: ignore[no-any-return]


class Layer(nn.Module):
    def __init__(self, sizes: Hyperparameters) -> None:
        super().__init__()
        self.input_layernorm = nn.RMSNorm(sizes.hidden, NORM_EPSILON)
        self.self_attn = Attention(sizes)
        self.post_attention_layernorm = nn.RMSNorm(sizes.hidden, NORM_EPSILON)
        self.mlp = FeedForward(sizes)
        self.drop = nn.Dropout(sizes.dropout)

    def forward(self, x: Tensor, mask: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        x = x + self.drop(self.self_attn(_norm(self.input_layernorm, x), mask, cosine, sine))
        return x + self.drop(self.mlp(_norm(self.post_attention_layernorm, x)))  # type: ignore[no-any-return]


class Decoder(nn.Module):
    """The submodule named `model`, as in the layout."""

    def __init__(self, sizes: Hyperparameters) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(sizes.vocabulary, sizes.hidden)
        self.layers = nn.ModuleList(Layer(sizes) for _ in range(sizes.layers))
        self.norm = nn.RMSNorm(sizes.hidden, NORM_EPSILON)


class Transformer(nn.Module):
    """See architectures.base.Architecture for what forward takes and gives."""

    def __init__(self, sizes: Hyperparameters) -> None:
        super().__init__()
        if sizes.hidden % (2 * sizes.heads):
            raise ValueError(f"hidden={sizes.hidden} cannot be shared by heads={sizes.heads}: each needs an even width")
        if sizes.heads % sizes.key_heads:
            raise ValueError(
                f"heads={sizes.heads} cannot share key_heads={sizes.key_heads}: as many have to share each"
            )
        self.sizes = sizes
        self.model = Decoder(sizes)
        self.drop = nn.Dropout(sizes.dropout)
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                scale = 1 / math.sqrt(2 * sizes.layers) if name.endswith(("o_proj.weight", "down_proj.weight")) else 1.0
                nn.init.normal_(parameter, std=INITIAL_DEVIATION * scale)

    def forward(self, tokens: Tensor, documents: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
        rows, count = rows_of(mask)
        hidden = self.hidden(tokens, documents).flatten(0, 1)[rows]
        logits = functional.linear(hidden, self.model.embed_tokens.weight)[:count]
        return functional.cross_entropy(logits.float(), targets[mask], reduction="none")

    def hidden(self, tokens: Tensor, documents: Tensor) -> Tensor:
        """The last layer's output, (rows, length, hidden)."""
        length = tokens.shape[1]
        x = self.drop(self.model.embed_tokens(tokens))
        if torch.is_autocast_enabled(x.device.type):
            x = x.to(torch.get_autocast_dtype(x.device.type))
        place = torch.arange(length, device=tokens.device)
        visible = (place[:, None] >= place[None, :]) & (documents[:, :, None] == documents[:, None, :])
        mask = torch.zeros(visible.shape, dtype=x.dtype, device=x.device).masked_fill_(~visible, float("-inf"))[:, None]
        width = self.sizes.hidden // self.sizes.heads
        angles = torch.outer(place.float(), ROPE_THETA ** (-torch.arange(0, width, 2, device=x.device).float() / width))
        cosine, sine = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
        for layer in self.model.layers:
            x = layer(x, mask, cosine, sine)
        return _norm(self.model.norm, x)


def _norm(norm: nn.RMSNorm, x: Tensor) -> Tensor:
    return functional.rms_norm(x, norm.normalized_shape, norm.weight.to(x.dtype), NORM_EPSILON)


def _turned(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Rotary position embedding (Su et al., 2021), the halves of a head as the pairs, as Llama's layout has it."""
    first, second = x.chunk(2, -1)
    return torch.cat([first * cosine - second * sine, second * cosine + first * sine], -1)


def _layout(sizes: Hyperparameters) -> dict[str, Any]:
    """config.json as transformers reads it."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": sizes.vocabulary,
        "hidden_size": sizes.hidden,
        "intermediate_size": sizes.feedforward,
        "num_hidden_layers": sizes.layers,
        "num_attention_heads": sizes.heads,
        "num_key_value_heads": sizes.key_heads,
        "head_dim": sizes.hidden // sizes.heads,
        "max_position_embeddings": sizes.window,
        "rope_theta": ROPE_THETA,
        "rms_norm_eps": NORM_EPSILON,
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": True,
        "bos_token_id": START,
        "eos_token_id": END,
        "pad_token_id": PAD,
    }


ARCHITECTURE = Architecture("transformer", Transformer, _layout)
