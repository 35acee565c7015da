"""The end of a training run: the model folder, with everything that has to be known about the model."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bandmate_model import __version__, checkpoint
from bandmate_model.architectures import architecture
from bandmate_model.band import BandRecipe
from bandmate_model.cells.training_set import TrainingSet
from bandmate_model.environment import MlFolders
from bandmate_model.evaluate import evaluate
from bandmate_model.learning_curve import draw_losses
from bandmate_model.lineup import measure
from bandmate_model.loaded import LoadedModel
from bandmate_model.model_files import place, write_json, write_model
from bandmate_model.options import TrainingOptions
from bandmate_model.originality import build_index

LAST_GOOD = "last-good"
"""Below output/data: what is left of a training that failed."""


def publish(
    folders: MlFolders, options: TrainingOptions, training: TrainingSet, weights: Path, summary: dict[str, float],
    dataset: str,
) -> None:  # fmt: skip
    """Write the weights (in bfloat16), config.json, the originality index, metrics.json, loss.png, MODEL_CARD.md, and
    evaluation.json with evaluation.html where there are takes to evaluate. The folder appears when all is made."""
    from safetensors.torch import load_file

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
    for name in ("metrics.json", "loss.png", "evaluation.json", "evaluation.html"):
        if (staged / name).is_file():
            shutil.copyfile(staged / name, folders.output / name)
    (staged / "MODEL_CARD.md").write_text(_card(config, metrics, training))
    place(staged, folders.model)


def config_of(options: TrainingOptions, training: TrainingSet, dataset: str) -> dict[str, Any]:
    """config.json: what transformers reads of it (of a transformer), and what is ours."""
    return {
        **architecture(options.architecture).config(training.styles, options.network()),
        "dtype": "bfloat16",
        "id": options.id or "model",
        "code_version": __version__,
        "dataset_sha256": dataset,
        "hyperparameters": asdict(options),
        "sampling": {},
        "statistics": measure(training),
    }


def keep_last_good(folders: MlFolders, options: TrainingOptions, training: TrainingSet, weights: Path) -> bool:
    """Put the best weights of a training that fails where its job's output is looked for; whether there were any."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        found = load_file(weights)
    except (OSError, SafetensorError):
        return False
    staged = folders.work / LAST_GOOD
    write_model(staged, config_of(options, training, ""), found)
    place(staged, folders.output / LAST_GOOD)
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
        f"# Model {config['id']}\n\n"
        f"Architecture `{config['architecture']}`, {int(metrics['parameters']):,} parameters in bfloat16, trained with "
        f"bandmate-model {config['code_version']}. {layout}It reads and writes the tokens of "
        f"`{config['representation']}` (cells/vocabulary.py).\n"
        f"Dataset SHA-256 (tables): `{config['dataset_sha256']}`.\n\n"
        f"## Pieces\n\n| style | training | validation |\n|---|---|---|\n{styles}\n\n{band}"
        "## Measured\n\nLosses in nats a note, on the validation split; what else is measured, on pieces composed "
        "after training (evaluation.html lets them be heard).\n\n"
        f"| metric | value |\n|---|---|\n{rows}\n\n"
        f"## Hyperparameters\n\n```json\n{_listed(config['hyperparameters'])}\n```\n"
    )


def _listed(values: dict[str, Any]) -> str:
    return json.dumps(values, indent=1, sort_keys=True)
