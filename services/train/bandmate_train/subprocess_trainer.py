"""The trainer as a process of this machine, in a tree laid out as SageMaker lays out /opt/ml (`run_folder.py`).

Beside that tree lies `lock`, held by the trainer as long as it lives, with its process id inside.
"""

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bandmate_train.attempt_lock import take_over
from bandmate_train.run_folder import TICK_SECONDS, RunFolder, folder_of
from bandmate_train.trainer import (
    TrainerInterrupted,
    TrainerMissing,
    TrainingFailed,
    TrainingPlan,
    TrainingUpdate,
)

MAX_FAILURE_CHARACTERS = 1024


class SubprocessTrainer:
    """Trains in a child process."""

    def __init__(self, command: Sequence[str], home: Path, stop_seconds: float) -> None:
        self._command = list(command)
        self._home = home
        self._stop_seconds = stop_seconds

    def start(self, plan: TrainingPlan) -> "SubprocessRun":
        if shutil.which(self._command[0]) is None:
            raise TrainerMissing(f"{self._command[0]!r} is no program; BANDMATE_TRAINER_COMMAND names the trainer")
        folder = folder_of(self._home, plan.job_id)
        with take_over(folder / "lock", self._stop_seconds) as lock:
            root = folder / "ml"
            lay_out(root, plan)
            launch = [sys.executable, "-m", "bandmate_train.launch", str(lock.fileno()), str(os.getpid())]
            process = subprocess.Popen(
                [*launch, *self._command],
                env={**os.environ, "BANDMATE_ML_ROOT": str(root), "TRAINING_JOB_NAME": plan.job_id},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                pass_fds=(lock.fileno(),),
            )
            # Leaving this block closes our copy of the lock; the child's keeps it.
        return SubprocessRun(process, folder, self._stop_seconds)

    def forget(self, job_id: str) -> None:
        shutil.rmtree(folder_of(self._home, job_id), ignore_errors=True)


class SubprocessRun(RunFolder):
    """A trainer process and the folder it works in."""

    def __init__(self, process: subprocess.Popen[str], folder: Path, stop_seconds: float) -> None:
        super().__init__(folder)
        self._process = process
        self._stop_seconds = stop_seconds
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, name="trainer output", daemon=True)
        self._reader.start()

    def follow(self) -> Iterator[TrainingUpdate]:
        with self.log.open("a") as log, self.metrics.open("a") as metrics_file:
            while True:
                try:
                    line = self._lines.get(timeout=TICK_SECONDS)
                except queue.Empty:
                    yield TrainingUpdate()
                    continue
                if line is None:
                    break
                update = self.heard(line, log)
                if update is None:
                    continue
                if update.metrics:
                    metrics_file.write(json.dumps(dict(update.metrics)) + "\n")
                    metrics_file.flush()
                yield update
        self._conclude(self._process.wait())

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(self._stop_seconds)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._reader.join(self._stop_seconds)  # A grandchild that keeps the pipe open must not hold us up.

    def leave(self) -> None:
        """A process cannot be followed by another worker: it saves and stops."""
        self.stop()

    def history(self) -> list[dict[str, float]]:
        return [json.loads(line) for line in self.metrics.read_text().splitlines()] if self.metrics.exists() else []

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stdout:
            for line in stdout:
                self._lines.put(line)
        self._lines.put(None)

    def _conclude(self, status: int) -> None:
        """Turn the exit status into what it means. A model folder with nothing in it after status 0 is a stop."""
        if status == 0 and any(self.model.iterdir()):
            return
        if status < 0:
            name = signal.Signals(-status).name
            why = "; the kernel does so when memory runs out" if name == "SIGKILL" else ""
            raise TrainerInterrupted(f"the trainer was killed by {name}{why}")
        if status == 0:
            raise TrainerInterrupted("the trainer was stopped before the model was finished")
        failure = self.output / "failure"
        if failure.is_file():
            raise TrainingFailed(failure.read_text(errors="replace")[:MAX_FAILURE_CHARACTERS].strip())
        raise TrainerInterrupted(f"the trainer ended with status {status}: {self.last_line or 'it said nothing'}")


def lay_out(root: Path, plan: TrainingPlan) -> None:
    """Make the tree below `root` as SageMaker makes /opt/ml. Checkpoints of an earlier attempt stay; results do not."""
    for name in ("input", "model", "output"):
        shutil.rmtree(root / name, ignore_errors=True)
    config = root / "input" / "config"
    for folder in (config, root / "input" / "data", root / "model", root / "output" / "data", root / "checkpoints"):
        folder.mkdir(parents=True, exist_ok=True)
    _write_json(config / "hyperparameters.json", dict(plan.hyperparameters))
    _write_json(
        config / "resourceconfig.json",
        {"current_host": "algo-1", "hosts": ["algo-1"], "network_interface_name": "lo"},
    )
    _write_json(
        config / "inputdataconfig.json",
        {
            channel: {
                "TrainingInputMode": "File",
                "S3DistributionType": "FullyReplicated",
                "RecordWrapperType": "None",
            }
            for channel in plan.channels
        },
    )
    for channel, folder in plan.channels.items():
        shutil.copytree(folder, root / "input" / "data" / channel)


def _write_json(path: Path, content: Mapping[str, object]) -> None:
    path.write_text(json.dumps(content, indent=1))
