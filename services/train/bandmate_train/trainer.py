"""What a trainer is: something that runs the model container's `train` on a dataset, here or elsewhere.

Whatever runs it keeps SageMaker's contract (input/config, input/data/training, model, output, checkpoints below one
root; strings as hyperparameters; a failure file; metrics as lines on stdout), so the container cannot tell the
difference between a subprocess and a training job on AWS.
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
"""Metric → the regular expression that finds it in a line of stdout. SageMaker is given these same expressions."""

MAX_HYPERPARAMETERS = 100
MAX_HYPERPARAMETER_NAME = 256
MAX_HYPERPARAMETER_VALUE = 2500
"""CreateTrainingJob's limits; kept here too, so that what trains on a laptop trains on AWS."""


class TrainingFailed(InvalidRequest):
    """The trainer gave up and said why: another attempt with the same request would end the same way."""

    type = "training-failed"
    title = "The model could not be trained"


class TrainerInterrupted(Unavailable):
    """The trainer was stopped or killed by something else; the next attempt goes on from its checkpoint."""

    type = "trainer-interrupted"
    title = "The training was interrupted"


class TrainerMissing(BandmateError):
    """The configured command cannot be started."""

    type = "trainer-missing"
    title = "There is no trainer"
    status = 500


@dataclass(frozen=True)
class TrainingPlan:
    """What to train. `dataset` is a local folder in the dataset layout; hyperparameters are strings already."""

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
    """A line of metrics (losses in nats), or another line that the trainer printed, or with neither a sign of life."""

    metrics: Mapping[str, float] = field(default_factory=dict)
    message: str = ""


class TrainingRun(Protocol):
    """A training under way. `model` and `output` are local folders, complete once `follow` has ended, however it has;
    `log` is what the trainer printed."""

    @property
    def model(self) -> Path: ...

    @property
    def output(self) -> Path: ...

    @property
    def log(self) -> Path: ...

    def follow(self) -> Iterator[TrainingUpdate]:
        """Updates until the training has ended well, at least one a second.

        Raises TrainingFailed, TrainerInterrupted.
        """
        ...

    def stop(self) -> None:
        """End the training if it has not ended: it is asked to save and stop, then killed. Returns when it is gone."""
        ...

    def leave(self) -> None:
        """This worker goes away, the job may go on: end what cannot live without a worker, and let the rest run."""
        ...

    def history(self) -> list[dict[str, float]]:
        """Every line of metrics so far, those of earlier attempts at the same job included, oldest first."""
        ...


class Trainer(Protocol):
    """A way to train; `tests/contract/test_trainer.py` is the conformance suite."""

    def start(self, plan: TrainingPlan) -> TrainingRun:
        """Begin, or go on from the checkpoints of an earlier attempt at the same job, or with that attempt itself if it
        still runs and can be followed.

        Raises TrainerMissing, TrainerInterrupted, StorageFull.
        """
        ...

    def forget(self, job_id: str) -> None:
        """Remove what was kept for further attempts at a job."""
        ...


def parse_metrics(line: str) -> dict[str, float]:
    """The metrics in a line of the trainer's output; those that are not finite are left out."""
    found = {}
    for name, pattern in METRIC_DEFINITIONS.items():
        match = re.search(pattern, line)
        if match is not None and math.isfinite(value := _number(match[1])):
            found[name] = value
    return found


def as_hyperparameters(values: Mapping[str, str | int | float | bool]) -> dict[str, str]:
    """Values as the strings that a training job gets. Raises InvalidRequest for what SageMaker would refuse."""
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
