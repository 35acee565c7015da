"""Runs the watched folder and the song schedules, where the settings name them.

In a container each is a process: `python -m bandmate_generate.triggers.main watch`, and the same with `beat`. The
embedded platform runs both as threads.
"""

import signal
import sys
import threading
from contextlib import closing
from functools import partial

from bandmate_shared.errors import BandmateError, InvalidRequest
from bandmate_shared.observability.logs import configure_logging
from bandmate_shared.runtime import Runtime, open_runtime
from bandmate_shared.service.health import LivenessFile
from bandmate_shared.service.stop_flag import StopFlag

from bandmate_generate.api import check
from bandmate_generate.settings import GenerateSettings, generate_settings
from bandmate_generate.triggers.schedule import Schedule, read_schedules
from bandmate_generate.triggers.watch import FolderWatch

Trigger = FolderWatch | Schedule


def folder_watch(runtime: Runtime, settings: GenerateSettings) -> FolderWatch | None:
    """The watch of BANDMATE_WATCH_FOLDER; None where it is not set."""
    if settings.watch_folder is None:
        return None
    return FolderWatch(
        runtime,
        settings.watch_folder,
        partial(check, runtime, tenant=settings.submissions_tenant),
        every=settings.watch_seconds,
        settle=settings.watch_settle_seconds,
    )


def schedule(runtime: Runtime, settings: GenerateSettings) -> Schedule | None:
    """The schedules of BANDMATE_SCHEDULES; None where it is not set. Raises BadSchedules."""
    if settings.schedules is None:
        return None
    entries = read_schedules(settings.schedules)
    submission_check = partial(check, runtime, tenant=settings.submissions_tenant)
    return Schedule(runtime, entries, submission_check, catch_up_seconds=settings.schedule_catch_up_seconds)


def main(command: str) -> None:
    """Run one of them until SIGTERM or SIGINT.

    Raises:
        InvalidRequest: the settings name no folder, or no schedules.
        BadSchedules: their file cannot be used.
    """
    settings = generate_settings()
    configure_logging(settings, f"generate-{command}")
    stop: threading.Event = StopFlag(LivenessFile())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with closing(open_runtime(settings)) as runtime:
        trigger: Trigger | None = folder_watch(runtime, settings) if command == "watch" else schedule(runtime, settings)
        if trigger is None:
            raise InvalidRequest(f"set {'BANDMATE_WATCH_FOLDER' if command == 'watch' else 'BANDMATE_SCHEDULES'}")
        runtime.relay.start()
        trigger.run(stop)


if __name__ == "__main__":
    if sys.argv[1:] not in (["watch"], ["beat"]):
        raise SystemExit("usage: python -m bandmate_generate.triggers.main watch | beat")
    try:
        main(sys.argv[1])
    except BandmateError as error:
        raise SystemExit(f"{error.title}: {error.detail}") from None
