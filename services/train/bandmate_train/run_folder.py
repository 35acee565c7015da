"""The folder of a training on this machine, the same wherever it runs, and what the trainer has printed so far.

<home>/trainings/<job id>/
    train.log       what the trainer printed, over all attempts here
    metrics.jsonl   every line of metrics, over all attempts
    ml/             laid out as SageMaker lays out /opt/ml: input/ model/ output/ checkpoints/
"""

from pathlib import Path
from typing import TextIO

from bandmate_train.trainer import TrainingUpdate, parse_metrics

TICK_SECONDS = 0.5
"""A silent trainer gives a sign of life this often, so that a cancellation is met soon."""
MAX_LOG_BYTES = 20_000_000
MAX_MESSAGE_CHARACTERS = 200


def folder_of(home: Path, job_id: str) -> Path:
    return home / "trainings" / job_id


class RunFolder:
    """The places of a run, and the lines of its trainer."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.last_line = ""
        """What the trainer said last that was no metrics, cut to a message's length."""

    @property
    def root(self) -> Path:
        return self._folder / "ml"

    @property
    def model(self) -> Path:
        return self.root / "model"

    @property
    def output(self) -> Path:
        return self.root / "output"

    @property
    def log(self) -> Path:
        return self._folder / "train.log"

    @property
    def metrics(self) -> Path:
        return self._folder / "metrics.jsonl"

    def heard(self, line: str, log: TextIO) -> TrainingUpdate | None:
        """A line of the trainer's, written to the log as long as that has room; None for one without content."""
        if log.tell() < MAX_LOG_BYTES:
            log.write(line.rstrip("\n") + "\n")
        if metrics := parse_metrics(line):
            return TrainingUpdate(metrics)
        if not line.strip():
            return None
        self.last_line = line.strip()[:MAX_MESSAGE_CHARACTERS]
        return TrainingUpdate(message=self.last_line)
