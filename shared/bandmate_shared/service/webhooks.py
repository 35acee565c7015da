"""The process that sends webhooks. It runs in the generate image, and needs the job store and a way to the internet."""

import signal
from contextlib import closing

from bandmate_shared.jobs.store import JobStore
from bandmate_shared.observability.logs import configure_logging
from bandmate_shared.service.health import LivenessFile
from bandmate_shared.service.service_modules import service_name, service_settings
from bandmate_shared.service.stop_flag import StopFlag
from bandmate_shared.webhooks.delivery import WebhookSender


def run_webhooks() -> None:
    """Send webhooks until SIGTERM or SIGINT. Raises NoSuchService, and what opening the job store raises."""
    service = service_name()
    settings = service_settings(service)
    configure_logging(settings, f"{service}-webhooks")
    stop = StopFlag(LivenessFile())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with closing(JobStore.open(settings)) as store:
        WebhookSender(store, settings).run(stop)
