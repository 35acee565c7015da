"""The worker: `celery -A bandmate_vocal.tasks worker -Q bandmate-vocal --pool prefork --concurrency 1`."""

from collections.abc import Mapping

from bandmate_music.audio.warm_up import warm_up_in_background
from bandmate_shared.jobs.execution.context import Done, Handler, JobContext
from bandmate_shared.queues.celery_app import service_app


def _sing(context: JobContext) -> Done:
    from bandmate_vocal.sing import sing  # start-up time: scipy takes seconds, and loads in the background

    return sing(context)


def _handlers() -> Mapping[str, Handler]:
    warm_up_in_background("bandmate_vocal.sing")
    return {"vocal": _sing}


app = service_app("vocal", _handlers)
