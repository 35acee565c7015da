"""Wall time of a sung song, by stage: `python -m tests.bench.bench_song`.

Cold: a new home, so the database, the store and the model's place in it are made on the way. Warm: the same home again.
"""

import json
import tempfile
import time
from pathlib import Path

from tests.bench.figures import Figure
from tests.platform_process import run_bandmate

COMMAND = "python -m tests.bench.bench_song"


def figures() -> list[Figure]:
    found = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        for temperature in ("cold", "warm"):
            started = time.monotonic()
            done = run_bandmate(home, "benchmark", "song", "--runs", "3", "--json", timeout=300, impatient=False)
            whole = time.monotonic() - started
            assert done.returncode == 0, done.stderr
            measured = json.loads(done.stdout)
            found.append(Figure(f"{temperature}: `bandmate benchmark song --runs 3`, all of it", whole, "s", COMMAND))
            found.append(Figure(f"{temperature}: platform ready", measured["ready_seconds"], "s", COMMAND))
            found.append(Figure(f"{temperature}: first song", measured["songs"][0]["seconds"], "s", COMMAND))
            last = measured["songs"][-1]
            found.append(Figure(f"{temperature}: third song", last["seconds"], "s", COMMAND))
            if temperature == "warm":
                found += [
                    Figure(f"third song: stage {stage}", seconds, "s", COMMAND)
                    for stage, seconds in last["stages"].items()
                ]
    return found


if __name__ == "__main__":
    for figure in figures():
        print(f"{figure.name}: {figure.value:.3f} {figure.unit}")
