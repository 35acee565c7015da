"""The process that turns messages in `bandmate-submissions` into song jobs. It runs in the generate image."""

import signal
from contextlib import closing
from functools import partial

from bandmate_shared.intake.intake import SubmissionIntake
from bandmate_shared.observability.logs import configure_logging
from bandmate_shared.runtime import open_runtime
from bandmate_shared.service.health import LivenessFile
from bandmate_shared.service.service_modules import service_module, service_name, service_settings
from bandmate_shared.service.stop_flag import StopFlag


def run_intake() -> None:
    """Take in submissions until SIGTERM or SIGINT. Raises NoSuchService, and what opening the stores raises."""
    service = service_name()
    settings = service_settings(service)
    configure_logging(settings, f"{service}-intake")
    module = service_module(service, "api")
    stop = StopFlag(LivenessFile())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with closing(open_runtime(settings)) as runtime:
        runtime.relay.start()
        SubmissionIntake(runtime, check=partial(module.check, runtime, tenant=settings.submissions_tenant)).run(stop)
