"""The interface of trainers, which run the model container's `train` on a dataset, on this machine or elsewhere.

Each keeps SageMaker's contract (input/config, input/data/training, model, output, checkpoints below one
root; strings as hyperparameters; a failure file; metrics as lines on stdout), so the container runs the same
as a subprocess and as a training job on AWS.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bandmate_shared.errors import BandmateError, InvalidRequest, Unavailable

CHANNEL = "training"
"""The name of the input channel that holds the dataset."""
INITIAL_CHANNEL = "initial"
"""The name of the input channel that holds the model to start from, if there is one."""

_NUMBER = r"([-+0-9.eE]+|nan|inf|-inf)"
METRIC_DEFINITIONS: Mapping[str, str] = {
    name: rf"\[metrics\].*\b{name}={_NUMBER}"
    for name in ("step", "epoch", "train_loss", "valid_loss", "tokens_per_second", "eta_seconds")
}
"""Metric → the regular expression that finds it in a line of stdout. SageMaker gets the same expressions."""

MAX_HYPERPARAMETERS = 100
MAX_HYPERPARAMETER_NAME = 256
MAX_HYPERPARAMETER_VALUE = 2500
"""CreateTrainingJob's limits, applied everywhere, so that what trains on a laptop trains on AWS."""


class TrainingFailed(InvalidRequest):
    """The trainer failed with a reason; another attempt with the same request would fail the same way."""

    type = "training-failed"
    title = "Training failed"


class TrainerInterrupted(Unavailable):
    """The trainer was stopped or killed from outside; the next attempt resumes from its checkpoint."""

    type = "trainer-interrupted"
    title = "Training interrupted"


class TrainerMissing(BandmateError):
    """The configured command cannot be started, or lacks what it needs."""

    type = "trainer-missing"
    title = "Trainer not available"
    status = 500


@dataclass(frozen=True)
class TrainingPlan:
    """The input of a training. `dataset` is a local folder in the dataset layout; hyperparameters are strings."""

    job_id: str
    dataset: Path
    hyperparameters: Mapping[str, str]
    initial: Path | None = None
    """A model folder whose weights the training starts from."""

    @property
    def channels(self) -> dict[str, Path]:
        """Input channel → local folder."""
        return {CHANNEL: self.dataset} | ({INITIAL_CHANNEL: self.initial} if self.initial is not None else {})


@dataclass(frozen=True)
class TrainingUpdate:
    """A line of metrics (losses in nats), another line of output, or neither: the training still runs."""

    metrics: Mapping[str, float] = field(default_factory=dict)
    message: str = ""


class TrainingRun(Protocol):
    """A running training. `model` and `output` are local folders, complete once `follow` has returned or raised;
    `log` is the file of the trainer's output."""

    @property
    def model(self) -> Path: ...

    @property
    def output(self) -> Path: ...

    @property
    def log(self) -> Path: ...

    def follow(self) -> Iterator[TrainingUpdate]:
        """Yield updates, at least one per second, until the training has succeeded.

        Raises TrainingFailed, TrainerInterrupted.
        """
        ...

    def stop(self) -> None:
        """Stop a running training: it is asked to save and stop, then killed. Returns when it has ended."""
        ...

    def detach(self) -> None:
        """Called when this worker stops: end what cannot run without a worker, and let the rest continue."""
        ...

    def history(self) -> list[dict[str, float]]:
        """Every line of metrics so far, earlier attempts at the job included, oldest first."""
        ...


class Trainer(Protocol):
    """Starts trainings; `tests/contract/test_trainer.py` is the conformance suite."""

    def start(self, plan: TrainingPlan) -> TrainingRun:
        """Start a training, resume from the checkpoints of an earlier attempt at the same job, or follow that attempt
        where it still runs.

        Raises TrainerMissing, TrainerInterrupted, StorageFull.
        """
        ...

    def discard(self, job_id: str) -> None:
        """Delete the files kept for further attempts at a job."""
        ...


def parse_metrics(line: str) -> dict[str, float]:
    """The metrics in a line of the trainer's output; those that are not finite are left out."""
    metrics = {}
    for name, pattern in METRIC_DEFINITIONS.items():
        match = re.search(pattern, line)
        if match is not None and math.isfinite(value := _number(match[1])):
            metrics[name] = value
    return metrics


def as_hyperparameters(values: Mapping[str, str | int | float | bool]) -> dict[str, str]:
    """Convert hyperparameters to strings. Raises InvalidRequest for what SageMaker would refuse."""
    if len(values) > MAX_HYPERPARAMETERS:
        raise InvalidRequest(f"{len(values)} hyperparameters; a training takes at most {MAX_HYPERPARAMETERS}")
    texts = {}
    for name, value in values.items():
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if not 1 <= len(name) <= MAX_HYPERPARAMETER_NAME:
            raise InvalidRequest(f"the hyperparameter {name[:40]!r} needs a name of 1 to {MAX_HYPERPARAMETER_NAME}")
        if len(text) > MAX_HYPERPARAMETER_VALUE:
            raise InvalidRequest(f"the hyperparameter {name!r} is longer than {MAX_HYPERPARAMETER_VALUE} characters")
        texts[name] = text
    return texts


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
