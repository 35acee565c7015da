"""Open the trainer that the settings name."""

from bandmate_train.settings import TrainSettings
from bandmate_train.trainers.base import Trainer
from bandmate_train.trainers.subprocess import SubprocessTrainer


def open_trainer(settings: TrainSettings) -> Trainer:
    """Raises AwsMissing when SageMaker is asked for and boto3 is not installed."""
    if settings.trainer == "sagemaker":
        from bandmate_train.trainers.sagemaker import SageMakerTrainer  # optional extra: boto3

        return SageMakerTrainer(settings)
    return SubprocessTrainer(settings.trainer_arguments, settings.home, settings.trainer_stop_seconds)
