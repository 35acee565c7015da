"""`bandmate studio`: the page in the browser, on the running platform or on one that is started for it."""

import webbrowser
from typing import Annotated

import typer

from bandmate_local.cli.output import err_console, print_json
from bandmate_local.cli.up import run_platform
from bandmate_local.platform import PlatformInfo, running_platform
from bandmate_local.settings import local_settings


def studio(
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0: any free one. [default: 8000]")] = None,
    open_page: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print where everything is as JSON.")] = False,
) -> None:
    """Open the studio's page. Starts everything and runs until Ctrl-C, unless a platform runs already."""
    running = running_platform(local_settings().home)
    if running is None:
        run_platform(port, as_json, then=_open if open_page else None)
        return
    if as_json:
        print_json(running.__dict__)
    err_console.print(f"A platform is running; the page is at {running.url}/")
    if open_page:
        _open(running)


def _open(info: PlatformInfo) -> None:
    if not webbrowser.open(f"{info.url}/"):
        err_console.print(f"No browser could be opened here; open {info.url}/ in one.")
