"""Settings of the train service."""

import re
import shlex
import sys
from functools import cache
from pathlib import Path
from typing import Literal, Self

from bandmate_shared.settings import SharedSettings
from pydantic import Field, model_validator

_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@/-]+")
_S3 = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._=-]+)*")


class TrainSettings(SharedSettings):
    """The trainer, its time limits, the evaluation gate, and SageMaker."""

    starter: Path | None = Field(
        None, description="Folder of the starter model, which the API registers when it starts. Empty: none."
    )
    trainer: Literal["subprocess", "sagemaker"] = Field(
        "subprocess", description="Where trainings run: in a process beside the worker, or as SageMaker training jobs."
    )
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

    sagemaker_image: str = Field("", description="The model image in ECR that SageMaker trains with.")
    sagemaker_role: str = Field("", description="ARN of the role that training jobs run as.")
    sagemaker_s3: str = Field(
        "", description="`s3://bucket/prefix` for what goes to SageMaker and comes back. Empty: BANDMATE_STORAGE_URL."
    )
    sagemaker_instance_type: str = Field("ml.g5.xlarge", description="Instances that trainings run on.")
    sagemaker_instance_count: int = Field(1, ge=1, le=64, description="Instances a training; they share every batch.")
    sagemaker_volume_gb: int = Field(50, ge=1, le=16_384, description="Disk of each training instance.")
    sagemaker_spot: bool = Field(False, description="Train on spot instances; interrupted, a training goes on later.")
    sagemaker_spot_wait_seconds: int = Field(
        6 * 3600, ge=0, description="How long a training may wait for spot instances, beside the time it may run."
    )
    sagemaker_subnets: str = Field("", description="Subnets of trainings inside a VPC, separated by commas.")
    sagemaker_security_groups: str = Field("", description="Security groups of trainings inside a VPC, with commas.")
    sagemaker_poll_seconds: float = Field(10.0, gt=0, description="Interval between polls of a SageMaker training.")
    model_archive_bytes: int = Field(
        8_000_000_000, ge=1, description="Most bytes that a model.tar.gz from SageMaker may unpack to."
    )

    @model_validator(mode="after")
    def _check_sagemaker(self) -> Self:
        if self.trainer != "sagemaker":
            return self
        if not self.sagemaker_image:
            raise ValueError("BANDMATE_TRAINER=sagemaker needs BANDMATE_SAGEMAKER_IMAGE, the model image in ECR")
        if _ROLE.fullmatch(self.sagemaker_role) is None:
            raise ValueError("BANDMATE_SAGEMAKER_ROLE has to be the ARN of a role, arn:aws:iam::<account>:role/<name>")
        if _S3.fullmatch(self.resolved_sagemaker_s3) is None:
            raise ValueError(
                "BANDMATE_SAGEMAKER_S3 (or BANDMATE_STORAGE_URL) has to be s3://bucket or s3://bucket/prefix, "
                f"not {self.resolved_sagemaker_s3!r}"
            )
        if bool(self.subnets) != bool(self.security_groups):
            raise ValueError("BANDMATE_SAGEMAKER_SUBNETS and BANDMATE_SAGEMAKER_SECURITY_GROUPS go together")
        return self

    @property
    def resolved_sagemaker_s3(self) -> str:
        """Without a trailing slash."""
        return (self.sagemaker_s3 or self.storage_url).rstrip("/")

    @property
    def subnets(self) -> list[str]:
        return _split_list(self.sagemaker_subnets)

    @property
    def security_groups(self) -> list[str]:
        return _split_list(self.sagemaker_security_groups)

    @property
    def trainer_arguments(self) -> list[str]:
        """The trainer's command as an argument list."""
        return shlex.split(self.trainer_command) or [sys.executable, "-m", "bandmate_model", "train"]


def _split_list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


@cache
def train_settings() -> TrainSettings:
    """The settings of this process, read once."""
    return TrainSettings()
