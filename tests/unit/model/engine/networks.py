"""Small networks with random weights, stored as training stores them, and what they compute, plainly in numpy."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
DTYPES = {"float32": "<f4", "float16": "<f2"}
NAMES = {"float32": "F32", "float16": "F16", "bfloat16": "BF16"}


def stored(folder: Path, tensors: dict[str, Any], config: dict[str, Any], kind: str = "bfloat16") -> dict[str, Floats]:
    """Write a model folder; gives the tensors with the values that were stored."""
    values, entries = {}, {}
    for name, tensor in tensors.items():
        single = np.ascontiguousarray(tensor, np.float32)
        if kind == "bfloat16":
            data = (single.view(np.uint32) >> 16).astype("<u2")
            values[name] = (data.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
        else:
            data = single.astype(DTYPES[kind])
            values[name] = data.astype(np.float64)
        entries[name] = (list(single.shape), data.tobytes())
    folder.mkdir(parents=True, exist_ok=True)
    header: dict[str, Any] = {}
    place = 0
    for name, (shape, data) in entries.items():
        header[name] = {"dtype": NAMES[kind], "shape": shape, "data_offsets": [place, place + len(data)]}
        place += len(data)
    text = json.dumps(header).encode()
    content = len(text).to_bytes(8, "little") + text + b"".join(data for _, data in entries.values())
    (folder / "model.safetensors").write_bytes(content)
    (folder / "config.json").write_text(json.dumps(config))
    return values


def transformer_config(**changes: Any) -> dict[str, Any]:
    """Sizes that are no multiples of anything, more heads than keys."""
    return {
        "architecture": "transformer",
        "model_type": "llama",
        "architectures": ["LlamaForCausalLM"],
        "vocab_size": 71,
        "hidden_size": 72,
        "intermediate_size": 100,
        "num_hidden_layers": 2,
        "num_attention_heads": 6,
        "num_key_value_heads": 2,
        "head_dim": 12,
        "max_position_embeddings": 150,
        "rope_theta": 10000.0,
        "rms_norm_eps": 1e-6,
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": True,
    } | changes


def transformer_tensors(config: dict[str, Any], seed: int = 1) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    hidden, inner, head = config["hidden_size"], config["intermediate_size"], config["head_dim"]
    queries, keys = config["num_attention_heads"] * head, config["num_key_value_heads"] * head
    shapes = {"model.embed_tokens.weight": (config["vocab_size"], hidden)}
    tensors = {"model.norm.weight": random.uniform(0.5, 1.5, hidden)}
    for layer in range(config["num_hidden_layers"]):
        name = f"model.layers.{layer}"
        shapes |= {
            f"{name}.self_attn.q_proj.weight": (queries, hidden),
            f"{name}.self_attn.k_proj.weight": (keys, hidden),
            f"{name}.self_attn.v_proj.weight": (keys, hidden),
            f"{name}.self_attn.o_proj.weight": (hidden, queries),
            f"{name}.mlp.gate_proj.weight": (inner, hidden),
            f"{name}.mlp.up_proj.weight": (inner, hidden),
            f"{name}.mlp.down_proj.weight": (hidden, inner),
        }
        for norm in ("input_layernorm", "post_attention_layernorm"):
            tensors[f"{name}.{norm}.weight"] = random.uniform(0.5, 1.5, hidden)
    return tensors | {name: random.normal(0, 0.1, shape) for name, shape in shapes.items()}


def small(x: Floats) -> Floats:
    """Rounded as the engine's cache keeps keys and values: 8 bits, one scale for the last axis."""
    scale = np.abs(x).max(axis=-1, keepdims=True) / 127
    return np.rint(x / scale) * scale


def transformer_logits(
    values: dict[str, Floats], config: dict[str, Any], tokens: list[int], *, exact: bool = True
) -> Floats:
    """After each token, (tokens, vocabulary). Not `exact`: keys and values are `small`."""
    heads, keys, head = config["num_attention_heads"], config["num_key_value_heads"], config["head_dim"]
    place = np.arange(len(tokens))
    angles = np.outer(place, config["rope_theta"] ** (-np.arange(0, head, 2) / head))
    x = values["model.embed_tokens.weight"][tokens]

    def norm(x: Floats, name: str) -> Floats:
        return x / np.sqrt((x * x).mean(axis=1, keepdims=True) + config["rms_norm_eps"]) * values[name]

    def turned(x: Floats) -> Floats:
        first, second = np.split(x, 2, axis=-1)
        cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
        return np.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)

    for layer in range(config["num_hidden_layers"]):
        name = f"model.layers.{layer}"
        y = norm(x, f"{name}.input_layernorm.weight")
        q, k, v = (
            (y @ values[f"{name}.self_attn.{kind}_proj.weight"].T).reshape(len(tokens), -1, head) for kind in "qkv"
        )
        k = turned(k)
        if not exact:
            k, v = small(k), small(v)
        k, v = (np.repeat(array, heads // keys, axis=1) for array in (k, v))
        scores = np.einsum("ihd,jhd->hij", turned(q), k) / np.sqrt(head)
        scores[:, place[:, None] < place[None]] = -np.inf
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
        mixed = np.einsum("hij,jhd->ihd", shares, v).reshape(len(tokens), -1)
        x = x + mixed @ values[f"{name}.self_attn.o_proj.weight"].T
        y = norm(x, f"{name}.post_attention_layernorm.weight")
        gate, up = (y @ values[f"{name}.mlp.{kind}_proj.weight"].T for kind in ("gate", "up"))
        x = x + (gate / (1 + np.exp(-gate)) * up) @ values[f"{name}.mlp.down_proj.weight"].T
    return norm(x, "model.norm.weight") @ values["model.embed_tokens.weight"].T


def rnn_config(**changes: Any) -> dict[str, Any]:
    return {"architecture": "rnn", "vocab_size": 71, "network": {"hidden": 40, "layers": 2}} | changes


def rnn_tensors(config: dict[str, Any], seed: int = 1) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    hidden = config["network"]["hidden"]
    shapes: dict[str, tuple[int, ...]] = {
        "embed.weight": (config["vocab_size"], hidden),
        "out_bias": (config["vocab_size"],),
    }
    for layer in range(config["network"]["layers"]):
        for kind in ("ih", "hh"):
            shapes |= {
                f"lstm.weight_{kind}_l{layer}": (4 * hidden, hidden),
                f"lstm.bias_{kind}_l{layer}": (4 * hidden,),
            }
    return {name: random.normal(0, 0.3, shape) for name, shape in shapes.items()}


def rnn_logits(values: dict[str, Floats], config: dict[str, Any], tokens: list[int]) -> Floats:
    """After each token, (tokens, vocabulary)."""
    x = values["embed.weight"][tokens]
    for layer in range(config["network"]["layers"]):
        hidden = cell = np.zeros(config["network"]["hidden"])
        outputs = []
        for row in x:
            gates = sum(
                values[f"lstm.weight_{kind}_l{layer}"] @ vector + values[f"lstm.bias_{kind}_l{layer}"]
                for kind, vector in (("ih", row), ("hh", hidden))
            )
            input_gate, forget_gate, candidate, output_gate = np.split(gates, 4)
            input_gate, forget_gate, output_gate = (
                1 / (1 + np.exp(-gate)) for gate in (input_gate, forget_gate, output_gate)
            )
            cell = forget_gate * cell + input_gate * np.tanh(candidate)
            hidden = output_gate * np.tanh(cell)
            outputs.append(hidden)
        x = np.array(outputs)
    return x @ values["embed.weight"].T + values["out_bias"]


def composer_folder(
    folder: Path, *, styles: tuple[str, ...] = ("song", "chorale"), seed: int = 1, **sizes: int
) -> Path:
    """A model folder for the serving container: a transformer with random weights, so only rules apply."""
    from bandmate_model.cells.vocabulary import VOCABULARY_SIZE
    from bandmate_model.model_files import REPRESENTATION

    shape = {
        "vocab_size": VOCABULARY_SIZE,
        "hidden_size": 64,
        "head_dim": 32,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "max_position_embeddings": 512,
    } | sizes
    config = transformer_config(**shape, representation=REPRESENTATION, styles=list(styles), id="toy")
    stored(folder, transformer_tensors(config, seed), config)
    return folder
