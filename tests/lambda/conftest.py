"""An emulator of AWS that runs functions, as a process, with the bucket and queues of a small deployment.

Run by `make lambda-test`, which creates a separate environment for the emulator, because it pins botocore.
"""

import json
import os
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest

ROOT = Path(__file__).parents[2]
EMULATOR = ROOT / ".venv-ministack" / "bin" / "python"
ZIP = ROOT / "out" / "lambda" / "bandmate-lambda.zip"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the emulator listens."""
    if not EMULATOR.exists():
        pytest.skip("the emulator is not installed; `make lambda-test` installs it")
    folder = tmp_path_factory.mktemp("emulator")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    settings = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "TMPDIR": str(folder), "LAMBDA_EXECUTOR": "local"}
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "BANDMATE_"))}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(EMULATOR), "-m", "ministack"],
            env={**clean, **CREDENTIALS, **settings},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + 60
        while not _listens(port):
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, "the emulator did not start"
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@dataclass
class Cloud:
    """A bucket and the queues, fresh for each test."""

    endpoint: str
    name: str = field(default_factory=lambda: f"t{uuid.uuid4().hex[:10]}")
    submissions: str = ""
    refused: str = ""

    def __post_init__(self) -> None:
        self.s3, self.sqs, self.functions = self.client("s3"), self.client("sqs"), self.client("lambda")
        self.s3.create_bucket(Bucket=self.name)
        self.submissions = self.queue("submissions")
        self.refused = self.queue("submissions-dlq")

    def client(self, service: str) -> Any:
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        return boto3.client(service, endpoint_url=self.endpoint, region_name="us-east-1", **keys)

    def queue(self, name: str, **attributes: str) -> str:
        return str(self.sqs.create_queue(QueueName=f"{self.name}-{name}", Attributes=attributes)["QueueUrl"])

    def arn(self, queue_url: str) -> str:
        answer = self.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
        return str(answer["Attributes"]["QueueArn"])

    def put(self, key: str, data: bytes, **options: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.s3.put_object(Bucket=self.name, Key=key, Body=data, **options)
        return answer

    def take(self, queue_url: str) -> list[tuple[Any, dict[str, str]]]:
        """Receive and delete the messages in a queue now, as (parsed JSON body, attributes)."""
        bodies = []
        while messages := self.sqs.receive_message(
            QueueUrl=queue_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages"):
            for message in messages:
                attributes = message.get("MessageAttributes", {})
                values = {name: attribute["StringValue"] for name, attribute in attributes.items()}
                bodies.append((json.loads(message["Body"]), values))
                self.sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
        return bodies

    def wait_for(self, queue_url: str, count: int, seconds: float = 90.0) -> list[tuple[Any, dict[str, str]]]:
        """The first `count` messages to arrive in a queue."""
        messages: list[tuple[Any, dict[str, str]]] = []
        deadline = time.monotonic() + seconds
        while len(messages) < count:
            assert time.monotonic() < deadline, f"{len(messages)} of {count} messages came: {messages}"
            messages += self.take(queue_url)
            time.sleep(0.1)
        return messages

    @property
    def credentials(self) -> dict[str, str]:
        return CREDENTIALS

    @property
    def environment(self) -> dict[str, str]:
        """The variables of the functions."""
        return {"BANDMATE_SUBMISSIONS_URL": self.submissions, "BANDMATE_SUBMISSIONS_DLQ_URL": self.refused}

    def deploy(self, handler: str) -> str:
        """Create the function from the real zip; returns its ARN."""
        assert ZIP.exists(), "run `make lambda-package` first"
        answer = self.functions.create_function(
            FunctionName=f"{self.name}-{handler}",
            Runtime="python3.13",
            Role="arn:aws:iam::000000000000:role/any",
            Handler=f"bandmate_lambda.{handler}.handler",
            Code={"ZipFile": ZIP.read_bytes()},
            Timeout=30,
            Environment={"Variables": self.environment},
        )
        return str(answer["FunctionArn"])


@pytest.fixture
def cloud(endpoint: str) -> Cloud:
    return Cloud(endpoint)


@dataclass
class Context:
    """The fields of Lambda's context that powertools reads."""

    function_name: str = "test"
    memory_limit_in_mb: int = 128
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:000000000000:function:test"
    aws_request_id: str = "request"


@pytest.fixture
def call_handler(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, dict[str, Any]], Any]]:
    """`call_handler("objects", event)` calls a handler in this process, on the cloud of the test."""
    from bandmate_lambda import objects, schedule, submissions

    for name, value in {**CREDENTIALS, **cloud.environment, "AWS_ENDPOINT_URL": cloud.endpoint}.items():
        monkeypatch.setenv(name, value)
    submissions._clients.clear()
    handlers = {"objects": objects.handler, "schedule": schedule.handler}
    yield lambda name, event: handlers[name](event, Context())
    for client in submissions._clients.values():
        client.close()
    submissions._clients.clear()
