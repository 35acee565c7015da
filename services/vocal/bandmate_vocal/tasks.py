"""The worker: `celery -A bandmate_vocal.tasks worker -Q bandmate-vocal --pool prefork --concurrency 1`."""

import threading
from collections.abc import Mapping

from bandmate_shared.jobs.context import Handler
from bandmate_shared.queue import service_app


def _handlers() -> Mapping[str, Handler]:
    from bandmate_vocal.sing import sing, warm_up

    threading.Thread(target=warm_up, name="warm-up", daemon=True).start()
    return {"vocal": sing}


app = service_app("vocal", _handlers)
