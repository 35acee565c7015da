"""The worker: `celery -A bandmate_vocal.tasks worker -Q bandmate-vocal --pool prefork --concurrency 1`."""

from collections.abc import Mapping

from bandmate_shared.jobs.context import Handler
from bandmate_shared.queue import service_app


def _handlers() -> Mapping[str, Handler]:
    from bandmate_shared.audio.warm_up import warm_up_in_background

    from bandmate_vocal.sing import sing

    warm_up_in_background("soundfile")
    return {"vocal": sing}


app = service_app("vocal", _handlers)
