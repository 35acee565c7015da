"""Run the trainer as a child process, in a folder laid out like SageMaker's /opt/ml (see `run_folder`).

Beside that folder lies `lock`, which the trainer holds as long as it lives, with its process id inside.
"""

import importlib.util
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

from bandmate_train.trainers.base import (
    TrainerInterrupted,
    TrainerMissing,
    TrainingFailed,
    TrainingPlan,
    TrainingUpdate,
)
from bandmate_train.trainers.run_folder import TICK_SECONDS, RunFolder, folder_of
from bandmate_train.trainers.trainer_lock import acquire

MAX_FAILURE_CHARACTERS = 1024
_EXEC_TRAINER = "bandmate_train.trainers.exec_trainer"


def require_torch(command: Sequence[str]) -> None:
    """Raise TrainerMissing where the command is this installation's own trainer, and torch is not installed for it."""
    is_own = list(command[:3]) == [sys.executable, "-m", "bandmate_model"]
    if is_own and importlib.util.find_spec("torch") is None:
        raise TrainerMissing(
            "training needs torch, which is not installed; install it with: "
            f"{sys.executable} -m pip install 'bandmate-model[train]'. Writing songs does not need it"
        )


class SubprocessTrainer:
    """Trains in a child process."""

    def __init__(self, command: Sequence[str], home: Path, stop_seconds: float) -> None:
        self._command = list(command)
        self._home = home
        self._stop_seconds = stop_seconds

    def start(self, plan: TrainingPlan) -> "SubprocessRun":
        require_torch(self._command)
        if shutil.which(self._command[0]) is None:
            raise TrainerMissing(f"{self._command[0]!r} is not an executable; set BANDMATE_TRAINER_COMMAND")
        folder = folder_of(self._home, plan.job_id)
        with acquire(folder / "lock", self._stop_seconds) as lock:
            root = folder / "ml"
            create_folders(root, plan)
            wrapper = [sys.executable, "-m", _EXEC_TRAINER, str(lock.fileno()), str(os.getpid())]
            process = subprocess.Popen(
                [*wrapper, *self._command],
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

    def discard(self, job_id: str) -> None:
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
                update = self.record(line, log)
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
        self._reader.join(self._stop_seconds)  # A grandchild may keep the pipe open.

    def detach(self) -> None:
        """No other worker can follow this process, so it saves and stops."""
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
        """Return or raise by the exit status; 0 with an empty model folder means that the trainer was stopped."""
        if status == 0 and any(self.model.iterdir()):
            return
        if status < 0:
            name = signal.Signals(-status).name
            hint = "; the kernel does so when memory runs out" if name == "SIGKILL" else ""
            raise TrainerInterrupted(f"the trainer was killed by {name}{hint}")
        if status == 0:
            raise TrainerInterrupted("the trainer was stopped before the model was finished")
        failure = self.output / "failure"
        if failure.is_file():
            raise TrainingFailed(failure.read_text(errors="replace")[:MAX_FAILURE_CHARACTERS].strip())
        raise TrainerInterrupted(f"the trainer ended with status {status}: {self.last_line or 'no output'}")


def create_folders(root: Path, plan: TrainingPlan) -> None:
    """Create `root` as SageMaker creates /opt/ml; keep the checkpoints of an earlier attempt, remove its results."""
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
