"""`bandmate up`: the embedded platform in the foreground."""

import signal
import threading
import time
from typing import Annotated

import typer

from bandmate_local.cli.output import notes, print_json
from bandmate_local.platform import Platform
from bandmate_local.settings import local_settings


def up(
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0: any free one. [default: 8000]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print where everything is as JSON.")] = False,
) -> None:
    """Run everything here until Ctrl-C: the API with all services, the workers, the model server, Redis."""
    settings = local_settings()
    if port is not None:
        settings = settings.model_copy(update={"port": port})
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    started = time.monotonic()
    with Platform(settings) as platform:
        info = platform.info
        assert info is not None
        platform.wait_ready(stop)
        if not stop.is_set():
            if as_json:
                print_json({**info.__dict__, "seconds": round(time.monotonic() - started, 2)})
            notes.print(f"[green]Bandmate is up[/] after {time.monotonic() - started:.1f} s. Ctrl-C stops it.")
            notes.print(f"  API    {info.url}/docs")
            notes.print(f"  Broker {info.broker_url}")
            notes.print(f"  Home   {settings.home} (logs in logs/)")
        stop.wait()
        notes.print("Stopping; unfinished jobs go on at the next start.")
