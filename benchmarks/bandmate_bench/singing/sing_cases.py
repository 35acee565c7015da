"""Sings cases in a process of their own, and measures it: `python -m bandmate_bench.singing.sing_cases FOLDER…`

Each FOLDER holds a request.json, a vocal request; its files are written beside it, as a worker writes them, and
usage.json: seconds of processor (child processes included, and the opening of the speech engine), wall seconds, and
the highest memory of the process and of its children, in megabytes.
"""

import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bandmate_shared.contracts.jobs import JobState
from bandmate_shared.jobs.execution.inprocess import InProcessQueue
from bandmate_shared.jobs.model import NewJob
from bandmate_shared.objects.blobs import blob_key
from bandmate_shared.runtime import Runtime, open_runtime
from bandmate_shared.settings import SharedSettings
from bandmate_vocal.sing import sing

from bandmate_bench.singing.cases import LONG, SingingCase

_USAGE = "usage.json"


def sing_all(cases: Sequence[SingingCase], folder: Path, progress: Callable[[str, int, int], None]) -> list[str]:
    """Have cases sung into FOLDER/<group>/<name>; what is there already for the same request is kept.

    Returns why cases failed, a line each. What is measured for memory gets a process of its own.
    """
    missing = [case for case in cases if not _is_there(folder / case.group / case.name, case)]
    progress("sung", len(cases) - len(missing), len(cases))
    batches = [[case] for case in missing if case.group == LONG]
    if others := [case for case in missing if case.group != LONG]:
        batches.insert(0, others)
    done = len(cases) - len(missing)
    failures = []
    for batch in batches:
        folders = [folder / case.group / case.name for case in batch]
        for case, target in zip(batch, folders, strict=True):
            shutil.rmtree(target, ignore_errors=True)
            target.mkdir(parents=True)
            (target / "request.json").write_text(json.dumps(case.request, indent=1) + "\n")
        arguments = [sys.executable, "-m", "bandmate_bench.singing.sing_cases", *map(str, folders)]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None, "it is a pipe"
            for line in process.stdout:
                done += 1
                progress("sung", done, len(cases))
                if reason := line.strip():
                    failures.append(reason)
        if process.returncode != 0:
            failures.append(f"the singing process ended with status {process.returncode}")
    return sorted(failures)


def _is_there(folder: Path, case: SingingCase) -> bool:
    try:
        asked = json.loads((folder / "request.json").read_text())
    except (OSError, ValueError):
        return False
    return bool(asked == case.request) and (folder / "vocals.wav").is_file() and (folder / _USAGE).is_file()


def main() -> None:
    """Sing each folder's request; prints a line for each: empty, or why it failed."""
    queue = InProcessQueue()
    with tempfile.TemporaryDirectory() as home:
        runtime = open_runtime(SharedSettings(home=Path(home)), queue)
        try:
            for argument in sys.argv[1:]:
                print(_sing(Path(argument), runtime, queue), flush=True)
        finally:
            runtime.close()


def _sing(folder: Path, runtime: Runtime, queue: InProcessQueue) -> str:
    request = json.loads((folder / "request.json").read_text())
    cpu, wall = _cpu_seconds(), time.monotonic()
    job = runtime.store.submit(NewJob("vocal", request)).job
    queue.run_all(runtime, {"vocal": sing})
    usage: dict[str, Any] = {
        "cpu_seconds": round(_cpu_seconds() - cpu, 3),
        "wall_seconds": round(time.monotonic() - wall, 3),
        "peak_mb": round(_peak_megabytes(), 1),
        "seconds": request["seconds"],
    }
    job = runtime.store.get(job.id)
    if job.state is not JobState.SUCCEEDED:
        return f"{folder.name}: {job.error.detail if job.error else job.state}"
    for artifact in job.artifacts:
        target = folder / artifact.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(runtime.storage.get(blob_key(artifact.sha256)))
    (folder / _USAGE).write_text(json.dumps(usage, indent=1) + "\n")
    return ""


def _cpu_seconds() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _peak_megabytes() -> float:
    """Of this process and of the largest of its children together."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(resource.getrusage(kind).ru_maxrss for kind in kinds) / 1024.0


if __name__ == "__main__":
    main()
