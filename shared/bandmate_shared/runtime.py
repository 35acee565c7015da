"""What a process of Bandmate holds in its hands: settings, job store, object store, and the way to the queues."""

from dataclasses import dataclass

from bandmate_shared.jobs.heart import Heart
from bandmate_shared.jobs.relay import Publisher, Relay
from bandmate_shared.jobs.store import JobStore
from bandmate_shared.settings import SharedSettings, shared_settings
from bandmate_shared.storage import Storage, open_storage


@dataclass
class Runtime:
    """Opened once a process. After submitting or cancelling a job, call `relay.kick()`."""

    settings: SharedSettings
    store: JobStore
    storage: Storage
    publisher: Publisher
    relay: Relay
    heart: Heart

    def close(self) -> None:
        """Let go of every connection."""
        self.heart.stop()
        self.relay.stop()
        self.publisher.close()
        self.store.close()


def open_runtime(settings: SharedSettings | None = None, publisher: Publisher | None = None) -> Runtime:
    """Open the stores that the settings name, and create the job tables where there are none.

    Without a `publisher` messages go to the Celery broker that the settings name; it is connected to on first use.
    Raises ValueError for a storage URL of an unknown scheme.
    """
    settings = settings or shared_settings()
    store = JobStore.open(settings)
    if publisher is None:
        from bandmate_shared.broker import Broker
        from bandmate_shared.queue import CeleryPublisher

        publisher = CeleryPublisher(Broker.of(settings))
    return Runtime(
        settings,
        store,
        open_storage(settings.resolved_storage_url),
        publisher,
        Relay(store, publisher),
        Heart(store, settings.heartbeat_seconds),
    )
