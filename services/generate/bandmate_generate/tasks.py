"""The worker: `celery -A bandmate_generate.tasks worker -Q bandmate-generate --pool prefork --concurrency 1`."""

from collections.abc import Mapping

from bandmate_shared.jobs.context import Handler
from bandmate_shared.queue import service_app


def _handlers() -> Mapping[str, Handler]:
    from bandmate_shared.audio.warm_up import warm_up_in_background

    from bandmate_generate.song import song

    warm_up_in_background()
    return {"song": song, "take": song}


app = service_app("generate", _handlers)
