"""The train service's workers: `celery -A bandmate_train.tasks worker -Q bandmate-train`."""

from collections.abc import Mapping

from bandmate_shared.jobs.context import Handler
from bandmate_shared.queue import service_app

from bandmate_train.settings import train_settings


def _handlers() -> Mapping[str, Handler]:
    from bandmate_train.trainers import open_trainer
    from bandmate_train.training import TrainingHandler

    settings = train_settings()
    return {"training": TrainingHandler(settings, open_trainer(settings))}


app = service_app("train", _handlers, job_seconds=train_settings().training_seconds)
