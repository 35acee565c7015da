"""The trainer that the settings ask for."""

from bandmate_train.settings import TrainSettings
from bandmate_train.trainer import Trainer


def open_trainer(settings: TrainSettings) -> Trainer:
    """Raises AwsMissing when SageMaker is asked for and boto3 is not installed."""
    if settings.trainer == "sagemaker":
        from bandmate_train.sagemaker_trainer import SageMakerTrainer

        return SageMakerTrainer(settings)
    from bandmate_train.subprocess_trainer import SubprocessTrainer

    return SubprocessTrainer(settings.trainer_arguments, settings.home, settings.trainer_stop_seconds)
