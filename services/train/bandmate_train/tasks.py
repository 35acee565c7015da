"""The train service's workers: `celery -A bandmate_train.tasks worker -Q bandmate-train`."""

from collections.abc import Mapping

from bandmate_shared.jobs.execution.context import Handler
from bandmate_shared.queues.celery_app import service_app

from bandmate_train.settings import train_settings
from bandmate_train.trainers.open import open_trainer
from bandmate_train.training import TrainingHandler


def _handlers() -> Mapping[str, Handler]:
    settings = train_settings()
    return {"training": TrainingHandler(settings, open_trainer(settings))}


app = service_app("train", _handlers, job_seconds=train_settings().training_seconds)
