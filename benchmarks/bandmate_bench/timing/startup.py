"""Times of `bandmate up` and Ctrl-C, and of each service's import: `python -m bandmate_bench.timing.startup`."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from bandmate_bench.timing.figures import Figure, print_figures
from bandmate_bench.timing.servers import time_platform

COMMAND = "python -m bandmate_bench.timing.startup"
RUNS = 3
SERVICES = ("ingest", "train", "generate", "vocal")
MODULES = [
    *(f"bandmate_{service}.{module}" for service in SERVICES for module in ("api", "tasks")),
    "bandmate_model.serving.serve",
    "bandmate_local.server",
    "bandmate_local.cli.main",
]


def figures() -> list[Figure]:
    return [*_platform(), *_imports()]


def _platform() -> list[Figure]:
    ready, stopped = [], []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(RUNS + 1):
            ready_seconds, stop_seconds = time_platform(Path(folder) / "home")
            ready.append(ready_seconds)
            stopped.append(stop_seconds)
    return [
        Figure("`bandmate up` to ready, new home", ready[0], "s", COMMAND),
        Figure(f"`bandmate up` to ready, median of {RUNS}", median(ready[1:]), "s", COMMAND),
        Figure(f"Ctrl-C to gone, median of {RUNS}", median(stopped), "s", COMMAND),
    ]


def _imports() -> list[Figure]:
    """CPU time, which depends little on other load; `pydantic.main` is the peer."""
    bare, peer = _cpu_milliseconds("pass"), "import pydantic.main"
    peer_time = _cpu_milliseconds(peer) - bare
    own_times = {module: _cpu_milliseconds(f"import {module}") - bare for module in MODULES}
    return [
        Figure(f"import {module}, CPU", milliseconds, "ms", COMMAND, peer, peer_time)
        for module, milliseconds in own_times.items()
    ]


def _cpu_milliseconds(code: str) -> float:
    """User and system time of a Python that runs `code` with its bytecode cached: the best of three."""
    best = float("inf")
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-c", code])
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, code
        best = min(best, (usage.ru_utime + usage.ru_stime) * 1000)
    return best


if __name__ == "__main__":
    print_figures(figures())
