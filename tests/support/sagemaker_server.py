"""SageMaker's training jobs and their CloudWatch logs, as a server of this process with the real wire format.

The training really runs: each job gets a folder laid out as /opt/ml, filled from S3 (a moto server), in which
`command` is started. Its output becomes log events; model/, output/data/ and checkpoints/ go to S3. Every request
and answer is checked against botocore's model of the service.

    server.interrupt(name)              the spot instance is reclaimed: SIGTERM, then a restart from the checkpoints
    server.fail(name, "CapacityError")  the platform itself fails the job
    server.throttle                     the first so many calls of each operation are refused
"""

import io
import json
import os
import signal
import subprocess
import tarfile
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import boto3

from tests.support.aws_wire import Violation, check, operation
from tests.support.http_stand_in import HttpStandIn, StandInHandler

ACCOUNT = "123456789012"
LOG_PAGE = 7
"""Events per page: few, so that the tests read several pages."""
SERVICES = {"SageMaker": "sagemaker", "Logs_20140328": "logs"}


class ServiceError(Exception):
    """An error of the service."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Job:
    """A training job, and the attempts to run its container."""

    request: dict[str, Any]
    created: float = field(default_factory=time.time)
    status: str = "InProgress"
    secondary: str = "Starting"
    transitions: list[dict[str, Any]] = field(default_factory=list)
    reason: str = ""
    process: "subprocess.Popen[str] | None" = None
    stop_asked: bool = False
    interrupted: bool = False
    platform_failure: str = ""
    starts: int = 0

    @property
    def name(self) -> str:
        return str(self.request["TrainingJobName"])

    def enter(self, secondary: str, message: str) -> None:
        now = time.time()
        if self.transitions:
            self.transitions[-1]["EndTime"] = now
        self.secondary = secondary
        self.transitions.append({"Status": secondary, "StartTime": now, "StatusMessage": message})


class SageMakerServer(HttpStandIn):
    """A context manager; `environment` points boto3 at it."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        super().__init__(_Handler)
        self.command = list(command)
        self.folder = folder
        self.jobs: dict[str, Job] = {}
        self.streams: dict[str, list[dict[str, Any]]] = {}
        self.throttle = 0
        self.calls: Counter[str] = Counter()
        self._lock = threading.RLock()
        self._job_threads: list[threading.Thread] = []

    @property
    def environment(self) -> dict[str, str]:
        return {"AWS_ENDPOINT_URL_SAGEMAKER": self.url, "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS": self.url}

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        for job in self.jobs.values():
            job.stop_asked = True
            _signal(job, signal.SIGKILL)
        for thread in self._job_threads:
            thread.join(30)

    def interrupt(self, name: str) -> None:
        """The spot instance is reclaimed."""
        job = self.jobs[name]
        assert job.request["EnableManagedSpotTraining"], "only spot instances are reclaimed"
        job.interrupted = True
        _signal(job, signal.SIGTERM)

    def fail(self, name: str, reason: str) -> None:
        self.jobs[name].platform_failure = reason
        _signal(self.jobs[name], signal.SIGKILL)

    # The operations

    def call(self, service: str, name: str, request: dict[str, Any]) -> dict[str, Any]:
        """Raises Refused."""
        model = operation(service, name)
        try:
            check(request, model.input_shape)
        except Violation as error:
            code = "ValidationException" if service == "sagemaker" else "InvalidParameterException"
            raise ServiceError(code, str(error)) from error
        with self._lock:
            self.calls[name] += 1
            if self.calls[name] <= self.throttle:
                raise ServiceError("ThrottlingException", "Rate exceeded")
            answer: dict[str, Any] = getattr(self, f"_{name}")(request)
        check(answer, model.output_shape)
        return answer

    def _CreateTrainingJob(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        name, stopping = request["TrainingJobName"], request["StoppingCondition"]
        if name in self.jobs:
            raise ServiceError("ResourceInUse", f"Training job {name} already exists")
        if request.get("EnableManagedSpotTraining"):
            if stopping.get("MaxWaitTimeInSeconds", 0) < stopping["MaxRuntimeInSeconds"]:
                raise ServiceError("ValidationException", "MaxWaitTimeInSeconds must be at least MaxRuntimeInSeconds")
        elif "MaxWaitTimeInSeconds" in stopping:
            raise ServiceError("ValidationException", "MaxWaitTimeInSeconds is for managed spot training")
        job = self.jobs[name] = Job(request)
        thread = threading.Thread(target=self._run, args=(job,), name=name, daemon=True)
        self._job_threads.append(thread)
        thread.start()
        return {"TrainingJobArn": _arn(name)}

    def _DescribeTrainingJob(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        job = self._job(request)
        output = job.request["OutputDataConfig"]["S3OutputPath"].rstrip("/")
        described = ("TrainingJobName", "RoleArn", "StoppingCondition", "ResourceConfig", "EnableManagedSpotTraining")
        answer = {key: job.request[key] for key in described if key in job.request} | {
            "TrainingJobArn": _arn(job.name),
            "TrainingJobStatus": job.status,
            "SecondaryStatus": job.secondary,
            "SecondaryStatusTransitions": [dict(transition) for transition in job.transitions],
            "ModelArtifacts": {"S3ModelArtifacts": f"{output}/{job.name}/output/model.tar.gz"},
            "CreationTime": job.created,
        }
        return answer | ({"FailureReason": job.reason[:1024]} if job.reason else {})

    def _StopTrainingJob(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        job = self._job(request)
        if job.status not in ("InProgress", "Stopping"):
            raise ServiceError(
                "ValidationException", f"The request was rejected because the training job is in {job.status}"
            )
        job.stop_asked = True
        job.status = "Stopping"
        job.enter("Stopping", "Stopping the training job")
        _signal(job, signal.SIGTERM)
        return {}

    def _DescribeLogStreams(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        assert request["logGroupName"] == "/aws/sagemaker/TrainingJobs"
        if not self.streams:
            raise ServiceError("ResourceNotFoundException", "The specified log group does not exist.")
        names = sorted(name for name in self.streams if name.startswith(request["logStreamNamePrefix"]))
        first = int(request.get("nextToken", "0"))
        created = [int(name.rpartition("-")[2]) for name in names]
        page = [
            {"logStreamName": name, "creationTime": time}
            for name, time in list(zip(names, created, strict=True))[first : first + 1]
        ]
        return {"logStreams": page} | ({"nextToken": str(first + 1)} if first + 1 < len(names) else {})

    def _GetLogEvents(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        events = self.streams[request["logStreamName"]]
        assert request.get("startFromHead"), "a reader that wants all lines starts at the head"
        first = int(request.get("nextToken", "f/0").removeprefix("f/"))
        page = events[first : first + LOG_PAGE]
        forward = f"f/{first + len(page)}"
        return {"events": page, "nextForwardToken": forward, "nextBackwardToken": f"b/{first}"}

    def _job(self, request: dict[str, Any]) -> Job:
        job = self.jobs.get(request["TrainingJobName"])
        if job is None:
            raise ServiceError("ValidationException", "Requested resource not found.")
        return job

    # Running a job

    def _run(self, job: Job) -> None:
        """Run a job to its end. On spot the container may be started several times."""
        job.enter("Starting", "Starting the training job")
        while True:
            job.starts += 1
            job.interrupted = False
            with tempfile.TemporaryDirectory(dir=self.folder) as root_name:
                root = Path(root_name)
                job.enter("Downloading", "Downloading input data")
                self._prepare_folder(job, root)
                if not job.stop_asked:
                    job.enter("Training", "Training image download completed. Training in progress.")
                status = self._train(job, root)
                self._upload(job.request["CheckpointConfig"]["S3Uri"], root / "checkpoints")
                if job.interrupted and not job.stop_asked:
                    job.enter("Interrupted", "Training job interrupted")
                    job.enter("Starting", "Preparing the instances for training")
                    continue
                job.enter("Uploading", "Uploading generated training model")
                self._upload_results(job, root)
                self._end(job, status, root / "output" / "failure")
            return

    def _prepare_folder(self, job: Job, root: Path) -> None:
        config = root / "input" / "config"
        for folder in (config, root / "model", root / "output" / "data", root / "checkpoints"):
            folder.mkdir(parents=True)
        _write(config / "hyperparameters.json", job.request["HyperParameters"])
        hosts = {"current_host": "algo-1", "hosts": ["algo-1"], "network_interface_name": "eth0"}
        _write(config / "resourceconfig.json", hosts | {"current_instance_type": "ml.m5.large"})
        channels = {}
        for channel in job.request["InputDataConfig"]:
            source = channel["DataSource"]["S3DataSource"]
            channels[channel["ChannelName"]] = {
                "TrainingInputMode": channel["InputMode"],
                "S3DistributionType": source["S3DataDistributionType"],
                "RecordWrapperType": "None",
            }
            self._download(source["S3Uri"], root / "input" / "data" / channel["ChannelName"])
        _write(config / "inputdataconfig.json", channels)
        self._download(job.request["CheckpointConfig"]["S3Uri"], root / "checkpoints")

    def _train(self, job: Job, root: Path) -> int:
        stream = f"{job.name}/algo-1-{int(time.time() * 1000) + job.starts}"
        environment = os.environ | job.request.get("Environment", {})
        job.process = subprocess.Popen(
            self.command,
            env=environment | {"BANDMATE_ML_ROOT": str(root), "TRAINING_JOB_NAME": job.name},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if job.stop_asked:
            _signal(job, signal.SIGTERM)
        with job.process as process:
            assert process.stdout is not None
            for line in process.stdout:
                event = {"timestamp": int(time.time() * 1000), "message": line.rstrip("\n") or " "}
                self.streams.setdefault(stream, []).append(event)
        return int(job.process.returncode)

    def _upload_results(self, job: Job, root: Path) -> None:
        base = f"{job.request['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{job.name}/output"
        for name, folder in (("model", root / "model"), ("output", root / "output" / "data")):
            if any(folder.iterdir()):
                archive = io.BytesIO()
                with tarfile.open(fileobj=archive, mode="w:gz") as tar:
                    tar.add(folder, arcname=".")
                bucket, key = _parts(f"{base}/{name}.tar.gz")
                _s3().put_object(Bucket=bucket, Key=key, Body=archive.getvalue())

    def _end(self, job: Job, status: int, failure: Path) -> None:
        with self._lock:
            if job.platform_failure:
                end, job.reason = "Failed", job.platform_failure
            elif status != 0:
                message = failure.read_text() if failure.is_file() else ""
                code = status if status > 0 else 128 - status
                end, job.reason = "Failed", f"AlgorithmError: {message}, exit code: {code}"
            else:
                end = "Stopped" if job.stop_asked else "Completed"
            job.enter(end, f"Training job {end.lower()}")
            job.status = end

    def _download(self, uri: str, folder: Path) -> None:
        bucket, prefix = _parts(uri)
        folder.mkdir(parents=True, exist_ok=True)
        for entry in _s3().list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", []):
            target = folder / entry["Key"].removeprefix(prefix).lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            _s3().download_file(bucket, entry["Key"], str(target))

    def _upload(self, uri: str, folder: Path) -> None:
        bucket, prefix = _parts(uri)
        for path in folder.rglob("*"):
            if path.is_file():
                _s3().upload_file(str(path), bucket, f"{prefix}/{path.relative_to(folder).as_posix()}")


@contextmanager
def sagemaker_server(command: Sequence[str], folder: Path) -> Iterator[SageMakerServer]:
    folder.mkdir(parents=True, exist_ok=True)
    with SageMakerServer(command, folder) as server:
        yield server


class _Handler(StandInHandler):
    server: SageMakerServer

    def do_POST(self) -> None:  # noqa: N802 - http.server's name
        body = self.read_body()
        prefix, _, name = self.headers["x-amz-target"].partition(".")
        assert self.headers["content-type"] == "application/x-amz-json-1.1"
        assert self.headers["authorization"].startswith("AWS4-HMAC-SHA256 ")
        try:
            status, answer = 200, self.server.call(SERVICES[prefix], name, json.loads(body))
        except ServiceError as error:
            status, answer = 400, {"__type": error.code, "message": str(error)}
        self.respond(status, {"content-type": "application/x-amz-json-1.1"}, json.dumps(answer).encode())


def _s3() -> Any:
    return boto3.client("s3")


def _parts(uri: str) -> tuple[str, str]:
    parsed = urlparse(uri)
    assert parsed.scheme == "s3", uri
    return parsed.netloc, parsed.path.strip("/")


def _arn(name: str) -> str:
    return f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:training-job/{name}"


def _signal(job: Job, number: signal.Signals) -> None:
    if job.process is not None and job.process.poll() is None:
        job.process.send_signal(number)


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content))
