"""Write the model folder of a trained token composer: weights, configuration, evaluation and model card."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from bandmate_shared import __version__
from safetensors import SafetensorError
from safetensors.torch import load_file

from bandmate_model.architectures.open import architecture
from bandmate_model.cells.style_statistics import measure_styles
from bandmate_model.cells.training_set import TrainingSet
from bandmate_model.checks.originality import build_index
from bandmate_model.data.band import BandRecipe
from bandmate_model.evaluation.evaluate import evaluate
from bandmate_model.serving.loaded import LoadedModel
from bandmate_model.training import checkpoint
from bandmate_model.training.card_header import card_header
from bandmate_model.training.environment import MlFolders
from bandmate_model.training.learning_curve import draw_losses
from bandmate_model.training.options import TrainingOptions
from bandmate_model.training.write_model import move_into_place, write_json, write_model

LAST_GOOD = "last-good"
"""Below output/data: the best weights of a failed training."""


def publish(
    folders: MlFolders,
    options: TrainingOptions,
    training: TrainingSet,
    weights: Path,
    summary: dict[str, float],
    dataset: str,
) -> None:
    """Write the weights (in bfloat16), config.json, the originality index, metrics.json, loss.png, MODEL_CARD.md and
    evaluation.json. The folder appears once all files are complete."""
    staged = folders.work / "model"
    shutil.rmtree(staged, ignore_errors=True)
    config = config_of(options, training, dataset)
    write_model(staged, config, load_file(weights))
    recipe = BandRecipe.parse(options.band)
    build_index(training, leave_out=frozenset({recipe.band}) if recipe else frozenset()).save(staged)
    metrics = {**summary, **evaluate(LoadedModel.load(staged), training, options.evaluation_takes, staged, summary)}
    history = checkpoint.history(folders.checkpoints)
    write_json(staged / "metrics.json", metrics)
    draw_losses(history, staged / "loss.png")
    folders.output.mkdir(parents=True, exist_ok=True)
    for name in ("metrics.json", "loss.png", "evaluation.json"):
        if (staged / name).is_file():
            shutil.copyfile(staged / name, folders.output / name)
    (staged / "MODEL_CARD.md").write_text(_card(config, metrics, training))
    move_into_place(staged, folders.model)


def config_of(options: TrainingOptions, training: TrainingSet, dataset: str) -> dict[str, Any]:
    """config.json: the fields that transformers reads (for a transformer), and Bandmate's own."""
    return {
        **architecture(options.architecture).config(training.styles, options.network()),
        "dtype": "bfloat16",
        "id": options.id or "model",
        "code_version": __version__,
        "dataset_sha256": dataset,
        "hyperparameters": options.model_dump(),
        "sampling": {},
        "statistics": measure_styles(training),
    }


def keep_last_good(folders: MlFolders, options: TrainingOptions, training: TrainingSet, weights: Path) -> bool:
    """Put the best weights of a failing training into its job's output. Returns whether there were any."""
    try:
        tensors = load_file(weights)
    except (OSError, SafetensorError):
        return False
    staged = folders.work / LAST_GOOD
    write_model(staged, config_of(options, training, ""), tensors)
    move_into_place(staged, folders.output / LAST_GOOD)
    return True


def _card(config: dict[str, Any], metrics: dict[str, float], training: TrainingSet) -> str:
    """A model card (Mitchell et al., 2019) with what is known here; sources and licences are the trainer's to add."""
    splits = ("train", "valid")
    pieces = {
        style: [sum(piece.style == style and piece.split == split for piece in training.pieces) for split in splits]
        for style in training.styles
    }
    rows = "\n".join(f"| {name} | {value} |" for name, value in sorted(metrics.items()))
    styles = "\n".join(f"| {style} | {counts[0]} | {counts[1]} |" for style, counts in pieces.items())
    recipe = BandRecipe.parse(str(config["hyperparameters"]["band"]))
    band = f"Pieces of {recipe.band} (hyperparameter `band`) are derived from the others.\n\n" if recipe else ""
    layout = (
        "The weights are of Llama's layout: `transformers.LlamaForCausalLM.from_pretrained` loads the folder. "
        if config["architecture"] == "transformer"
        else ""
    )
    return (
        f"{card_header(config, metrics)}# Model {config['id']}\n\n"
        f"Architecture `{config['architecture']}`, {int(metrics['parameters']):,} parameters in bfloat16, trained with "
        f"bandmate-model {config['code_version']}. {layout}It reads and writes the tokens of "
        f"`{config['representation']}` (cells/vocabulary.py).\n"
        f"Dataset SHA-256 (tables): `{config['dataset_sha256']}`.\n\n"
        f"## Pieces\n\n| style | training | validation |\n|---|---|---|\n{styles}\n\n{band}"
        "## Measured\n\nLosses in nats per note, on the validation split; what else is measured, on pieces composed "
        "after training (`bandmate benchmark page` lets them be heard).\n\n"
        f"| metric | value |\n|---|---|\n{rows}\n\n"
        f"## Hyperparameters\n\n```json\n{_listed(config['hyperparameters'])}\n```\n"
    )


def _listed(values: dict[str, Any]) -> str:
    return json.dumps(values, indent=1, sort_keys=True)
