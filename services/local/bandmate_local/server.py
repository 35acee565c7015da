"""The HTTP process of the embedded platform: every service's routes, relay, sweeper, webhooks and the job triggers.

Started by the supervisor as `python -m bandmate_local.server FD`, where FD is a listening socket.
"""

import socket
import sys
import threading
from functools import partial
from importlib.resources import as_file, files
from typing import Protocol

from bandmate_generate import api as generate
from bandmate_generate.settings import generate_settings
from bandmate_generate.triggers.main import folder_watch, schedule
from bandmate_ingest import api as ingest
from bandmate_shared.http.app import create_app
from bandmate_shared.http.serve import serve
from bandmate_shared.intake.intake import SubmissionIntake
from bandmate_shared.jobs.sweeper import Sweeper
from bandmate_shared.observability.logs import configure_logging
from bandmate_shared.runtime import Runtime, open_runtime
from bandmate_shared.webhooks.delivery import WebhookSender
from bandmate_studio import api as studio
from bandmate_train import api as train
from bandmate_train.promotion.starter import register_starter
from bandmate_vocal import api as vocal
from fastapi import FastAPI

from bandmate_local.settings import local_settings


class Loop(Protocol):
    """Works in a thread of its own until `stop` is set."""

    def run(self, stop: threading.Event) -> None: ...


def create_platform_app(runtime: Runtime) -> FastAPI:
    """Datasets, trainings, models, songs and vocals in one app, and the page that works with them."""
    services = (ingest, train, generate, vocal)
    routers = [router for service in services for router in service.routers(runtime)]
    return create_app(runtime, "Bandmate", [*routers, *studio.routers()])


def main(descriptor: int) -> None:
    """Serve until told to stop."""
    settings = local_settings()
    configure_logging(settings, "http")
    runtime = open_runtime(settings)
    with as_file(files("bandmate_model") / "starter") as starter:
        register_starter(runtime.storage, starter)
    stop = threading.Event()
    sweeper = Sweeper(runtime.store, runtime.relay, settings.sweep_seconds)
    intake = SubmissionIntake(runtime, check=partial(generate.check, runtime, tenant=settings.submissions_tenant))
    webhooks = WebhookSender(runtime.store, settings)
    watch, beat = folder_watch(runtime, generate_settings()), schedule(runtime, generate_settings())
    loops: list[Loop | None] = [intake, webhooks, watch, beat]
    threads = [
        threading.Thread(target=loop.run, args=(stop,), name=type(loop).__name__) for loop in loops if loop is not None
    ]
    runtime.relay.start()
    sweeper.start()
    for thread in threads:
        thread.start()
    try:
        serve(create_platform_app(runtime), settings, listening=socket.socket(fileno=descriptor))
    finally:
        stop.set()
        sweeper.stop()
        for thread in threads:
            thread.join()
        runtime.close()


if __name__ == "__main__":
    main(int(sys.argv[1]))
