"""Settings of the train service."""

import shlex
import sys
from functools import cache

from bandmate_shared.settings import SharedSettings
from pydantic import Field


class TrainSettings(SharedSettings):
    """Which program trains, how long it may take, and what a model must reach to be registered."""

    trainer_command: str = Field(
        "", description="Command line of the model container's `train`. Empty: `python -m bandmate_model train`."
    )
    trainer_stop_seconds: float = Field(
        20.0, gt=0, description="Between SIGTERM, on which the trainer saves, and SIGKILL. SageMaker gives 120."
    )
    training_seconds: float = Field(24 * 3600.0, gt=0, description="Longest time one training may run at a stretch.")
    gate_loss_ratio: float = Field(
        1.02, gt=0, description="The validation loss may be at most this multiple of the first one measured."
    )
    gate_valid_share: float = Field(
        0.9, ge=0, le=1, description="Share of the takes composed after training that must be valid music."
    )

    @property
    def trainer_arguments(self) -> list[str]:
        """The command as a list; the model package is named here, and never imported."""
        return shlex.split(self.trainer_command) or [sys.executable, "-m", "bandmate_model", "train"]


@cache
def train_settings() -> TrainSettings:
    """The process's settings, read once."""
    return TrainSettings()
