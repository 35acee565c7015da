"""The brokers that the conformance suites run against: real servers of the tests, which can be killed.

Redis: the redis-server process of `conftest.py`. Valkey: the same protocol, in a container.
SQS: a moto server as a process. It keeps nothing on disk, so after a restart its queues are created again, empty.
"""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import redis
from bandmate_shared.queues.sqs_queues import create_queues, queue_url

from tests.conftest import _free_port, wait_until
from tests.support.moto_server import REGION

QUEUE = "bandmate-generate"

ENVELOPE = {
    "body": "",
    "headers": {},
    "properties": {"delivery_tag": "x", "delivery_info": {"exchange": "", "routing_key": QUEUE}},
}


class BrokerServer(Protocol):
    """A broker, as the tests control it."""

    name: str
    url: str
    garbage: Sequence[Any]

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that processes need, besides the settings, to reach it."""

    def kill(self) -> None:
        """Kill it, as a power cut does."""

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def forget(self) -> None:
        """Delete every message."""

    def put(self, queue: str, item: Any) -> None:
        """Put an item on the queue that none of our senders would send."""

    def is_empty(self, queue: str) -> bool:
        """Whether no message waits and none is unacknowledged."""

    def is_running(self) -> bool: ...


class RedisBroker:
    """Redis, or a server with its protocol."""

    garbage = (
        "garbage",
        "[1, 2]",
        '{"body": "", "properties": {"delivery_tag": "x", "delivery_info": {}}}',
        b"\xff",
        "[" * 100_000,
    )
    environment: Mapping[str, str] = {}

    def __init__(self, server: Any, name: str = "redis") -> None:
        self._server = server
        self.name = name
        self.url = server.url

    def kill(self) -> None:
        self._server.kill()

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def forget(self) -> None:
        with self.client() as client:
            client.flushall()

    def put(self, queue: str, item: Any) -> None:
        with self.client() as client:
            client.lpush(queue, item)

    def is_empty(self, queue: str) -> bool:
        with self.client() as client:
            return client.llen(queue) == 0 and client.hlen("unacked") == 0

    def is_running(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.exceptions.ConnectionError:
            return False

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url, decode_responses=True)


class SqsBroker:
    """moto's SQS as a process on a fixed port, with the queues that `sqs_queues` creates."""

    name = "sqs"
    url = "sqs://"
    garbage = (
        "garbage",
        "[1, 2]",
        json.dumps(ENVELOPE | {"properties": 5}),
        json.dumps(
            ENVELOPE | {"body": "not base64", "properties": ENVELOPE["properties"] | {"body_encoding": "base64"}}
        ),
        "gICA",  # base64 of what is not UTF-8
        "[" * 100_000,
    )

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._log = folder / "moto.log"
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._client: Any = None

    @property
    def environment(self) -> Mapping[str, str]:
        return {
            "AWS_ENDPOINT_URL_SQS": f"http://127.0.0.1:{self._port}",
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def start(self) -> None:
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self._port)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until(self._answers, "moto to answer")
        create_queues(self.client())

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGKILL)

    def forget(self) -> None:
        url = f"{self.environment['AWS_ENDPOINT_URL_SQS']}/moto-api/reset"
        with urllib.request.urlopen(urllib.request.Request(url, data=b"", method="POST"), timeout=30) as answer:
            assert answer.status == 200
        create_queues(self.client())

    def put(self, queue: str, item: Any) -> None:
        self.client().send_message(QueueUrl=queue_url(self.client(), queue), MessageBody=item)

    def is_empty(self, queue: str) -> bool:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.client().get_queue_attributes(QueueUrl=queue_url(self.client(), queue), AttributeNames=names)
        return all(answer["Attributes"][name] == "0" for name in names)

    def is_running(self) -> bool:
        return self._process is not None and self._answers()

    def client(self) -> Any:
        """A boto3 client that does not depend on this process's environment."""
        if self._client is None:
            import boto3

            environment = self.environment
            self._client = boto3.session.Session(
                environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"], region_name=REGION
            ).client("sqs", endpoint_url=environment["AWS_ENDPOINT_URL_SQS"])
        return self._client

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()
        try:
            self.client().get_queue_url(QueueName="no-such-queue")
        except self.client().exceptions.QueueDoesNotExist:
            return True
        except OSError:
            return False
        except Exception as error:
            if "Could not connect" in str(error) or "Connection was closed" in str(error):
                return False
            raise
        return True

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(10)
            self._process = None
