"""The ingest service's workers: `celery -A bandmate_ingest.tasks worker -Q bandmate-ingest`."""

from collections.abc import Mapping

from bandmate_shared.jobs.execution.context import Handler
from bandmate_shared.queues.celery_app import service_app


def _handlers() -> Mapping[str, Handler]:
    from bandmate_ingest.handler import build_dataset  # start-up time: pyarrow

    return {"dataset": build_dataset}


app = service_app("ingest", _handlers)
