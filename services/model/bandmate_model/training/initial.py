"""Starting a training from the weights of a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from bandmate_model.cells.vocabulary import STYLE
from bandmate_model.model_files import CONFIG, REPRESENTATION, WEIGHTS

_KEYS = ("k_proj.weight", "v_proj.weight")


def copy_weights(network: nn.Module, folder: Path, architecture: str, styles: list[str]) -> int:
    """Take a model's weights where name and shape agree; those of the styles' tokens by the style's name. How many.

    A style that the model does not know starts from the mean of those it knows.

    Heads that had separate keys and now share them start with the mean of these (Ainslie et al., "GQA", 2023).

    Raises:
        ValueError: the folder holds no model whose weights can be read, or one of another kind, sizes or version.
    """
    try:
        config = json.loads((folder / CONFIG).read_text())
        kind, stored_styles = str(config["architecture"]), list(config["styles"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"the channel of initial weights holds no model: {error}") from error
    if kind != architecture:
        raise ValueError(
            f"the initial model is of architecture {kind}, and the training is of architecture {architecture}; "
            "take an initial model of the same"
        )
    if config.get("representation") != REPRESENTATION:
        raise ValueError("the initial model was made by an earlier version and writes other tokens; start without it")
    try:
        stored = load_file(folder / WEIGHTS)
    except (OSError, SafetensorError) as error:
        raise ValueError(f"the initial model's weights cannot be read: {error}") from error
    broken = [name for name, tensor in stored.items() if not bool(torch.isfinite(tensor).all())]
    if broken:
        raise ValueError(f"the initial model's weights hold values that are no numbers: {broken[0]}")
    copied = 0
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if name.endswith(_KEYS) and name in stored:
                stored[name] = _shared(stored[name], tensor, config)
            if name in stored and stored[name].shape == tensor.shape:
                before = tensor.clone()
                tensor.copy_(stored[name])
                copied += 1
                if "embed" in name:
                    tensor[STYLE.first : STYLE.end] = before[STYLE.first : STYLE.end]
                    known = [STYLE.token(number) for number in range(len(stored_styles))]
                    for row, style in enumerate(styles):
                        if style in stored_styles:
                            tensor[STYLE.token(row)] = stored[name][STYLE.token(stored_styles.index(style))]
                        elif known:  # A new style begins as what the known ones have in common.
                            tensor[STYLE.token(row)] = stored[name][known].mean(0)
    if not copied:
        raise ValueError("nothing of the initial model fits: it has other sizes; give the training its hyperparameters")
    return copied


def _shared(weights: Tensor, target: Tensor, config: dict[str, Any]) -> Tensor:
    """The rows of key heads (heads * width, inputs) averaged into as many groups as `target` has, where the sizes
    allow it."""
    width = int(config.get("head_dim") or 0)
    if weights.shape[1:] != target.shape[1:] or not width or len(weights) % len(target) or len(target) % width:
        return weights
    return weights.view(len(target) // width, -1, width, weights.shape[1]).mean(1).reshape(target.shape)
