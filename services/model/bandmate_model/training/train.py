"""The training side of the container: dataset channel in, model folder out.

The loop is in loop.py, the steps in trainer.py and gan/train.py. A run stopped by SIGTERM leaves a checkpoint and ends
with status 0; started again with the same folders it resumes. Losses are nats per note: of all tokens that are a
choice, divided by the notes they make.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
import traceback
from pathlib import Path

import torch

from bandmate_model.architectures.open import architecture
from bandmate_model.cells import chord_estimate, pieces
from bandmate_model.cells.training_set import TrainingSet, build
from bandmate_model.cells.vocabulary import MAX_STYLES
from bandmate_model.data import accompaniment, band, tokens
from bandmate_model.data import pieces as data
from bandmate_model.data.pieces import DatasetUnusable
from bandmate_model.settings import ModelSettings
from bandmate_model.training.checkpoint import CheckpointUnusable
from bandmate_model.training.device import find_device, is_out_of_memory
from bandmate_model.training.distributed import Hosts, destroy_group, join_hosts
from bandmate_model.training.environment import MlFolders
from bandmate_model.training.gan.train import run as run_gan
from bandmate_model.training.hosts import HostLost, Resources
from bandmate_model.training.initial import copy_weights
from bandmate_model.training.loop import say
from bandmate_model.training.options import TrainingOptions, family_of
from bandmate_model.training.publish import config_of, keep_last_good, publish
from bandmate_model.training.samples import Samples
from bandmate_model.training.source import DatasetSource
from bandmate_model.training.stop import Stop, Stopped
from bandmate_model.training.trainer import Trainer

_STARTED = time.monotonic()
INITIAL_CHANNEL = "initial"
"""Channel with a model folder whose weights a run starts from, where they fit."""
FINE_TUNING = {"learning_rate": "0.0015", "warmup_steps": "20", "evaluate_steps": "50"}
"""Hyperparameters of a run that starts from a model's weights, where they are left out: smaller steps, measured often,
because a small dataset is learnt quickly and the best weights are published, not the last."""
_PREPARATION_MODULES = (accompaniment, band, data, chord_estimate, pieces, tokens)
_PREPARATION_CODE = [Path(str(module.__file__)) for module in _PREPARATION_MODULES]
"""The code that prepares a dataset: its result is reused by the next attempt, but not by another version."""
_LOWER = {
    "gan": "batch, or step_width and beat_width",
    "rnn": "streams or steps (rows and tokens of a batch), or hidden and layers",
    "transformer": "streams or steps (rows and tokens of a batch), or hidden, feedforward and layers",
}
"""Hyperparameters that reduce a family's memory use."""


def run_job(stop: Stop) -> int:
    """Like `main`, and leave no threads of torch.distributed that could abort the interpreter's exit.

    gloo turns a thread that still runs then into an abort (`terminate called`) with another status. After a failure
    some may wait for a host that died, so the process ends at once, with its output written.
    """
    status = main(stop)
    if status:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    destroy_group()
    return status


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
    except HostLost as error:  # The other host's own reason takes precedence.
        return _failed(folders, str(error), if_first=True)
    except (DatasetUnusable, CheckpointUnusable, ValueError) as error:
        return _failed(folders, str(error))
    except Exception as error:  # Any reason must be written to the failure file.
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
        run_gan(folders, stop)
        return
    options = TrainingOptions.parse(values if initial is None else {**FINE_TUNING, **values})
    resources = Resources.read(folders.resources)
    device = find_device(options.device, resources.local_rank)
    torch.set_num_threads(options.threads or torch.get_num_threads())
    hosts = join_hosts(resources, settings or ModelSettings(), options.streams, stop)
    training, dataset = hosts.once_per_machine(lambda: prepare(folders, options, stop), stop)
    torch.manual_seed(options.seed)
    network = architecture(options.architecture).build(options.network()).to(device)
    if initial is not None:
        copied = copy_weights(network, initial, options.architecture, training.styles)
        say(f"starting from the weights of a model: {copied} tensors copied")
    hosts.broadcast_weights(network)
    trainer = Trainer(
        folders, options, training, network, device, dataset, hosts, _samples(folders, options, training, hosts, stop)
    )
    trainer.measure_first = initial is not None
    trainer.count_preparation(time.monotonic() - _STARTED)
    try:
        complete = trainer.train(stop)
    except (HostLost, Stopped):
        raise
    except Exception as error:
        if hosts.is_first and keep_last_good(folders, options, training, trainer.best_weights()):
            _append(error, "the best weights so far are kept in output/data/last-good")
        raise
    if not complete:
        say(f"stopped at step {trainer.step}; the checkpoint is written")
        return
    if hosts.is_first:
        publish(folders, options, training, trainer.best_weights(), trainer.summary(), dataset)
    hosts.wait_for_first()
    say(f"done: {trainer.step} steps, best validation loss {trainer.best_loss:.4f} nats per note")


def prepare(folders: MlFolders, options: TrainingOptions, stop: Stop) -> tuple[TrainingSet, str]:
    """The training pieces as cells, and the dataset's identity.

    Raises:
        DatasetUnusable: the dataset is missing, broken, too small, or of more styles than a model knows.
        Stopped: while reading.
    """
    source = DatasetSource.open(folders)
    say("preparing the pieces")
    code = [hashlib.sha256(path.read_bytes()).hexdigest() for path in _PREPARATION_CODE]
    key = hashlib.sha256(json.dumps([source.sha256, options.band, *code]).encode()).hexdigest()[:16]
    training = build(lambda: source.pieces(options.band, stop), folders.work / key)
    if len(training.styles) > MAX_STYLES:
        raise DatasetUnusable(
            f"the dataset has {len(training.styles)} styles, and a model knows {MAX_STYLES} at most; ingest the music "
            "with fewer labels"
        )
    say(f"{len(training.pieces)} pieces, {training.notes} notes, styles: {', '.join(training.styles)}")
    return training, source.sha256


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


def _append(error: Exception, text: str) -> None:
    """Add to the end of an error's message."""
    error.args = (f"{error}; {text}", *error.args[1:])
