"""What a process of Bandmate opens once and shares: settings, job store, object store, publisher, relay, heartbeat."""

from dataclasses import dataclass

from bandmate_shared.jobs.execution.worker import JobEnvironment
from bandmate_shared.jobs.relay import Publisher
from bandmate_shared.queues.broker import Broker
from bandmate_shared.queues.publisher import CeleryPublisher
from bandmate_shared.settings import SharedSettings, shared_settings


@dataclass
class Runtime(JobEnvironment):
    """Opened once a process. After submitting or cancelling a job, call `relay.kick()`."""

    settings: SharedSettings
    publisher: Publisher

    def close(self) -> None:
        """Stop the threads and close every connection."""
        self.heartbeat.stop()
        self.relay.stop()
        self.publisher.close()
        self.store.close()


def open_runtime(settings: SharedSettings | None = None, publisher: Publisher | None = None) -> Runtime:
    """Open the stores that the settings name, and create the job tables where there are none.

    Without a `publisher` messages go to the Celery broker that the settings name; it is connected to on first use.
    Raises ValueError for a storage URL of an unknown scheme.
    """
    settings = settings or shared_settings()
    publisher = publisher or CeleryPublisher(Broker.of(settings))
    parts = JobEnvironment.open(settings, publisher)
    return Runtime(parts.store, parts.storage, parts.relay, parts.heartbeat, parts.work_folder, settings, publisher)
