"""The local folder of a training, wherever it runs, and the parsing of what the trainer prints.

<home>/trainings/<job id>/
    train.log       what the trainer printed, over all attempts here
    metrics.jsonl   every line of metrics, over all attempts
    ml/             laid out as SageMaker lays out /opt/ml: input/ model/ output/ checkpoints/
"""

from pathlib import Path
from typing import TextIO

from bandmate_train.trainers.base import TrainingUpdate, parse_metrics

TICK_SECONDS = 0.5
"""While the trainer prints nothing, an empty update comes this often, so that a cancellation is noticed soon."""
MAX_LOG_BYTES = 20_000_000
MAX_MESSAGE_CHARACTERS = 200


def folder_of(home: Path, job_id: str) -> Path:
    return home / "trainings" / job_id


class RunFolder:
    """Paths of a training run, and the last line of its trainer."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.last_line = ""
        """The last line of output that held no metrics, cut to MAX_MESSAGE_CHARACTERS."""

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

    def record(self, line: str, log: TextIO) -> TrainingUpdate | None:
        """Write a line of output to the log, up to MAX_LOG_BYTES, and parse it; None for a blank line."""
        if log.tell() < MAX_LOG_BYTES:
            log.write(line.rstrip("\n") + "\n")
        if metrics := parse_metrics(line):
            return TrainingUpdate(metrics)
        if not line.strip():
            return None
        self.last_line = line.strip()[:MAX_MESSAGE_CHARACTERS]
        return TrainingUpdate(message=self.last_line)
