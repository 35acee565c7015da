"""The end of a training run: the model folder, with everything that has to be known about the model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bandmate_model import __version__
from bandmate_model.architectures import Vocabulary, architecture
from bandmate_model.band import BandRecipe
from bandmate_model.data import TrainingSet
from bandmate_model.environment import MlFolders
from bandmate_model.evaluate import evaluate
from bandmate_model.lineup import measure
from bandmate_model.loaded import LoadedModel
from bandmate_model.options import TrainingOptions
from bandmate_model.originality import build_index

if TYPE_CHECKING:
    from torch import nn


def publish(
    folders: MlFolders, options: TrainingOptions, training: TrainingSet, weights: Path, summary: dict[str, float],
    dataset: str,
) -> None:  # fmt: skip
    """Write the weights (in float16), config.json, the originality index, metrics.json, loss.png and MODEL_CARD.md."""
    from dataclasses import asdict

    from safetensors.numpy import load_file, save_file

    folder = folders.model
    folder.mkdir(parents=True, exist_ok=True)
    save_file(
        {name: array.astype(np.float16) for name, array in load_file(weights).items()}, folder / "model.safetensors"
    )
    config = {
        **architecture(options.architecture).config(Vocabulary(tuple(training.styles)), options.network()),
        "id": options.id or "model",
        "code_version": __version__,
        "dataset_sha256": dataset,
        "hyperparameters": asdict(options),
        "statistics": measure(training),
    }
    _write_json(folder / "config.json", config)
    recipe = BandRecipe.parse(options.band)
    build_index(training, leave_out=frozenset({recipe.band}) if recipe else frozenset()).save(folder)
    metrics = {**summary, **evaluate(LoadedModel.load(folder), training, options.evaluation_takes)}
    _write_json(folder / "metrics.json", metrics)
    from bandmate_model import checkpoint

    history = checkpoint.history(folders.checkpoints)
    draw_losses(history, folder / "loss.png")
    folders.output.mkdir(parents=True, exist_ok=True)
    _write_json(folders.output / "metrics.json", metrics)
    draw_losses(history, folders.output / "loss.png")
    (folder / "MODEL_CARD.md").write_text(_card(config, metrics, training))
    for path in folder.iterdir():  # safetensors writes files only their owner can read; the server may be another user.
        path.chmod(0o644)


def draw_losses(history: list[dict[str, float]], path: Path) -> None:
    """Training and validation loss over the steps, as a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.plot([row["step"] for row in history], [row["train_loss"] for row in history], label="training")
    measured = [row for row in history if "valid_loss" in row]
    axes.plot([row["step"] for row in measured], [row["valid_loss"] for row in measured], "o-", label="validation")
    axes.set_xlabel("step")
    axes.set_ylabel("loss, nats an event")
    axes.legend()
    axes.grid(alpha=0.3)
    figure.savefig(path)


def warm_start(network: nn.Module, folder: Path, styles: list[str]) -> int:
    """Take over a model's weights where name and shape agree; style embeddings by the style's name.

    Raises:
        ValueError: the folder holds no model.
    """
    import torch
    from safetensors.torch import load_file

    try:
        config = json.loads((folder / "config.json").read_text())
        stored = load_file(folder / "model.safetensors")
        known = list(config["styles"])
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"the channel of initial weights holds no model: {error}") from error
    own = network.state_dict()
    taken = 0
    with torch.no_grad():
        for name, tensor in own.items():
            if name == "style.weight" and name in stored and stored[name].shape[1] == tensor.shape[1]:
                for row, style in enumerate(styles):
                    if style in known:
                        tensor[row] = stored[name][known.index(style)].float()
                taken += 1
            elif name in stored and stored[name].shape == tensor.shape:
                tensor.copy_(stored[name].float())
                taken += 1
    return taken


def _write_json(path: Path, value: object) -> None:
    temporary = path.with_suffix(".part")
    temporary.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n")
    temporary.replace(path)


def _card(config: dict[str, object], metrics: dict[str, float], training: TrainingSet) -> str:
    """A model card (Mitchell et al., 2019) with what is known here; sources and licences are the trainer's to add."""
    pieces = {style: sum(piece.style == style for piece in training.pieces) for style in training.styles}
    rows = "\n".join(f"| {name} | {value} |" for name, value in sorted(metrics.items()))
    styles = "\n".join(f"| {style} | {count} |" for style, count in pieces.items())
    return (
        f"# Model {config['id']}\n\n"
        f"Architecture `{config['architecture']}`, {int(metrics['parameters']):,} parameters, "
        f"trained with bandmate-model {config['code_version']}.\n"
        f"Dataset SHA-256 (tables): `{config['dataset_sha256']}`.\n\n"
        f"## Training pieces\n\n| style | pieces |\n|---|---|\n{styles}\n\n"
        "Band pieces (hyperparameter `band`) are derived from the others.\n\n"
        "## Measured\n\nLosses in nats an event or note, on the validation split.\n\n"
        f"| metric | value |\n|---|---|\n{rows}\n\n"
        f"## Hyperparameters\n\n```json\n{json.dumps(config['hyperparameters'], indent=1, sort_keys=True)}\n```\n"
    )
