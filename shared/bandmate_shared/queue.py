"""Celery as the carrier of job ids: one queue a service, one task, and nothing that the database does not know better.

A message says only "look at this job". It may come twice, late, or never: a claim turns doubles away, the outbox sends
again what was lost. So the settings here aim at a light worker that starts fast and outlives its broker, not at
delivery guarantees. A service's `tasks.py` is `app = service_app("generate", handlers)`, started by
`worker_arguments("generate")`.
"""

import logging
import threading
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from celery import Celery, signals
from celery.exceptions import SecurityWarning
from kombu.entity import Queue
from kombu.transport import TRANSPORT_ALIASES

from bandmate_shared.broker import CONNECT_SECONDS, Broker
from bandmate_shared.contracts.jobs import ServiceName
from bandmate_shared.ecs_protection import TaskProtection
from bandmate_shared.errors import NotFound, Unavailable
from bandmate_shared.giving_back import GivingBack
from bandmate_shared.jobs.context import Done, Handler, JobContext, Wait
from bandmate_shared.jobs.model import queue_name
from bandmate_shared.jobs.verdict import OutOfTime
from bandmate_shared.jobs.worker import run_job
from bandmate_shared.runtime import Runtime, open_runtime
from bandmate_shared.settings import SharedSettings, shared_settings
from bandmate_shared.telemetry import configure_logging
from bandmate_shared.tracing import flush

log = logging.getLogger(__name__)

CONSUMER_STEPS = "bandmate_shared.visibility:VisibilityHeartbeat", "bandmate_shared.drain:Drain"

TASK = "bandmate.run"
"""The one task: `bandmate.run(job_id)`."""

HEED_SECONDS = 10.0
"""Between the time limit, which the handler finds at its next look, and an exception wherever it happens to be."""

CLEAN_UP_SECONDS = 30.0
"""Between the time limit and the death of the process."""

PROCESS_START_SECONDS = 120.0
"""How long a worker process may take to import its handlers on a busy machine."""


class NoBroker(Unavailable):
    type = "no-broker"
    title = "There is no queue to send jobs to"


class CeleryPublisher:
    """Sends job ids to the broker. One that is away costs CONNECT_SECONDS and raises; there are no retries here."""

    def __init__(self, broker: Broker) -> None:
        self._app = _bare_app("bandmate-publisher", broker)
        self._has_broker = bool(broker.url)

    def publish(self, queue: str, job_id: str) -> None:
        if not self._has_broker:
            raise NoBroker("neither BANDMATE_BROKER_URL nor REDIS_URL is set, and `bandmate up` is not running")
        self._app.send_task(TASK, args=[job_id], queue=queue, ignore_result=True, retry=False)

    def close(self) -> None:
        self._app.close()


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
    app = _bare_app(queue, Broker.of(settings))
    app.conf.update(
        task_queues=[Queue(queue)],  # type: ignore[no-untyped-call]
        task_default_queue=queue,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_soft_time_limit=job_seconds + HEED_SECONDS,
        task_time_limit=job_seconds + CLEAN_UP_SECONDS,
        worker_prefetch_multiplier=1,
        worker_consumer="bandmate_shared.consumer:DeadLetterConsumer",
        worker_enable_remote_control=False,
        worker_redirect_stdouts=False,
        worker_proc_alive_timeout=PROCESS_START_SECONDS,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
    )
    # Celery warns a worker that runs as root; it means pickled messages, which are not accepted here.
    warnings.simplefilter("ignore", SecurityWarning)
    TRANSPORT_ALIASES["redis"] = TRANSPORT_ALIASES["rediss"] = "bandmate_shared.redis_transport:Transport"
    app.steps["consumer"].update(CONSUMER_STEPS)
    process = _Process(settings, handlers, job_seconds)
    signals.worker_process_init.connect(process.warm_up, weak=False)
    signals.worker_process_shutdown.connect(_send_last_spans, weak=False)

    def log_as_everywhere(**_: Any) -> None:
        configure_logging(settings, service)
        for chatty in ("celery", "botocore"):  # Task ids say less than our job ids.
            logging.getLogger(chatty).setLevel(logging.WARNING)

    # While somebody listens to this signal, Celery leaves logging alone; the forked processes inherit what is set here.
    signals.setup_logging.connect(log_as_everywhere, weak=False)

    @app.task(name=TASK, typing=False)  # type: ignore[untyped-decorator]
    def run(*args: Any, **kwargs: Any) -> None:
        process.run(queue, args, kwargs)

    return app


def worker_arguments(service: ServiceName, concurrency: int = 1) -> list[str]:
    """What follows `python` to start a service's workers.

    The `--without-…` switches save a second at the start and a stream of chatter between workers that nobody reads.
    """
    return [
        "-m", "celery", "-q", "-A", f"bandmate_{service}.tasks", "worker", "-Q", queue_name(service),
        "--pool", "prefork", "--concurrency", str(concurrency), "-n", f"{service}@%h", "--loglevel", "WARNING",
        "--without-gossip", "--without-mingle", "--without-heartbeat",
    ]  # fmt: skip


class _Process:
    """One worker process: its runtime and its handlers, made once, after the fork."""

    def __init__(
        self, settings: SharedSettings, handlers: Callable[[], Mapping[str, Handler]], job_seconds: float
    ) -> None:
        self._settings = settings
        self._load = handlers
        self._job_seconds = job_seconds
        self._protection = TaskProtection(settings.home / "run")
        self._ready: tuple[Runtime, Mapping[str, Handler], GivingBack] | None = None

    def warm_up(self, **_: Any) -> None:
        """Open the stores and import the handlers before the first job comes."""
        if self._ready is None:
            handlers = {kind: _within(handler, self._job_seconds) for kind, handler in self._load().items()}
            runtime = open_runtime(self._settings)
            self._ready = runtime, handlers, GivingBack(runtime)

    def run(self, queue: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.warm_up()
        assert self._ready is not None
        runtime, handlers, giving_back = self._ready
        if len(args) != 1 or kwargs or not isinstance(args[0], str):
            reason = f"the message must carry one job id, a string; it carries {args!r}"[:500]
        else:
            with self._protection.at_work(), giving_back.at_work():
                if run_job(runtime, args[0], handlers) or _exists(runtime, args[0]):
                    return
            reason = f"there is no job {args[0]!r}"[:500]
        log.warning("dead letter in %s: %s", queue, reason)
        runtime.store.add_dead_letter(queue, repr((args, kwargs) if kwargs else args), reason)


def _send_last_spans(**_: Any) -> None:
    """A pool process ends without Python's own farewell, which would have sent them."""
    flush()


def _exists(runtime: Runtime, job_id: str) -> bool:
    try:
        runtime.store.get(job_id)
    except NotFound:
        return False
    return True


def _within(handler: Handler, seconds: float) -> Handler:
    def run(context: JobContext) -> Done | Wait:
        from billiard.exceptions import SoftTimeLimitExceeded

        out_of_time = OutOfTime(f"{context.job.id} ran longer than the {seconds:g} s it may")
        # An exception in the midst of a transaction can leave the database locked; the handler's own look cannot.
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


def _bare_app(name: str, broker: Broker) -> Celery:
    app = Celery(name, broker=broker.url or None, set_as_current=False, fixups=[])
    app.conf.update(
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        result_backend=None,
        broker_connection_timeout=CONNECT_SECONDS,
        broker_transport_options=broker.transport_options(),
    )
    return app
