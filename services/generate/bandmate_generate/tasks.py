"""The worker: `celery -A bandmate_generate.tasks worker -Q bandmate-generate --pool prefork --concurrency 1`."""

from collections.abc import Mapping

from bandmate_shared.jobs.execution.context import Handler
from bandmate_shared.queues.celery_app import service_app


def _handlers() -> Mapping[str, Handler]:
    from bandmate_music.audio.warm_up import warm_up_in_background  # start-up time: numpy

    from bandmate_generate.song import song  # start-up time: numpy, Pillow

    warm_up_in_background()
    return {"song": song, "take": song}


app = service_app("generate", _handlers)
