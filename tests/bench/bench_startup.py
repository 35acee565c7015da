"""`bandmate up` to ready, Ctrl-C to gone, and each service's import: `python -m tests.bench.bench_startup`."""

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
    """Microseconds that `-X importtime` gives the module with all it imports; `pydantic` alone is the peer."""
    peer = _import_milliseconds("pydantic")
    return [
        Figure(f"import {module}", _import_milliseconds(module), "ms", COMMAND, "import pydantic", peer)
        for module in MODULES
    ]


def _import_milliseconds(module: str) -> float:
    """The best of three: what disturbs an import only ever makes it slower."""
    best = float("inf")
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-X", "importtime", "-c", f"import {module}"], capture_output=True, text=True, check=True
        )
        best = min(best, sum(map(_microseconds, done.stderr.splitlines())) / 1000)
    return best


def _microseconds(line: str) -> int:
    """Of a line `import time: self | cumulative | name`, the cumulative; 0 for one that another line's includes."""
    columns = line.removeprefix("import time:").split("|")
    if len(columns) != 3 or not columns[1].strip().isdigit() or columns[2].startswith("   "):
        return 0
    return int(columns[1])


if __name__ == "__main__":
    for figure in figures():
        print(f"{figure.name}: {figure.value:.3f} {figure.unit}")
