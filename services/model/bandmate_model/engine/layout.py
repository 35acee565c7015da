"""The sizes of a network in Llama's layout, read from config.json."""

from dataclasses import dataclass
from typing import Any

from bandmate_model.engine.products import padded
from bandmate_model.model_files import ModelUnusable

_SUPPORTED = {"hidden_act": "silu", "attention_bias": False, "mlp_bias": False, "tie_word_embeddings": True}
"""Options of the layout of which this engine supports only one value."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a network; those named padded_… are whole panels."""

    vocabulary: int
    hidden: int
    layers: int
    heads: int
    key_heads: int
    head: int
    feedforward: int
    window: int
    theta: float
    epsilon: float

    @staticmethod
    def read(config: dict[str, Any]) -> "Shape":
        """From the layout's config.json. Raises ModelUnusable."""
        try:
            heads = int(config["num_attention_heads"])
            rope = config.get("rope_parameters") or {}
            shape = Shape(
                vocabulary=int(config["vocab_size"]),
                hidden=int(config["hidden_size"]),
                layers=int(config["num_hidden_layers"]),
                heads=heads,
                key_heads=int(config.get("num_key_value_heads") or heads),
                head=int(config.get("head_dim") or config["hidden_size"] // heads),
                feedforward=int(config["intermediate_size"]),
                window=int(config["max_position_embeddings"]),
                theta=float(rope.get("rope_theta") or config.get("rope_theta") or 10_000.0),
                epsilon=float(config["rms_norm_eps"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelUnusable(f"config.json does not describe a network in Llama's layout: {error}") from error
        if min(shape.vocabulary, shape.hidden, shape.layers, shape.key_heads, shape.feedforward, shape.window) < 1:
            raise ModelUnusable("config.json gives a size below 1")
        if shape.heads % shape.key_heads or shape.head % 2:
            raise ModelUnusable(f"{shape.heads} heads of width {shape.head} cannot share {shape.key_heads} keys")
        odd = {name: config[name] for name, value in _SUPPORTED.items() if config.get(name, value) != value}
        if odd or rope.get("rope_type", "default") != "default" or config.get("rope_scaling"):
            raise ModelUnusable(f"config.json asks for what this engine does not have: {odd or 'scaled RoPE'}")
        return shape

    @property
    def width(self) -> int:
        """Padded width of a head."""
        return padded(self.head)

    @property
    def row(self) -> int:
        """Padded hidden size."""
        return padded(self.hidden)

    @property
    def inner(self) -> int:
        """Padded size of the feed-forward layer."""
        return padded(self.feedforward)

    @property
    def places(self) -> int:
        """Padded window."""
        return padded(self.window)

    @property
    def mixed(self) -> int:
        return self.heads * self.width

    @property
    def projected(self) -> int:
        return (self.heads + 2 * self.key_heads) * self.width
