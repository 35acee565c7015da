"""SageMaker's runtime, InvokeEndpoint and InvokeEndpointAsync, as a server of this process that speaks the real wire
format, with the real model server (`python -m bandmate_model serve`) as the container behind it.

    Endpoint("multi", models="s3://bucket/sagemaker-models/")   loads what TargetModel names, as a multi-model endpoint
    Endpoint("single", model=FOLDER)                            one model, in /opt/ml/model
    Endpoint("async", model=FOLDER, output="s3://bucket/out")   asynchronous, without an instance until it is asked

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
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import boto3
import httpx2

from tests.aws_wire import Violation, check, operation

START_SECONDS = 60.0
OPERATIONS = {"invocations": "InvokeEndpoint", "async-invocations": "InvokeEndpointAsync"}
HANDED_ON = ("X-Amzn-SageMaker-Custom-Attributes", "X-Amzn-SageMaker-Target-Model", "X-Amzn-SageMaker-Inference-Id")


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
        environment = os.environ | self.settings | {
            "BANDMATE_ML_ROOT": str(self.root), "BANDMATE_MODEL_PORT": str(port),
        }  # fmt: skip
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

    def ask(self, target: str, body: bytes, headers: dict[str, str]) -> httpx2.Response:
        """What SageMaker makes of a request. Raises FileNotFoundError when S3 holds no such model."""
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
            asked = {"model_name": name, "url": str(folder)}
            answer = httpx2.post(f"{self.url}/models", json=asked, headers=headers, timeout=60)
            if answer.status_code == 507:  # Out of memory: the one that was not used longest is unloaded.
                assert httpx2.delete(f"{self.url}/models/{self.loaded.pop(0)}").status_code == 200
                answer = httpx2.post(f"{self.url}/models", json=asked, headers=headers, timeout=60)
            assert answer.status_code in (200, 409), answer.text
            self.loaded.append(name)
        return name


class Refused(Exception):
    """An error of the service: HTTP status, code, message, and what else the error carries."""

    def __init__(self, status: int, code: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status, self.code, self.more = status, code, more


class SageMakerRuntime:
    """Use as a context manager; `environment` points boto3 at it."""

    def __init__(self, folder: Path) -> None:
        self.endpoints: dict[str, Endpoint] = {}
        self.calls: Counter[str] = Counter()
        self.refuse_first: list[Refused] = []
        self._folder = folder
        self._threads: list[threading.Thread] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def environment(self) -> dict[str, str]:
        return {"AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": self.url}

    def add(self, endpoint: Endpoint) -> Endpoint:
        """Endpoints outlive the server; whoever makes one stops it."""
        self.endpoints[endpoint.name] = endpoint
        if not endpoint.output and endpoint.process is None:
            endpoint.start(self._folder)
        return endpoint

    def __enter__(self) -> "SageMakerRuntime":
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        for thread in self._threads:
            thread.join(60)

    def call(self, name: str, asked: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        """Raises Refused."""
        self.calls[name] += 1
        if self.refuse_first:
            raise self.refuse_first.pop(0)
        body = asked.get("Body", b"")
        try:
            check(asked, operation("sagemaker-runtime", name).input_shape)
        except Violation as error:
            raise Refused(400, "ValidationError", str(error)) from error
        endpoint = self.endpoints.get(asked["EndpointName"])
        if endpoint is None:
            raise Refused(
                400, "ValidationError", f"Endpoint {asked['EndpointName']} of account 123456789012 not found."
            )
        if bool(endpoint.output) != (name == "InvokeEndpointAsync"):
            raise Refused(400, "ValidationError", f"{name} is not for this kind of endpoint")
        if bool(endpoint.models) != ("TargetModel" in asked):
            raise Refused(400, "ValidationError", "TargetModel is for multi-model endpoints, and needed there")
        return self._answer_later(endpoint, asked) if endpoint.output else _answer(endpoint, asked, body)

    def _answer_later(self, endpoint: Endpoint, asked: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        name = str(uuid.uuid4())
        places = {
            "OutputLocation": f"{endpoint.output}/{name}.out",
            "FailureLocation": f"{endpoint.output}/{name}-error.out",
        }
        thread = threading.Thread(target=self._work, args=(endpoint, asked, places))
        self._threads.append(thread)
        thread.start()
        headers = {f"X-Amzn-SageMaker-{key}": uri for key, uri in places.items()}
        return 202, headers, json.dumps({"InferenceId": asked.get("InferenceId", name)}).encode()

    def _work(self, endpoint: Endpoint, asked: dict[str, Any], places: dict[str, str]) -> None:
        with endpoint.lock:
            if endpoint.process is None:
                endpoint.start(self._folder)
        bucket, key = _parts(asked["InputLocation"])
        body = _s3().get_object(Bucket=bucket, Key=key)["Body"].read()
        answer = endpoint.ask("", body, _headers(asked))
        good = answer.status_code == 200
        bucket, key = _parts(places["OutputLocation" if good else "FailureLocation"])
        _s3().put_object(Bucket=bucket, Key=key, Body=answer.content if good else _quoted(answer).encode())


def _answer(endpoint: Endpoint, asked: dict[str, Any], body: bytes) -> tuple[int, dict[str, str], bytes]:
    target = asked.get("TargetModel", "")
    try:
        answer = endpoint.ask(target, body, _headers(asked))
    except FileNotFoundError:
        raise Refused(
            400, "ValidationError",
            f"Failed to download model data(bucket: {endpoint.models}, key: {target}). Please ensure that there is an "
            "object located at the URL and that the role passed to CreateModel has permissions to download the model.",
        ) from None  # fmt: skip
    assert "content-length" in answer.headers, "SageMaker does not take an answer without its length"
    if answer.status_code != 200:
        raise Refused(
            424, "ModelError", _quoted(answer), OriginalStatusCode=answer.status_code,
            OriginalMessage=answer.text, LogStreamArn="arn:aws:logs:us-east-1:123456789012:log-group:/aws/sagemaker",
        )  # fmt: skip
    kind = answer.headers["content-type"]
    return 200, {"Content-Type": kind, "x-Amzn-Invoked-Production-Variant": "AllTraffic"}, answer.content


def _headers(asked: dict[str, Any]) -> dict[str, str]:
    """What of the caller's headers reaches the container."""
    names = {
        "X-Amzn-SageMaker-Custom-Attributes": "CustomAttributes", "X-Amzn-SageMaker-Target-Model": "TargetModel",
        "X-Amzn-SageMaker-Inference-Id": "InferenceId", "Content-Type": "ContentType", "Accept": "Accept",
    }  # fmt: skip
    return {header: str(asked[name]) for header, name in names.items() if name in asked}


def _quoted(answer: httpx2.Response) -> str:
    kind = "client" if answer.status_code < 500 else "server"
    return f'Received {kind} error ({answer.status_code}) from primary with message "{answer.text}". See the log.'


def _parse(service_operation: str, headers: Any, uri: dict[str, str], body: bytes) -> dict[str, Any]:
    """The request's members, from where botocore's model says that they lie."""
    asked: dict[str, Any] = dict(uri)
    for member, shape in operation("sagemaker-runtime", service_operation).input_shape.members.items():
        if shape.serialization.get("location") == "header" and shape.serialization["name"] in headers:
            text = headers[shape.serialization["name"]]
            asked[member] = int(text) if shape.type_name == "integer" else text
    return asked | ({"Body": body} if body else {})


def _handler(server: SageMakerRuntime) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"] or 0))
            assert self.headers["authorization"].startswith("AWS4-HMAC-SHA256 ")
            _, place, name, verb = urlparse(self.path).path.split("/")
            assert place == "endpoints"
            try:
                asked = _parse(OPERATIONS[verb], self.headers, {"EndpointName": name}, body)
                status, headers, data = server.call(OPERATIONS[verb], asked)
            except Refused as error:
                status, headers = error.status, {"x-amzn-errortype": error.code}
                data = json.dumps({"Message": str(error)} | error.more).encode()
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


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
