"""Sends job ids to the broker, without the rest of a Celery worker."""

from celery import Celery

from bandmate_shared.errors import Unavailable
from bandmate_shared.queues.broker import CONNECT_SECONDS, Broker

TASK = "bandmate.run"
"""The one Celery task: `bandmate.run(job_id)`."""


class NoBroker(Unavailable):
    type = "no-broker"
    title = "No message broker is configured"


class CeleryPublisher:
    """A `jobs.relay.Publisher`. An unreachable broker raises after CONNECT_SECONDS; the relay does the retrying."""

    def __init__(self, broker: Broker) -> None:
        self._app = celery_app("bandmate-publisher", broker)
        self._has_broker = bool(broker.url)

    def publish(self, queue: str, job_id: str) -> None:
        if not self._has_broker:
            raise NoBroker("neither BANDMATE_BROKER_URL nor REDIS_URL is set, and `bandmate up` is not running")
        self._app.send_task(TASK, args=[job_id], queue=queue, ignore_result=True, retry=False)

    def close(self) -> None:
        self._app.close()


def celery_app(name: str, broker: Broker) -> Celery:
    """A Celery app with what publishers and workers have in common: JSON messages, no results, our broker options."""
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
