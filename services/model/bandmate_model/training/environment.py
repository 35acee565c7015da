"""SageMaker's folders under /opt/ml, which BANDMATE_ML_ROOT moves elsewhere (the training container contract)."""

import json
from dataclasses import dataclass
from pathlib import Path

FAILURE_CHARACTERS = 1024
"""SageMaker shows this much of the failure file as the FailureReason."""


@dataclass(frozen=True, slots=True)
class MlFolders:
    """Where a training job finds its input and leaves its output."""

    root: Path

    @property
    def model(self) -> Path:
        return self.root / "model"

    @property
    def checkpoints(self) -> Path:
        return self.root / "checkpoints"

    @property
    def output(self) -> Path:
        return self.root / "output" / "data"

    @property
    def work(self) -> Path:
        """Temporary files, neither uploaded nor needed afterwards."""
        return self.root / "work"

    @property
    def resources(self) -> Path:
        """Which hosts take part."""
        return self.root / "input" / "config" / "resourceconfig.json"

    def has_training_job(self) -> bool:
        """Whether SageMaker has laid out a training job here."""
        return (self.root / "input" / "config").is_dir()

    def hyperparameters(self) -> dict[str, str]:
        """As given: every value a string. Empty without a file.

        Raises:
            ValueError: the file is not a JSON object of strings.
        """
        path = self.root / "input" / "config" / "hyperparameters.json"
        if not path.is_file():
            return {}
        try:
            values = json.loads(path.read_text())
        except ValueError as error:
            raise ValueError(f"hyperparameters.json is not JSON: {error}") from error
        if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
            raise ValueError("hyperparameters.json has to be an object whose values are all strings")
        return values

    def channel(self, name: str) -> Path | None:
        """The folder of an input channel; None if the job has no such channel."""
        folder = self.root / "input" / "data" / name
        return folder if folder.is_dir() else None

    def write_failure(self, reason: str, *, if_first: bool = False) -> None:
        """Write the failure reason where SageMaker reads it; `if_first`: only if there is none yet."""
        path = self.root / "output" / "failure"
        if if_first and path.is_file():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(reason[:FAILURE_CHARACTERS])

    def clear_failure(self) -> None:
        """Remove the reason of an earlier attempt."""
        (self.root / "output" / "failure").unlink(missing_ok=True)
