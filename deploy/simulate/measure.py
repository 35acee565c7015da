"""Measure what songs cost: `python -m deploy.simulate.measure` writes `service_times.json`.

CPU seconds, not wall seconds: they say what one core of its own would need, also where the machine has other things to
do. Numeric libraries are held to one thread. The model composes in a process of its own, as in a task.
"""
# ruff: noqa: E402

import json
import os
import platform
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"  # Before numpy is imported.

import bandmate_model
import psutil
from bandmate_generate.settings import GenerateSettings
from bandmate_generate.song import song
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.jobs.execution.context import Handler, JobContext
from bandmate_shared.jobs.execution.inprocess import InProcessQueue
from bandmate_shared.jobs.model import START_PHASE, NewJob
from bandmate_shared.runtime import open_runtime
from bandmate_train.promotion.starter import register_starter
from bandmate_vocal.sing import sing

FILE = Path(__file__).parent / "service_times.json"
STYLES = ("folk", "pop")
BARS = (8, 16, 32, 64)
VERSE = (
    "The river runs beside the road",
    "And carries every heavy load",
    "The morning finds me on my way",
    "Singing to the break of day",
)
"""Eight bars' worth of words."""


def main() -> None:
    """Each style, length, with and without words; the first song of all is thrown away, as it warms everything up."""
    with tempfile.TemporaryDirectory() as folder:
        port = _free_port()
        model = _start_model(Path(folder) / "ml", port)
        try:
            songs = _measure(Path(folder) / "home", f"http://127.0.0.1:{port}", psutil.Process(model.pid))
        finally:
            model.terminate()
            model.wait()
    measurements = {
        "how": "python -m deploy.simulate.measure: CPU seconds of each step, one thread, model in a process of its own",
        "machine": f"{_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "model": "the starter (numpy)",
        "candidates": GenerateSettings().candidates,
        "songs": songs,
    }
    FILE.write_text(json.dumps(measurements, indent=1) + "\n")
    sys.stdout.write(f"{len(songs)} songs measured\n")


def _measure(home: Path, model_url: str, model: psutil.Process) -> list[dict[str, Any]]:
    settings = GenerateSettings(home=home, model_url=model_url)
    queue = InProcessQueue()
    runtime = open_runtime(settings, queue)
    spent: dict[str, float] = {}

    def cpu_seconds() -> float:
        """CPU seconds of this process and of its children, running and ended."""
        process = psutil.Process()
        times = process.cpu_times()
        total: float = times.user + times.system + times.children_user + times.children_system
        for child in process.children(recursive=True):
            if child.pid != model.pid:
                total += sum(child.cpu_times()[:4])
        return total

    def clocked(name: Callable[[JobContext], str], handler: Handler) -> Handler:
        def run(context: JobContext) -> Any:
            before, composing = cpu_seconds(), sum(model.cpu_times()[:2])
            try:
                return handler(context)
            finally:
                key = name(context)
                spent[key] = spent.get(key, 0.0) + cpu_seconds() - before
                spent["compose"] = spent.get("compose", 0.0) + sum(model.cpu_times()[:2]) - composing

        return run

    handlers = {
        "song": clocked(
            lambda context: "render" if context.job.phase == START_PHASE else "report",
            lambda context: song(context, settings),
        ),
        "vocal": clocked(lambda _: "sing", sing),
    }
    try:
        register_starter(runtime.storage, Path(bandmate_model.__file__).parent / "starter")
        songs: list[dict[str, Any]] = []
        plan = [(style, bars, sung) for style in STYLES for bars in BARS for sung in (False, True)]
        for number, (style, bars, sung) in enumerate([plan[0], *plan]):
            spent.clear()
            words = "\n".join(VERSE * (bars // 8)) if sung else None
            request = SongRequest(style=style, bars=bars, seed=number, lyrics=words)
            began = time.monotonic()
            job = runtime.store.submit(NewJob("song", request.model_dump(mode="json"))).job
            queue.run_all(runtime, handlers)
            ended = runtime.store.get(job.id)
            if ended.error is not None:
                raise RuntimeError(f"{style}, {bars} bars: {ended.error.detail}")
            if number == 0:
                continue
            songs.append(
                {"style": style, "bars": bars, "sung": sung}
                | {step: round(seconds, 3) for step, seconds in spent.items()}
                | {"wall": round(time.monotonic() - began, 3), "sounds": (ended.result or {})["seconds"]}
            )
            sys.stdout.write(f"{songs[-1]}\n")
            sys.stdout.flush()
        return songs
    finally:
        runtime.close()


def _start_model(root: Path, port: int) -> "subprocess.Popen[bytes]":
    environment = os.environ | {
        "BANDMATE_ML_ROOT": str(root),
        "BANDMATE_MODEL_PORT": str(port),
        "BANDMATE_MODEL_SECONDS": "600",  # A busy machine stretches the wall time, and only the CPU time counts here.
    }
    process = subprocess.Popen([sys.executable, "-m", "bandmate_model", "serve"], env=environment)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return process
        except OSError:
            time.sleep(0.1)
    process.kill()
    raise TimeoutError("the model server did not start within 60 s")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _processor() -> str:
    """The processor's name, where the system tells it."""
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


if __name__ == "__main__":
    main()
