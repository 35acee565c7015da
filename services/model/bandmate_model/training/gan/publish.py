"""Write the model folder of a trained GAN: weights, configuration, metrics and model card."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from bandmate_shared import __version__
from safetensors.numpy import save_file
from safetensors.torch import load_file

from bandmate_model.cells.training_set import build
from bandmate_model.checks.originality import build_index
from bandmate_model.data.band import BandRecipe
from bandmate_model.data.read_dataset import read_pieces
from bandmate_model.gan.composer import GanComposer
from bandmate_model.model_files import read_info
from bandmate_model.training import checkpoint
from bandmate_model.training.card_header import card_header
from bandmate_model.training.environment import MlFolders
from bandmate_model.training.gan import features
from bandmate_model.training.gan.composed_samples import features_of_takes, share_of_valid_takes
from bandmate_model.training.gan.dataset import BlockSet
from bandmate_model.training.gan.networks import Generator, Sizes
from bandmate_model.training.gan.options import GanOptions
from bandmate_model.training.gan.statistics import measure
from bandmate_model.training.learning_curve import draw_losses
from bandmate_model.training.source import DatasetSource
from bandmate_model.training.write_model import write_json

SERVED_TAKES = 60
"""Pieces composed for the comparison with validation pieces."""
SERVED_NOISE = 0.5
"""Share of the neurons' training noise at temperature 1: measured, see docs/benchmarks/gan.md."""


def publish(
    folders: MlFolders,
    options: GanOptions,
    blocks: BlockSet,
    weights: Path,
    sizes: Sizes,
    summary: dict[str, float],
    source: DatasetSource,
) -> None:
    """Write the generator (in float16), config.json, the originality index, metrics.json, loss.png, MODEL_CARD.md."""
    folder = folders.model
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {name: array.astype(np.float16) for name, array in served_weights(weights, sizes).items()}
    save_file(arrays, folder / "model.safetensors")
    config: dict[str, Any] = {
        "architecture": "gan",
        "id": options.id or "model",
        "styles": blocks.styles,
        "network": {name: value for name, value in asdict(sizes).items() if name != "condition"},
        "sampling": {"noise": options.neuron_noise * SERVED_NOISE, "trained_noise": options.neuron_noise},
        "statistics": measure(blocks),
        "hyperparameters": options.model_dump(),
        "code_version": __version__,
        "dataset_sha256": source.sha256,
    }
    write_json(folder / "config.json", config)
    build_index(build(lambda: read_pieces(source.folder), folders.work / "gan-originality")).save(folder)
    composer = GanComposer.load(folder, read_info(folder))
    metrics = {**summary, **share_of_valid_takes(composer, seed=options.seed), **_served(composer, blocks)}
    history = checkpoint.history(folders.checkpoints)
    folders.output.mkdir(parents=True, exist_ok=True)
    write_json(folder / "metrics.json", metrics)
    labels = {"training": "critic: real - generated", "validation": "distance of generated blocks"}
    draw_losses(history, folder / "loss.png", **labels, unit="critic score; distance in standard deviations")
    for name in ("metrics.json", "loss.png"):
        shutil.copyfile(folder / name, folders.output / name)
    (folder / "MODEL_CARD.md").write_text(_card(config, metrics, blocks))
    # Files of safetensors are readable by their owner only; the server may run as another user.
    for path in folder.iterdir():
        path.chmod(0o644)


def served_weights(path: Path, sizes: Sizes) -> dict[str, np.ndarray]:
    """The generator's tensors as runtime.shapes names them: the weights shared by pitch classes are added to each
    pitch's own."""
    generator = Generator(sizes)
    generator.load_state_dict(load_file(path))
    arrays = {name: tensor.detach().numpy() for name, tensor in generator.state_dict().items()}
    arrays["embed.weight"] = generator.embed.weight().detach().numpy()
    del arrays["embed.own"], arrays["embed.shared"]
    return arrays


def _served(composer: GanComposer, blocks: BlockSet) -> dict[str, float]:
    """Distance of composed pieces, with everything that serving enforces, from validation pieces."""
    generated, real = features_of_takes(composer, blocks, takes=SERVED_TAKES)
    numbers = {"distance.served": features.distance(generated, real).total}
    numbers |= {f"served.{name}.generated": value for name, value in features.means(generated).items()}
    numbers |= {f"served.{name}.reference": value for name, value in features.means(real).items()}
    return {name: round(value, 5) for name, value in numbers.items()}


def _card(config: dict[str, Any], metrics: dict[str, float], blocks: BlockSet) -> str:
    """A model card (Mitchell et al., 2019) with what is known here; sources and licences are the trainer's to add."""
    pieces = {style: sum(piece.style == style for piece in blocks.pieces) for style in blocks.styles}
    names = sorted({name.rsplit(".", 1)[0] for name in metrics if name.endswith(".generated")})
    features = "\n".join(
        f"| {name} | {metrics[f'{name}.generated']:.3f} | {metrics.get(f'{name}.reference', float('nan')):.3f} |"
        for name in names
    )
    rows = "\n".join(
        f"| {name} | {value} |"
        for name, value in sorted(metrics.items())
        if not name.endswith((".generated", ".reference"))
    )
    styles = "\n".join(f"| {style} | {count} |" for style, count in pieces.items())
    recipe = BandRecipe.parse(str(config["hyperparameters"]["band"]))
    band = f"Pieces of {recipe.band} (hyperparameter `band`) are derived from the others.\n\n" if recipe else ""
    return (
        f"{card_header(config, metrics)}# Model {config['id']}\n\n"
        f"Architecture `gan`: a generator of {int(metrics['parameters']):,} parameters, trained against a critic of "
        f"{int(metrics['critic_parameters']):,} with bandmate-model {config['code_version']}.\n"
        f"Dataset SHA-256 (tables): `{config['dataset_sha256']}`.\n\n"
        f"## Training pieces\n\n| style | pieces |\n|---|---|\n{styles}\n\n{band}"
        "## Measured\n\n`valid_loss` and `distance`: Wasserstein distances from the validation split's blocks, in "
        "standard deviations, mean over the features below. `nothing`: whole blocks; `melody`: accompaniments.\n\n"
        f"| metric | value |\n|---|---|\n{rows}\n\n"
        f"| feature | generated | valid |\n|---|---|---|\n{features}\n\n"
        f"## Hyperparameters\n\n```json\n{json.dumps(config['hyperparameters'], indent=1, sort_keys=True)}\n```\n"
    )
