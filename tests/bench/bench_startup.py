"""`bandmate up` to ready, Ctrl-C to gone, and each service's import: `python -m tests.bench.bench_startup`."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from tests.bench.figures import Figure
from tests.platform_process import PlatformProcess

COMMAND = "python -m tests.bench.bench_startup"
RUNS = 3
SERVICES = ("ingest", "train", "generate", "vocal")
MODULES = [
    *(f"bandmate_{service}.{module}" for service in SERVICES for module in ("api", "tasks")),
    "bandmate_model.serve",
    "bandmate_local.server",
    "bandmate_local.cli.main",
]


def figures() -> list[Figure]:
    return [*_platform(), *_imports()]


def _platform() -> list[Figure]:
    ready, stopped = [], []
    with tempfile.TemporaryDirectory() as folder:
        platform = PlatformProcess(Path(folder) / "home")
        for _ in range(RUNS + 1):
            started = time.monotonic()
            platform.start()
            ready.append(time.monotonic() - started)
            started = time.monotonic()
            platform.interrupt()
            stopped.append(time.monotonic() - started)
    return [
        Figure("`bandmate up` to ready, new home", ready[0], "s", COMMAND),
        Figure(f"`bandmate up` to ready, median of {RUNS}", median(ready[1:]), "s", COMMAND),
        Figure(f"Ctrl-C to gone, median of {RUNS}", median(stopped), "s", COMMAND),
    ]


def _imports() -> list[Figure]:
    """CPU time, so that whatever else the machine does counts little; `pydantic.main` is the peer."""
    bare = _cpu_milliseconds("pass")
    peer = _cpu_milliseconds("import pydantic.main") - bare
    return [
        Figure(
            f"import {module}, CPU", _cpu_milliseconds(f"import {module}") - bare, "ms", COMMAND,
            "import pydantic.main", peer,
        )
        for module in MODULES
    ]  # fmt: skip


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
    for figure in figures():
        print(f"{figure.name}: {figure.value:.3f} {figure.unit}")
