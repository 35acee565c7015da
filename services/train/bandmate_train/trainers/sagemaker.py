"""Run the trainer as a SageMaker training job: start it, follow it and fetch its results with boto3.

    s3://…/trainings/<job id>/input/<channel>/…   the dataset
                              checkpoints/…       shared by every job of the training, and by its restarts on spot
                              output/<name>/…     model.tar.gz, output.tar.gz
    <home>/trainings/<job id>/…                   the local run folder, filled at the end

A training has one SageMaker job, `bandmate-<job id>-1`. A worker that was killed leaves it running, and the next
attempt finds it by that name. Only after a job has failed or was stopped does an attempt start the next, from its
checkpoints.
"""

import json
import logging
import re
import shutil
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

from bandmate_shared.aws import aws_client
from bandmate_shared.errors import BandmateError, NotFound
from bandmate_shared.objects.open import open_storage
from botocore.exceptions import BotoCoreError, ClientError

from bandmate_train.settings import TrainSettings
from bandmate_train.trainers.base import (
    TrainerInterrupted,
    TrainerMissing,
    TrainingFailed,
    TrainingPlan,
    TrainingUpdate,
)
from bandmate_train.trainers.model_archive import unpack
from bandmate_train.trainers.run_folder import MAX_MESSAGE_CHARACTERS, TICK_SECONDS, RunFolder, folder_of
from bandmate_train.trainers.sagemaker_logs import JobLog
from bandmate_train.trainers.sagemaker_request import data_key, folder_key, job_name, output_key, training_job

log = logging.getLogger(__name__)

STOP_SECONDS = 600.0
"""A job that is asked to stop has 120 s to save, then its checkpoints are uploaded and its instances given back."""
_RUNNING = frozenset({"InProgress"})
_ENDING = frozenset({"Stopping", "Deleting"})
_REASON = re.compile(r"AlgorithmError: (?P<text>.*?)(?:,? ?exit code: \d+)?", re.DOTALL | re.IGNORECASE)
"""How SageMaker reports the failure file and the exit status."""

Described = dict[str, Any]


class SageMakerTrainer:
    """Trains in SageMaker training jobs."""

    def __init__(self, settings: TrainSettings) -> None:
        self._settings = settings
        self._storage = open_storage(settings.resolved_sagemaker_s3)
        self._sagemaker = aws_client("sagemaker")
        self._logs = aws_client("logs")

    def start(self, plan: TrainingPlan) -> "SageMakerRun":
        try:
            earlier, name = self._find(plan.job_id)
            if name is None:
                name = job_name(plan.job_id, len(earlier) + 1)
                self._create(plan, name)
        except (BotoCoreError, ClientError) as error:
            raise TrainerInterrupted(f"SageMaker request failed: {error}") from error
        return SageMakerRun(self, plan.job_id, name, earlier)

    def discard(self, job_id: str) -> None:
        shutil.rmtree(self.local_folder(job_id), ignore_errors=True)
        for key in list(self._storage.keys(f"{folder_key(job_id)}/")):
            self._storage.delete(key)

    def local_folder(self, job_id: str) -> Path:
        return folder_of(Path(self._settings.home), job_id)

    def describe(self, name: str) -> Described | None:
        """DescribeTrainingJob's answer; None when there is no job of that name."""
        try:
            return dict(self._sagemaker.describe_training_job(TrainingJobName=name))
        except ClientError as error:
            problem = error.response["Error"]
            if problem["Code"] == "ResourceNotFound" or "not found" in problem.get("Message", ""):
                return None
            raise

    def stop(self, name: str) -> Described | None:
        """Stop the job and wait until it has ended; its description, or None when there is no such job."""
        try:
            self._sagemaker.stop_training_job(TrainingJobName=name)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("ResourceNotFound", "ValidationException"):
                raise  # A ValidationException: it has ended in the meantime.
        return self.wait_for_end(name)

    def wait_for_end(self, name: str) -> Described | None:
        """Wait until the job has ended. Raises TrainerInterrupted when it has not after STOP_SECONDS."""
        deadline = time.monotonic() + STOP_SECONDS
        while True:
            described = self.describe(name)
            if described is None or described["TrainingJobStatus"] not in _RUNNING | _ENDING:
                return described
            if time.monotonic() > deadline:
                raise TrainerInterrupted(f"the SageMaker job {name} does not stop")
            time.sleep(min(self._settings.sagemaker_poll_seconds, TICK_SECONDS))

    def log_of(self, name: str) -> JobLog:
        return JobLog(self._logs, name)

    def fetch(self, key: str, target: Path) -> None:
        """An object below BANDMATE_SAGEMAKER_S3. Raises NotFound, StorageFull."""
        self._storage.fetch(key, target)

    @property
    def poll_seconds(self) -> float:
        return self._settings.sagemaker_poll_seconds

    @property
    def max_bytes(self) -> int:
        return self._settings.model_archive_bytes

    def _find(self, job_id: str) -> tuple[list[str], str | None]:
        """Names of the training's earlier jobs, and of the one that runs or is complete, if there is one."""
        earlier: list[str] = []
        while (described := self.describe(name := job_name(job_id, len(earlier) + 1))) is not None:
            if described["TrainingJobStatus"] in _ENDING:
                described = self.wait_for_end(name)
            if described is not None and self._is_usable(described):
                return earlier, name
            earlier.append(name)
        return earlier, None

    def _is_usable(self, described: Described) -> bool:
        if described["TrainingJobStatus"] == "Completed":
            return self._storage.exists(self.key(described["ModelArtifacts"]["S3ModelArtifacts"]))
        return described["TrainingJobStatus"] in _RUNNING

    def _create(self, plan: TrainingPlan, name: str) -> None:
        for channel, folder in plan.channels.items():
            for path in sorted(path for path in folder.rglob("*") if path.is_file()):
                self._storage.put(data_key(plan.job_id, channel, path.relative_to(folder).as_posix()), path)
        try:
            self._sagemaker.create_training_job(**training_job(self._settings, plan, name))
        except ClientError as error:
            problem = error.response["Error"]
            if problem["Code"] == "ResourceInUse":
                return  # Another attempt has started it, from the same plan.
            if problem["Code"] in ("ValidationException", "AccessDeniedException"):
                raise TrainerMissing(f"SageMaker refuses the training job: {problem.get('Message', error)}") from error
            raise

    def key(self, uri: str) -> str:
        """The storage key of an s3:// URI below BANDMATE_SAGEMAKER_S3."""
        return uri.removeprefix(f"{self._settings.resolved_sagemaker_s3}/")


class SageMakerRun(RunFolder):
    """A SageMaker training job and the local folder that receives its results."""

    def __init__(self, trainer: SageMakerTrainer, job_id: str, name: str, earlier: list[str]) -> None:
        super().__init__(trainer.local_folder(job_id))
        self.name = name
        self._job_id = job_id
        self._trainer = trainer
        self._earlier = earlier
        self._history: list[dict[str, float]] = []
        self._messages: set[str] = set()
        for folder in (self.model, self.output / "data"):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        self.log.unlink(missing_ok=True)

    def follow(self) -> Iterator[TrainingUpdate]:
        try:
            for name in self._earlier:  # Their metrics belong to this training's history.
                for _ in self._new_lines(self._trainer.log_of(name)):
                    pass
                yield TrainingUpdate()
            yield TrainingUpdate(message=f"SageMaker job {self.name}")
            described = yield from self._until_it_ends()
            self._conclude(described)
        except (BotoCoreError, ClientError) as error:
            raise TrainerInterrupted(f"SageMaker request failed: {error}") from error

    def stop(self) -> None:
        self._trainer.stop(self.name)

    def detach(self) -> None:
        """The job continues without a worker; the next attempt finds it by its name."""

    def history(self) -> list[dict[str, float]]:
        return list(self._history)

    def _until_it_ends(self) -> Generator[TrainingUpdate, None, Described]:
        """Poll status and log until the job has ended and its log has no new lines."""
        log = self._trainer.log_of(self.name)
        while True:
            described = self._trainer.describe(self.name)
            if described is None:
                raise TrainerInterrupted(f"the SageMaker job {self.name} no longer exists")
            yield from self._new_messages(described)
            has_output = yield from self._updates(log)
            if described["TrainingJobStatus"] not in _RUNNING | _ENDING and not has_output:
                return described
            yield from self._pause()

    def _updates(self, log: JobLog) -> Generator[TrainingUpdate, None, bool]:
        """Yields updates; returns whether there were any."""
        has_output = False
        for update in self._new_lines(log):
            has_output = True
            yield update
        return has_output

    def _new_lines(self, log: JobLog) -> Iterator[TrainingUpdate]:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("a") as file:
            for line in log.new_lines():
                update = self.record(line, file)
                if update is None:
                    continue
                if update.metrics:
                    self._history.append(dict(update.metrics))
                yield update

    def _new_messages(self, described: Described) -> Iterator[TrainingUpdate]:
        for transition in described.get("SecondaryStatusTransitions", []):
            text = f"SageMaker: {transition.get('StatusMessage') or transition['Status']}"
            key = f"{transition['Status']} {transition['StartTime']} {text}"
            if key not in self._messages:
                self._messages.add(key)
                yield TrainingUpdate(message=text[:MAX_MESSAGE_CHARACTERS])

    def _pause(self) -> Iterator[TrainingUpdate]:
        deadline = time.monotonic() + self._trainer.poll_seconds
        while (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, TICK_SECONDS))
            yield TrainingUpdate()

    def _conclude(self, described: Described) -> None:
        """Fetch the model, or raise by how the job ended; the output of a failed job is fetched as well."""
        status, secondary = described["TrainingJobStatus"], described["SecondaryStatus"]
        if status == "Completed":
            self._fetch(described)
        elif status == "Failed":
            failure = self._failure(described.get("FailureReason", ""))
            if isinstance(failure, TrainingFailed):
                self._try_fetch_output()
            raise failure
        elif secondary == "MaxRuntimeExceeded":
            raise TrainingFailed(
                "the training ran longer than BANDMATE_TRAINING_SECONDS; ask for fewer epochs or steps"
            )
        elif secondary == "MaxWaitTimeExceeded":
            raise TrainerInterrupted("no spot instance was free in time (BANDMATE_SAGEMAKER_SPOT_WAIT_SECONDS)")
        else:
            raise TrainerInterrupted(f"the SageMaker job {self.name} was stopped before the model was finished")

    def _failure(self, reason: str) -> TrainingFailed | TrainerInterrupted:
        """Classify FailureReason: errors of the container and of the request are final, others may be retried."""
        algorithm_error = _REASON.fullmatch(reason)
        if algorithm_error is not None and (text := algorithm_error["text"].strip(" ,")):
            return TrainingFailed(text)
        if algorithm_error is not None:
            return TrainerInterrupted(f"the trainer ended without a reason ({reason}): {self.last_line}")
        if reason.startswith("ClientError"):
            return TrainingFailed(f"SageMaker could not train: {reason}")
        return TrainerInterrupted(f"the SageMaker job {self.name} failed: {reason or 'no reason was given'}")

    def _fetch(self, described: Described) -> None:
        try:
            self._fetch_archive(self._trainer.key(str(described["ModelArtifacts"]["S3ModelArtifacts"])), self.model)
        except NotFound as error:
            raise TrainerInterrupted(f"the SageMaker job {self.name} is complete, but its model is missing") from error
        self._fetch_output()
        self.metrics.write_text("".join(json.dumps(line) + "\n" for line in self._history))

    def _fetch_output(self) -> None:
        try:
            self._fetch_archive(output_key(self._job_id, self.name), self.output / "data")
        except NotFound:
            pass  # The trainer wrote no output besides the model.

    def _try_fetch_output(self) -> None:
        """Fetch the output of a failed job; an error here must not hide why the job failed."""
        try:
            self._fetch_output()
        except (BandmateError, BotoCoreError, ClientError) as error:
            log.warning("the output of the SageMaker job %s cannot be fetched: %s", self.name, error)

    def _fetch_archive(self, key: str, folder: Path) -> None:
        archive = self._folder / "fetched.tar.gz"
        try:
            self._trainer.fetch(key, archive)
            unpack(archive, folder, self._trainer.max_bytes)
        finally:
            archive.unlink(missing_ok=True)
