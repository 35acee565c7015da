"""One service's Celery worker, as the embedded platform starts it: `python -m bandmate_local.worker generate FILE`.

Like `celery -A bandmate_generate.tasks worker …`, but creates a file when it is ready for jobs.
"""

import importlib
import sys
from pathlib import Path
from typing import Any, cast, get_args

from bandmate_shared.contracts.jobs import ServiceName
from bandmate_shared.queues.celery_app import worker_arguments
from celery.signals import worker_ready


def run_worker(service: ServiceName, ready_file: Path) -> None:
    """Work on a service's queue until told to stop; `ready_file` is created when the worker is ready for jobs."""

    def create_ready_file(**_: Any) -> None:
        ready_file.touch()

    worker_ready.connect(create_ready_file, weak=False)
    app = importlib.import_module(f"bandmate_{service}.tasks").app
    arguments = worker_arguments(service)
    app.worker_main(arguments[arguments.index("worker") :])


if __name__ == "__main__":
    if sys.argv[1] not in get_args(ServiceName):
        raise SystemExit(f"there is no service {sys.argv[1]!r}")
    run_worker(cast(ServiceName, sys.argv[1]), Path(sys.argv[2]))
