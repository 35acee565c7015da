"""The training side of the container: dataset channel in, model folder out.

Read `run` from top to bottom; the loop is in trainer.py, and that of the gan in gan/train.py. A run stopped by SIGTERM
leaves a checkpoint and ends with status 0; started again with the same folders it goes on from there. Every line of
metrics looks like

    [metrics] step=40 epoch=0.070 train_loss=5.0124 valid_loss=nan tokens_per_second=5120 eta_seconds=1830

Losses are natural-log units a note: of all tokens that are a choice, divided by the notes they make.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path

import torch

from bandmate_model import band, data, tokens
from bandmate_model.architectures import architecture
from bandmate_model.band import BandRecipe, with_band
from bandmate_model.cells import harmony, pieces
from bandmate_model.cells.training_set import TrainingSet, build
from bandmate_model.cells.vocabulary import MAX_STYLES
from bandmate_model.checkpoint import CheckpointUnusable
from bandmate_model.data import DatasetUnusable, Piece, read_pieces
from bandmate_model.device import find_device, is_out_of_memory
from bandmate_model.distributed import Hosts, join_hosts
from bandmate_model.environment import MlFolders
from bandmate_model.hosts import HostLost, Resources
from bandmate_model.initial import take_over
from bandmate_model.options import TrainingOptions, family_of
from bandmate_model.publish import config_of, keep_last_good, publish
from bandmate_model.samples import Samples
from bandmate_model.settings import ModelSettings
from bandmate_model.stop import Stop, Stopped
from bandmate_model.trainer import Trainer, say

CHANNEL = "training"
INITIAL_CHANNEL = "initial"
"""A model folder whose weights a run starts from, where they fit."""
_MAKERS = [Path(str(module.__file__)) for module in (band, data, harmony, pieces, tokens)]
"""The code that makes cells of a dataset: what it made is kept for the next attempt, but not for another version."""
_LOWER = {
    "gan": "batch, or step_width and beat_width",
    "rnn": "streams or steps (rows and tokens of a batch), or hidden and layers",
    "transformer": "streams or steps (rows and tokens of a batch), or hidden, feedforward and layers",
}
"""What makes a family need less memory."""


def main(stop: Stop) -> int:
    """Run a training job in <BANDMATE_ML_ROOT>. 0: completed or stopped in order; 1: failed, with a failure file."""
    settings = ModelSettings()
    folders = MlFolders(settings.ml_root)
    if os.environ.get("LOCAL_RANK", "0") == "0":  # The processes of one machine share its folders.
        folders.clear_failure()
    try:
        run(folders, stop, settings)
    except Stopped:
        say("stopped before the first step")
    except HostLost as error:  # If the other one could say why, that is the reason.
        return _failed(folders, str(error), if_first=True)
    except (DatasetUnusable, CheckpointUnusable, ValueError) as error:
        return _failed(folders, str(error))
    except Exception as error:  # The reason has to reach the failure file, whatever it is.
        if is_out_of_memory(error):
            lower = _LOWER[family_of(folders.hyperparameters())]
            return _failed(folders, f"out of memory; lower {lower}. {' '.join(str(error).split())[:200]}".strip())
        traceback.print_exc()
        return _failed(folders, f"training failed unexpectedly ({type(error).__name__}: {error}); see the log")
    return 0


def run(folders: MlFolders, stop: Stop, settings: ModelSettings | None = None) -> None:
    """Train, and write the model folder unless stopped. With several hosts, the first one writes it.

    Raises:
        ValueError, DatasetUnusable, CheckpointUnusable, HostLost: with messages for people.
        Stopped: before the first step.
    """
    values = folders.hyperparameters()
    initial = folders.channel(INITIAL_CHANNEL)
    if family_of(values) == "gan":
        if initial is not None:
            raise ValueError("a gan starts from nothing: train it without an initial model")
        from bandmate_model.gan.train import run as run_gan

        run_gan(folders, stop)
        return
    options = TrainingOptions.parse(values)
    resources = Resources.read(folders.resources)
    device = find_device(options.device, resources.local_rank)
    torch.set_num_threads(options.threads or torch.get_num_threads())
    hosts = join_hosts(resources, settings or ModelSettings(), options.streams, stop)
    training, dataset = hosts.first_here(lambda: prepare(folders, options, stop), stop)
    torch.manual_seed(options.seed)
    network = architecture(options.architecture).build(options.network()).to(device)
    if initial is not None:
        taken = take_over(network, initial, options.architecture, training.styles)
        say(f"starting from the weights of a model: {taken} tensors taken over")
    hosts.begin_alike(network)
    trainer = Trainer(
        folders, options, training, network, device, dataset, hosts, _samples(folders, options, training, hosts, stop)
    )
    try:
        complete = trainer.train(stop)
    except (HostLost, Stopped):
        raise
    except Exception as error:
        if hosts.is_first and keep_last_good(folders, options, training, trainer.best_weights()):
            _add(error, "the best weights so far are kept in output/data/last-good")
        raise
    if not complete:
        say(f"stopped at step {trainer.step}; the checkpoint is written")
        return
    if hosts.is_first:
        publish(folders, options, training, trainer.best_weights(), trainer.summary(), dataset)
    hosts.wait_for_first()
    say(f"done: {trainer.step} steps, best validation loss {trainer.best_loss:.4f} nats a note")


def prepare(folders: MlFolders, options: TrainingOptions, stop: Stop) -> tuple[TrainingSet, str]:
    """The training pieces as cells, and the dataset's identity.

    Raises:
        DatasetUnusable: the dataset is missing, broken, too small, or of more styles than a model knows.
        Stopped: while reading.
    """
    channel = folders.channel(CHANNEL)
    if channel is None:
        raise DatasetUnusable(f"the job has no input channel {CHANNEL!r}")
    dataset = identity(channel)
    recipe = BandRecipe.parse(options.band)

    def made() -> Iterator[Piece]:
        def watched(source: Iterable[Piece]) -> Iterator[Piece]:
            for piece in source:
                if stop.raised:
                    raise Stopped
                yield piece

        yield from watched(with_band(read_pieces(channel), recipe))

    say("preparing the pieces")
    made_of = [dataset, options.band, *(hashlib.sha256(path.read_bytes()).hexdigest() for path in _MAKERS)]
    key = hashlib.sha256(json.dumps(made_of).encode()).hexdigest()[:16]
    training = build(made, folders.work / key)
    if len(training.styles) > MAX_STYLES:
        raise DatasetUnusable(
            f"the dataset has {len(training.styles)} styles, and a model knows {MAX_STYLES} at most; ingest the music "
            "with fewer labels"
        )
    say(f"{len(training.pieces)} pieces, {training.notes} notes, styles: {', '.join(training.styles)}")
    return training, dataset


def identity(channel: Path) -> str:
    """The hash of a dataset's tables."""
    digest = hashlib.sha256()
    for path in sorted(channel.glob("*.parquet")):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _samples(
    folders: MlFolders, options: TrainingOptions, training: TrainingSet, hosts: Hosts, stop: Stop
) -> Samples | None:
    if not (options.samples and hosts.is_first):
        return None
    config = config_of(options, training, "")
    return Samples(training, config, folders.output / "samples", folders.work / "sample", options.samples, stop)


def _failed(folders: MlFolders, reason: str, *, if_first: bool = False) -> int:
    folders.write_failure(reason, if_first=if_first)
    sys.stderr.write(f"training failed: {reason}\n")
    return 1


def _add(error: Exception, text: str) -> None:
    """Say more at the end of an error's message."""
    error.args = (f"{error}; {text}", *error.args[1:])
