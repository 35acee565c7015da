"""SageMaker's runtime, InvokeEndpoint and InvokeEndpointAsync, as a server of this process with the real wire format
and the real model server (`python -m bandmate_model serve`) as the container behind it.

    Endpoint("multi", models="s3://bucket/sagemaker-models/")   loads what TargetModel names, as a multi-model endpoint
    Endpoint("single", model=FOLDER)                            one model, in /opt/ml/model
    Endpoint("async", model=FOLDER, output="s3://bucket/out")   asynchronous, started by the first request

Requests are checked against botocore's model of the service.
"""

import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import boto3
import httpx2

from tests.support.aws_wire import Violation, check, operation
from tests.support.http_stand_in import HttpStandIn, StandInHandler

START_SECONDS = 60.0
OPERATIONS = {"invocations": "InvokeEndpoint", "async-invocations": "InvokeEndpointAsync"}


@dataclass
class Endpoint:
    """An endpoint and its one instance: a folder that is /opt/ml, and the container's process."""

    name: str
    models: str = ""
    model: Path | None = None
    output: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None
    url: str = ""
    root: Path = Path()
    loaded: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, folder: Path) -> None:
        """One instance, with its container in service."""
        self.root = folder / self.name
        self.root.mkdir(parents=True)
        if self.model is not None:
            shutil.copytree(self.model, self.root / "model")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        environment = (
            os.environ
            | self.settings
            | {
                "BANDMATE_ML_ROOT": str(self.root),
                "BANDMATE_MODEL_PORT": str(port),
            }
        )
        self.process = subprocess.Popen([sys.executable, "-m", "bandmate_model", "serve"], env=environment)
        self.url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + START_SECONDS
        while True:
            assert self.process.poll() is None, "the model server ended"
            assert time.monotonic() < deadline, "the model server did not come into service"
            try:
                assert httpx2.get(f"{self.url}/ping", timeout=2).status_code == 200
                return
            except httpx2.TransportError:
                time.sleep(0.05)

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)

    def invoke(self, target: str, body: bytes, headers: dict[str, str]) -> httpx2.Response:
        """Send a request to the container as SageMaker does. Raises FileNotFoundError when S3 holds no such model."""
        path = "/invocations" if not self.models else f"/models/{self._load(target, headers)}/invoke"
        return httpx2.post(self.url + path, content=body, headers=headers, timeout=60)

    def _load(self, target: str, headers: dict[str, str]) -> str:
        """The container's name for the model: a hash, as SageMaker makes one."""
        name = hashlib.sha256((self.models + target).encode()).hexdigest()
        with self.lock:
            if name in self.loaded:
                return name
            folder = self.root / "models" / name / "model"
            if not folder.exists():
                _unpack(self.models + target, folder)
            request = {"model_name": name, "url": str(folder)}
            answer = httpx2.post(f"{self.url}/models", json=request, headers=headers, timeout=60)
            if answer.status_code == 507:  # Out of memory: the model unused for longest is unloaded.
                assert httpx2.delete(f"{self.url}/models/{self.loaded.pop(0)}").status_code == 200
                answer = httpx2.post(f"{self.url}/models", json=request, headers=headers, timeout=60)
            assert answer.status_code in (200, 409), answer.text
            self.loaded.append(name)
        return name


class ServiceError(Exception):
    """An error of the service: HTTP status, code, message, and further fields."""

    def __init__(self, status: int, code: str, message: str, **fields: Any) -> None:
        super().__init__(message)
        self.status, self.code, self.fields = status, code, fields


class SageMakerRuntime(HttpStandIn):
    """A context manager; `environment` points boto3 at it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(_Handler)
        self.endpoints: dict[str, Endpoint] = {}
        self.calls: Counter[str] = Counter()
        self.refuse_first: list[ServiceError] = []
        self._folder = folder
        self._answer_threads: list[threading.Thread] = []

    @property
    def environment(self) -> dict[str, str]:
        return {"AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": self.url}

    def add(self, endpoint: Endpoint) -> Endpoint:
        """Serve an endpoint and start it. It outlives this server: who makes it stops it."""
        self.endpoints[endpoint.name] = endpoint
        if not endpoint.output and endpoint.process is None:
            endpoint.start(self._folder)
        return endpoint

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        for thread in self._answer_threads:
            thread.join(60)

    def call(self, name: str, request: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        """Raises Refused."""
        self.calls[name] += 1
        if self.refuse_first:
            raise self.refuse_first.pop(0)
        body = request.get("Body", b"")
        try:
            check(request, operation("sagemaker-runtime", name).input_shape)
        except Violation as error:
            raise ServiceError(400, "ValidationError", str(error)) from error
        endpoint = self.endpoints.get(request["EndpointName"])
        if endpoint is None:
            raise ServiceError(
                400, "ValidationError", f"Endpoint {request['EndpointName']} of account 123456789012 not found."
            )
        if bool(endpoint.output) != (name == "InvokeEndpointAsync"):
            raise ServiceError(400, "ValidationError", f"{name} is not for this kind of endpoint")
        if bool(endpoint.models) != ("TargetModel" in request):
            raise ServiceError(400, "ValidationError", "TargetModel is for multi-model endpoints, and needed there")
        return self._answer_later(endpoint, request) if endpoint.output else _answer(endpoint, request, body)

    def _answer_later(self, endpoint: Endpoint, request: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        name = str(uuid.uuid4())
        places = {
            "OutputLocation": f"{endpoint.output}/{name}.out",
            "FailureLocation": f"{endpoint.output}/{name}-error.out",
        }
        thread = threading.Thread(target=self._work, args=(endpoint, request, places))
        self._answer_threads.append(thread)
        thread.start()
        headers = {f"X-Amzn-SageMaker-{key}": uri for key, uri in places.items()}
        return 202, headers, json.dumps({"InferenceId": request.get("InferenceId", name)}).encode()

    def _work(self, endpoint: Endpoint, request: dict[str, Any], places: dict[str, str]) -> None:
        with endpoint.lock:
            if endpoint.process is None:
                endpoint.start(self._folder)
        bucket, key = _parts(request["InputLocation"])
        body = _s3().get_object(Bucket=bucket, Key=key)["Body"].read()
        answer = endpoint.invoke("", body, _headers(request))
        good = answer.status_code == 200
        bucket, key = _parts(places["OutputLocation" if good else "FailureLocation"])
        _s3().put_object(Bucket=bucket, Key=key, Body=answer.content if good else _error_message(answer).encode())


def _answer(endpoint: Endpoint, request: dict[str, Any], body: bytes) -> tuple[int, dict[str, str], bytes]:
    target = request.get("TargetModel", "")
    try:
        answer = endpoint.invoke(target, body, _headers(request))
    except FileNotFoundError:
        raise ServiceError(
            400,
            "ValidationError",
            f"Failed to download model data(bucket: {endpoint.models}, key: {target}). Please ensure that there is an "
            "object located at the URL and that the role passed to CreateModel has permissions to download the model.",
        ) from None
    assert "content-length" in answer.headers, "SageMaker does not take an answer without its length"
    if answer.status_code != 200:
        raise ServiceError(
            424,
            "ModelError",
            _error_message(answer),
            OriginalStatusCode=answer.status_code,
            OriginalMessage=answer.text,
            LogStreamArn="arn:aws:logs:us-east-1:123456789012:log-group:/aws/sagemaker",
        )
    kind = answer.headers["content-type"]
    return 200, {"Content-Type": kind, "x-Amzn-Invoked-Production-Variant": "AllTraffic"}, answer.content


def _headers(request: dict[str, Any]) -> dict[str, str]:
    """The caller's headers that reach the container."""
    names = {
        "X-Amzn-SageMaker-Custom-Attributes": "CustomAttributes",
        "X-Amzn-SageMaker-Target-Model": "TargetModel",
        "X-Amzn-SageMaker-Inference-Id": "InferenceId",
        "Content-Type": "ContentType",
        "Accept": "Accept",
    }
    return {header: str(request[name]) for header, name in names.items() if name in request}


def _error_message(answer: httpx2.Response) -> str:
    kind = "client" if answer.status_code < 500 else "server"
    return f'Received {kind} error ({answer.status_code}) from primary with message "{answer.text}". See the log.'


def _parse(service_operation: str, headers: Any, uri: dict[str, str], body: bytes) -> dict[str, Any]:
    """The request's members, read from the locations that botocore's model gives."""
    request: dict[str, Any] = dict(uri)
    for member, shape in operation("sagemaker-runtime", service_operation).input_shape.members.items():
        if shape.serialization.get("location") == "header" and shape.serialization["name"] in headers:
            text = headers[shape.serialization["name"]]
            request[member] = int(text) if shape.type_name == "integer" else text
    return request | ({"Body": body} if body else {})


class _Handler(StandInHandler):
    server: SageMakerRuntime

    def do_POST(self) -> None:  # noqa: N802 - http.server's name
        body = self.read_body()
        assert self.headers["authorization"].startswith("AWS4-HMAC-SHA256 ")
        _, place, name, verb = urlparse(self.path).path.split("/")
        assert place == "endpoints"
        try:
            request = _parse(OPERATIONS[verb], self.headers, {"EndpointName": name}, body)
            status, headers, data = self.server.call(OPERATIONS[verb], request)
        except ServiceError as error:
            status, headers = error.status, {"x-amzn-errortype": error.code}
            data = json.dumps({"Message": str(error)} | error.fields).encode()
        self.respond(status, headers, data)


def _unpack(uri: str, folder: Path) -> None:
    bucket, key = _parts(uri)
    folder.mkdir(parents=True)
    archive = folder.parent / "model.tar.gz"
    try:
        _s3().download_file(bucket, key, str(archive))
    except Exception as error:
        folder.rmdir()
        raise FileNotFoundError(uri) from error
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")


def _parts(uri: str) -> tuple[str, str]:
    parsed = urlparse(uri)
    assert parsed.scheme == "s3", uri
    return parsed.netloc, parsed.path.strip("/")


def _s3() -> Any:
    return boto3.client("s3")
