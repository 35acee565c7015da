"""The Celery app of a service's workers. Celery carries job ids; the database is the source of truth.

There is one queue a service and one task. A message may come twice, late, or never: a claim rejects duplicates, the
outbox sends lost ones again. So the settings here aim at a light worker that starts fast and outlives its broker, not
at delivery guarantees. A service's `tasks.py` is `app = service_app("generate", handlers)`, started by
`worker_arguments("generate")`.
"""

import logging
import threading
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from billiard.exceptions import SoftTimeLimitExceeded
from celery import Celery, signals
from celery.exceptions import SecurityWarning
from kombu.entity import Queue
from kombu.transport import TRANSPORT_ALIASES

from bandmate_shared.contracts.jobs import ServiceName
from bandmate_shared.errors import NotFound
from bandmate_shared.jobs.execution.classify_error import OutOfTime
from bandmate_shared.jobs.execution.context import Done, Handler, JobContext, Wait
from bandmate_shared.jobs.execution.worker import JobEnvironment, run_job
from bandmate_shared.jobs.model import queue_name
from bandmate_shared.jobs.store import JobStore
from bandmate_shared.observability.logs import configure_logging
from bandmate_shared.observability.tracing import flush
from bandmate_shared.queues.broker import Broker
from bandmate_shared.queues.ecs_protection import TaskProtection
from bandmate_shared.queues.graceful_shutdown import GracefulShutdown
from bandmate_shared.queues.publisher import TASK, CeleryPublisher, celery_app
from bandmate_shared.settings import SharedSettings, shared_settings

log = logging.getLogger(__name__)

CONSUMER_STEPS = "bandmate_shared.queues.visibility:VisibilityHeartbeat", "bandmate_shared.queues.drain:Drain"

SOFT_LIMIT_DELAY_SECONDS = 10.0
"""From the time limit, which the handler meets at its next check, to an exception wherever it happens to be."""

HARD_LIMIT_DELAY_SECONDS = 30.0
"""From the time limit to the kill of the process."""

PROCESS_START_SECONDS = 120.0
"""How long a worker process may take to import its handlers on a busy machine."""


def service_app(
    service: ServiceName,
    handlers: Callable[[], Mapping[str, Handler]],
    *,
    job_seconds: float = 1800.0,
) -> Celery:
    """The Celery app of a service's workers.

    `handlers` is called once in each worker process, so that heavy imports stay out of the parent. A job that runs
    longer than `job_seconds` fails as 'out-of-time'.
    """
    settings = shared_settings()
    queue = queue_name(service)
    app = celery_app(queue, Broker.of(settings))
    app.conf.update(
        task_queues=[Queue(queue)],  # type: ignore[no-untyped-call]
        task_default_queue=queue,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_soft_time_limit=job_seconds + SOFT_LIMIT_DELAY_SECONDS,
        task_time_limit=job_seconds + HARD_LIMIT_DELAY_SECONDS,
        worker_prefetch_multiplier=1,
        worker_consumer="bandmate_shared.queues.consumer:DeadLetterConsumer",
        worker_enable_remote_control=False,
        worker_redirect_stdouts=False,
        worker_proc_alive_timeout=PROCESS_START_SECONDS,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
    )
    # Celery warns a worker that runs as root; it means pickled messages, which are not accepted here.
    warnings.simplefilter("ignore", SecurityWarning)
    TRANSPORT_ALIASES["redis"] = TRANSPORT_ALIASES["rediss"] = "bandmate_shared.queues.redis_transport:Transport"
    app.steps["worker"].add("bandmate_shared.queues.drain:StopDuringStart")
    app.steps["consumer"].update(CONSUMER_STEPS)
    process = _Process(settings, handlers, job_seconds)
    signals.worker_process_init.connect(process.warm_up, weak=False)
    signals.worker_process_shutdown.connect(_send_last_spans, weak=False)

    def set_up_logging(**_: Any) -> None:
        configure_logging(settings, service)
        for library in ("celery", "botocore"):  # Task ids say less than our job ids.
            logging.getLogger(library).setLevel(logging.WARNING)

    # With a receiver of this signal Celery leaves logging alone; the forked processes inherit what is set here.
    signals.setup_logging.connect(set_up_logging, weak=False)

    @app.task(name=TASK, typing=False)  # type: ignore[untyped-decorator]
    def run(*args: Any, **kwargs: Any) -> None:
        process.run(queue, args, kwargs)

    return app


def worker_arguments(service: ServiceName, concurrency: int = 1) -> list[str]:
    """The arguments of `python` that start a service's workers.

    The `--without-…` switches save a second at the start, and traffic between workers that nobody reads.
    """
    app = f"bandmate_{service}.tasks"
    pool = f"--pool prefork --concurrency {concurrency} -n {service}@%h --loglevel WARNING"
    switches = "--without-gossip --without-mingle --without-heartbeat"
    return f"-m celery -q -A {app} worker -Q {queue_name(service)} {pool} {switches}".split()


class _Process:
    """One worker process: its stores and its handlers, opened once, after the fork."""

    def __init__(
        self, settings: SharedSettings, handlers: Callable[[], Mapping[str, Handler]], job_seconds: float
    ) -> None:
        self._settings = settings
        self._load = handlers
        self._job_seconds = job_seconds
        self._protection = TaskProtection(settings.home / "run")
        self._ready: tuple[JobEnvironment, Mapping[str, Handler], GracefulShutdown] | None = None

    def warm_up(self, **_: Any) -> None:
        """Open the stores and import the handlers before the first job comes."""
        if self._ready is None:
            handlers = {kind: _time_limited(handler, self._job_seconds) for kind, handler in self._load().items()}
            environment = JobEnvironment.open(self._settings, CeleryPublisher(Broker.of(self._settings)))
            self._ready = environment, handlers, GracefulShutdown(environment.store, environment.heartbeat)

    def run(self, queue: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.warm_up()
        assert self._ready is not None
        environment, handlers, shutdown = self._ready
        if len(args) != 1 or kwargs or not isinstance(args[0], str):
            reason = f"the message must carry one job id, a string; it carries {args!r}"[:500]
        else:
            with self._protection.at_work(), shutdown.running():
                if run_job(environment, args[0], handlers) or _exists(environment.store, args[0]):
                    return
            reason = f"there is no job {args[0]!r}"[:500]
        log.warning("dead letter in %s: %s", queue, reason)
        environment.store.add_dead_letter(queue, repr((args, kwargs) if kwargs else args), reason)


def _send_last_spans(**_: Any) -> None:
    """A pool process ends without Python's exit handlers, which would have sent them."""
    flush()


def _exists(store: JobStore, job_id: str) -> bool:
    try:
        store.get(job_id)
    except NotFound:
        return False
    return True


def _time_limited(handler: Handler, seconds: float) -> Handler:
    def run(context: JobContext) -> Done | Wait:
        out_of_time = OutOfTime(f"{context.job.id} ran longer than the {seconds:g} s it may")
        # An exception inside a transaction can leave the database locked; the handler's own check cannot.
        timer = threading.Timer(seconds, context.stop, [out_of_time])
        timer.daemon = True
        timer.start()
        try:
            return handler(context)
        except SoftTimeLimitExceeded:
            raise out_of_time from None
        finally:
            timer.cancel()

    return run
