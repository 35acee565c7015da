"""Wall time of a sung song, by stage: `python -m bandmate_bench.timing.song`.

Cold: a new home, where the database and the store are created on the way. Warm: the same home again.
"""

import tempfile
import time
from pathlib import Path

from bandmate_bench.timing.figures import Figure, print_figures
from bandmate_bench.timing.servers import run_bandmate

COMMAND = "python -m bandmate_bench.timing.song"


def figures() -> list[Figure]:
    measured = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        for temperature in ("cold", "warm"):
            started = time.monotonic()
            report = run_bandmate(home, "benchmark", "song", "--runs", "3")
            seconds = {
                "`bandmate benchmark song --runs 3`, all of it": time.monotonic() - started,
                "platform ready": report["ready_seconds"],
                "first song": report["songs"][0]["seconds"],
                "third song": report["songs"][-1]["seconds"],
            }
            measured += [Figure(f"{temperature}: {name}", value, "s", COMMAND) for name, value in seconds.items()]
    stages = report["songs"][-1]["stages"]
    return measured + [Figure(f"third song: stage {stage}", value, "s", COMMAND) for stage, value in stages.items()]


if __name__ == "__main__":
    print_figures(figures())
