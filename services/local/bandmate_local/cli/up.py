"""`bandmate up`: the embedded platform in the foreground."""

import signal
import threading
import time
from collections.abc import Callable
from typing import Annotated

import typer

from bandmate_local.cli.output import err_console, json_anywhere, print_json
from bandmate_local.platform import Platform, PlatformInfo
from bandmate_local.settings import local_settings


def up(
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0: any free one. [default: 8000]")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", callback=json_anywhere, help="Print where everything is as JSON.")
    ] = False,
) -> None:
    """Run everything here until Ctrl-C: the API with all services, the workers, the model server, Redis."""
    run_platform(port, as_json)


def run_platform(port: int | None, as_json: bool, then: Callable[[PlatformInfo], None] | None = None) -> None:
    """Run everything until Ctrl-C; `then` is called once when it is ready."""
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
            err_console.print(f"[green]Bandmate is up[/] after {time.monotonic() - started:.1f} s. Ctrl-C stops it.")
            err_console.print(f"  Page   {info.url}/")
            err_console.print(f"  API    {info.url}/docs")
            err_console.print(f"  Broker {info.broker_url}")
            err_console.print(f"  Home   {settings.home} (logs in logs/)")
            if then is not None:
                then(info)
        stop.wait()
        err_console.print("Stopping; unfinished jobs go on at the next start.")
