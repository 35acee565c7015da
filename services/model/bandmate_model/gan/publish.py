"""The end of a training run: the model folder, with everything that has to be known about the model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from bandmate_model import __version__, checkpoint
from bandmate_model.band import BandRecipe
from bandmate_model.data import Piece, read_pieces
from bandmate_model.environment import MlFolders
from bandmate_model.gan import features
from bandmate_model.gan.composer import GanComposer
from bandmate_model.gan.dataset import BlockSet
from bandmate_model.gan.networks import Generator, Sizes
from bandmate_model.gan.options import GanOptions
from bandmate_model.gan.statistics import measure
from bandmate_model.gan.trial import served, trial
from bandmate_model.learning_curve import draw_losses

SERVED_TAKES = 60
"""Pieces composed to be compared with validation pieces."""
SERVED_NOISE = 0.5
"""Share of the neurons' training noise at temperature 1: measured, see docs/benchmarks/gan.md."""


def publish(
    folders: MlFolders, options: GanOptions, blocks: BlockSet, weights: Path, sizes: Sizes, summary: dict[str, float],
    identity: str,
) -> None:  # fmt: skip
    """Write the generator (in float16), config.json, the originality index, metrics.json, loss.png, MODEL_CARD.md."""
    from safetensors.numpy import save_file

    from bandmate_model.composer import read_info

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
        "hyperparameters": asdict(options),
        "code_version": __version__,
        "dataset_sha256": identity,
    }
    _write_json(folder / "config.json", config)
    _save_originality(folders)
    composer = GanComposer.load(folder, read_info(folder))
    metrics = {**summary, **trial(composer, seed=options.seed), **_served(composer, blocks)}
    history = checkpoint.history(folders.checkpoints)
    folders.output.mkdir(parents=True, exist_ok=True)
    for place in (folder, folders.output):
        _write_json(place / "metrics.json", metrics)
        draw_losses(
            history, place / "loss.png", training="critic: real - made", validation="distance of made blocks",
            unit="critic score; distance in standard deviations",
        )  # fmt: skip
    (folder / "MODEL_CARD.md").write_text(_card(config, metrics, blocks))
    for path in folder.iterdir():  # safetensors writes files only their owner can read; the server may be another user.
        path.chmod(0o644)


def served_weights(path: Path, sizes: Sizes) -> dict[str, np.ndarray]:
    """The generator's tensors as runtime.shapes names them: what pitches share is added to each pitch's own."""
    from safetensors.torch import load_file

    generator = Generator(sizes)
    generator.load_state_dict(load_file(path))
    arrays = {name: tensor.detach().numpy() for name, tensor in generator.state_dict().items()}
    arrays["embed.weight"] = generator.embed.weight().detach().numpy()
    del arrays["embed.own"], arrays["embed.shared"]
    return arrays


def _served(composer: GanComposer, blocks: BlockSet) -> dict[str, float]:
    """How far composed pieces, under all that serving lays down, lie from validation pieces."""
    made, real = served(composer, blocks, takes=SERVED_TAKES)
    numbers = {"distance.served": features.distance(made, real).total}
    numbers |= {f"served.{name}.generated": value for name, value in features.means(made).items()}
    numbers |= {f"served.{name}.reference": value for name, value in features.means(real).items()}
    return {name: round(value, 5) for name, value in numbers.items()}


def _save_originality(folders: MlFolders) -> None:
    """The index of the training pieces that every family is compared with: see originality.py."""
    from bandmate_model.cells.training_set import build
    from bandmate_model.originality import build_index

    channel = folders.channel("training")
    assert channel is not None, "it was trained from"

    def pieces() -> Iterator[Piece]:
        yield from read_pieces(channel)

    build_index(build(pieces, folders.work / "gan-originality")).save(folders.model)


def _write_json(path: Path, value: object) -> None:
    temporary = path.with_suffix(".part")
    temporary.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n")
    temporary.replace(path)


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
        f"# Model {config['id']}\n\n"
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
