"""`bandmate benchmark song`: how fast this machine writes songs."""

import time
from statistics import median
from typing import Annotated, Any

import typer
from bandmate_local.cli.job_runner import platform_session, run_job
from bandmate_local.cli.output import console, print_json
from bandmate_local.cli.progress import StageDisplay
from bandmate_shared.contracts.jobs import JobEvent
from bandmate_shared.contracts.songs import SongRequest

WORDS = """The river runs beside the road
And carries every heavy load
The morning finds me on my way
Singing to the break of day"""
"""Four lines of our own, so that every run sings the same."""


def song(
    runs: Annotated[int, typer.Option(min=1, max=100, help="How many songs, one after another.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print the numbers as JSON.")] = False,
) -> None:
    """Write the same sung song several times and say how long each stage took."""
    numbers = measure(runs)
    if as_json:
        print_json(numbers)
        return
    console.print(f"platform ready after {numbers['ready_seconds']:.1f} s")
    for number, run in enumerate(numbers["songs"], 1):
        stages = ", ".join(f"{stage} {seconds:.2f}" for stage, seconds in run["stages"].items())
        console.print(f"song {number}: {run['seconds']:.2f} s ({stages})", markup=False)
    console.print(f"median {numbers['median_seconds']:.2f} s per song")


def measure(runs: int) -> dict[str, Any]:
    """Wall seconds until the platform is ready, and of each song, whole and by stage; child jobs' stages included."""
    request = SongRequest(style="folk", key="D", bars=8, tempo=100, seed=1, lyrics=WORDS)
    started = time.monotonic()
    songs: list[dict[str, Any]] = []
    with platform_session("generate", "vocal") as session:
        ready = time.monotonic() - started
        for _ in range(runs):
            began = time.monotonic()
            display = StageDisplay(quiet=True)
            job = run_job(session, "songs", request.model_dump(mode="json", exclude_none=True), display)
            seconds = time.monotonic() - began
            stages = dict(display.seconds)
            for child in job.children:
                below = StageDisplay(quiet=True)
                for event in session.api.events(f"/v1/vocals/{child}", 0):
                    below.show(JobEvent.model_validate(event))
                stages.update({f"vocal.{stage}": spent for stage, spent in below.seconds.items()})
            songs.append({"seconds": round(seconds, 3), "stages": {k: round(v, 3) for k, v in stages.items()}})
    return {
        "command": f"bandmate benchmark song --runs {runs} --json",
        "ready_seconds": round(ready, 3),
        "songs": songs,
        "median_seconds": round(median(run["seconds"] for run in songs), 3),
    }
