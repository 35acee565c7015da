"""One service's Celery worker in a container."""

import os
from contextlib import closing
from typing import Any

from bandmate_shared.service.code import service_module, service_name, service_settings
from bandmate_shared.service.health import BEAT_SECONDS, Pulse
from bandmate_shared.telemetry import configure_logging


def run_worker() -> None:
    """Work on the service's queue until SIGTERM, which hands a job under way back at once.

    Raises:
        NoSuchService; and what opening the stores raises, before the first job is taken.
    """
    # Celery's word for it: SIGTERM stops the work, it does not wait for its end. Read when Celery is imported.
    os.environ.setdefault("REMAP_SIGTERM", "SIGQUIT")
    from bandmate_shared.queue import worker_arguments
    from bandmate_shared.runtime import open_runtime

    service = service_name()
    settings = service_settings(service)
    configure_logging(settings, f"{service}-worker")
    with closing(open_runtime(settings)):
        pass  # A database that this code cannot work with, or a store that is not there, is told at the start.
    app = service_module(service, "tasks").app
    _watch(app, Pulse())
    arguments = worker_arguments(service, settings.worker_concurrency)
    app.worker_main(["-q", *arguments[arguments.index("worker") :]])


def _watch(app: Any, pulse: Pulse) -> None:
    """Have the worker's event loop beat the pulse."""
    from celery.bootsteps import StartStopStep
    from kombu.utils.imports import symbol_by_name

    class Beat(StartStopStep):  # type: ignore[misc]
        """A timer of the event loop: it does not fire when the loop hangs."""

        requires = {"celery.worker.components:Timer"}  # noqa: RUF012 - read by Celery

        def start(self, parent: Any) -> None:
            pulse.beat()
            parent.timer.call_repeatedly(BEAT_SECONDS, pulse.beat)

    class WaitingConsumer(symbol_by_name(app.conf.worker_consumer)):  # type: ignore[misc]
        """While the broker is away, the loop stands still and the worker is well: its jobs go on, and it will too."""

        def ensure_connected(self, connection: Any) -> Any:
            with pulse.beating():
                return super().ensure_connected(connection)

    app.steps["worker"].add(Beat)
    app.conf.worker_consumer = WaitingConsumer
