"""One service's Celery worker in a container."""

from contextlib import closing
from typing import Any

from celery.bootsteps import StartStopStep
from kombu.utils.imports import symbol_by_name

from bandmate_shared.observability.logs import configure_logging
from bandmate_shared.queues.celery_app import worker_arguments
from bandmate_shared.runtime import open_runtime
from bandmate_shared.service.health import TOUCH_SECONDS, LivenessFile
from bandmate_shared.service.service_modules import service_module, service_name, service_settings


def run_worker() -> None:
    """Work on the service's queue until SIGTERM, which returns a running job to the queue at once.

    Raises:
        NoSuchService; and what opening the stores raises, before the first job is taken.
    """
    service = service_name()
    settings = service_settings(service)
    configure_logging(settings, f"{service}-worker")
    with closing(open_runtime(settings)):
        pass  # Fails at the start where the database is of another version, or a store cannot be opened.
    app = service_module(service, "tasks").app
    _watch(app, LivenessFile())
    arguments = worker_arguments(service, settings.worker_concurrency)
    app.worker_main(["-q", *arguments[arguments.index("worker") :]])


def _watch(app: Any, liveness: LivenessFile) -> None:
    """Have the worker's event loop touch the liveness."""

    class TouchLivenessFile(StartStopStep):  # type: ignore[misc]
        """A timer of the event loop: it does not fire when the loop hangs."""

        requires = {"celery.worker.components:Timer"}  # noqa: RUF012 - read by Celery

        def start(self, parent: Any) -> None:
            liveness.touch()
            parent.timer.call_repeatedly(TOUCH_SECONDS, liveness.touch)

    class WaitingConsumer(symbol_by_name(app.conf.worker_consumer)):  # type: ignore[misc]
        """Touches the file while the loop waits for an unreachable broker: the worker is healthy, its jobs continue."""

        def ensure_connected(self, connection: Any) -> Any:
            with liveness.touching_in_background():
                return super().ensure_connected(connection)

    app.steps["worker"].add(TouchLivenessFile)
    app.conf.worker_consumer = WaitingConsumer
