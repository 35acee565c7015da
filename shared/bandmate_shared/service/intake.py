"""The process that turns what lies in `bandmate-submissions` into jobs. It runs in the generate image."""

import signal
import threading
from contextlib import closing
from functools import partial

from bandmate_shared.runtime import open_runtime
from bandmate_shared.service.code import service_module, service_name, service_settings
from bandmate_shared.service.health import Pulse
from bandmate_shared.submissions import SubmissionIntake
from bandmate_shared.telemetry import configure_logging


class StopFlag(threading.Event):
    """An Event that beats the pulse whenever the loop looks whether it may go on."""

    def __init__(self, pulse: Pulse) -> None:
        super().__init__()
        self._pulse = pulse

    def is_set(self) -> bool:
        self._pulse.beat()
        return super().is_set()


def run_intake() -> None:
    """Take in submissions until SIGTERM or SIGINT. Raises NoSuchService, and what opening the stores raises."""
    service = service_name()
    settings = service_settings(service)
    configure_logging(settings, f"{service}-intake")
    module = service_module(service, "api")
    stop = StopFlag(Pulse())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with closing(open_runtime(settings)) as runtime:
        runtime.relay.start()
        SubmissionIntake(runtime, check=partial(module.check, runtime, tenant=settings.submissions_tenant)).run(stop)
