"""The SQS queues as they are created, and the SQS actions that the services call."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.request import Request, urlopen

import pytest
from bandmate_shared.queues.broker import Broker
from bandmate_shared.queues.broker_check import broker_check
from bandmate_shared.queues.publisher import CeleryPublisher
from bandmate_shared.queues.sqs_queues import MAX_RECEIVES, QUEUES, QueueMissing, create_queues, queue_url
from bandmate_shared.settings import SharedSettings

from tests.conftest import wait_until
from tests.support.brokers import QUEUE, SqsBroker
from tests.support.queue_platform import QueuePlatform

ALLOWED = {
    "SendMessage",
    "ReceiveMessage",
    "DeleteMessage",
    "ChangeMessageVisibility",
    "ChangeMessageVisibilityBatch",  # In IAM: ChangeMessageVisibility.
    "GetQueueUrl",
    "GetQueueAttributes",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqsBroker]:
    broker = SqsBroker(tmp_path_factory.mktemp("sqs"))
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def sqs(server: SqsBroker, monkeypatch: pytest.MonkeyPatch) -> SqsBroker:
    """SQS with our queues, empty, with this process's environment pointing at it."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    server.forget()
    return server


def test_creating_queues_twice_gives_each_queue_one_dead_letter_queue(sqs: SqsBroker) -> None:
    client = sqs.client()
    urls = create_queues(client)
    assert urls == create_queues(client)
    assert len(urls) == 2 * len(QUEUES) == 10
    for spec in QUEUES:
        attributes = client.get_queue_attributes(QueueUrl=urls[spec.name], AttributeNames=["All"])["Attributes"]
        dead_letter_url = urls[spec.dead_letter_name]
        dead_letters = client.get_queue_attributes(QueueUrl=dead_letter_url, AttributeNames=["All"])["Attributes"]
        redrive = json.loads(attributes["RedrivePolicy"])
        assert redrive["deadLetterTargetArn"] == dead_letters["QueueArn"]
        assert int(redrive["maxReceiveCount"]) == MAX_RECEIVES
        assert attributes["VisibilityTimeout"] == str(spec.visibility_seconds)
        assert attributes["ReceiveMessageWaitTimeSeconds"] == "20"
        assert int(attributes["MessageRetentionPeriod"]) <= int(dead_letters["MessageRetentionPeriod"]) == 14 * 86_400


def test_the_create_command_corrects_the_attributes_of_existing_queues(sqs: SqsBroker) -> None:
    client = sqs.client()
    url = queue_url(client, QUEUE)
    client.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "7"})
    result = subprocess.run(
        [sys.executable, "-m", "bandmate_shared.queues.sqs_queues", "create"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"{QUEUE}  {url}" in result.stdout
    answer = client.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
    assert answer["Attributes"]["VisibilityTimeout"] == "60"


def test_a_missing_queue_is_named_and_not_created(sqs: SqsBroker, settings: SharedSettings, tmp_path: Path) -> None:
    client = sqs.client()
    client.delete_queue(QueueUrl=queue_url(client, QUEUE))
    publisher = CeleryPublisher(Broker("sqs://"))
    with pytest.raises(QueueMissing, match=r"no SQS queue 'bandmate-generate' in us-east-1.*sqs_queues create"):
        publisher.publish(QUEUE, "song_x")
    publisher.close()
    with pytest.raises(QueueMissing):
        broker_check(Broker("sqs://"), QUEUE, 2.0)()
    broker_check(Broker("sqs://"), "bandmate-vocal", 2.0)()

    platform = QueuePlatform(settings.model_copy(update={"broker_url": "sqs://"}), tmp_path, sqs.environment)
    worker = platform.start_worker()
    assert worker.wait(60) != 0, "a worker without its queue does not start"
    assert "there is no SQS queue" in platform.worker_log.read_text()
    platform.runtime.close()
    assert len(client.list_queues()["QueueUrls"]) == 9


class _PermissionProxy:
    """A proxy before moto that refuses actions that a service's role does not allow, as SQS does."""

    def __init__(self, upstream: str) -> None:
        self.actions: set[str] = set()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                action = self.headers["X-Amz-Target"].rpartition(".")[2]
                body = self.rfile.read(int(self.headers["Content-Length"]))
                proxy.actions.add(action)
                if action in ALLOWED:
                    headers = {name: value for name, value in self.headers.items() if name not in ("Host", "Expect")}
                    with urlopen(Request(upstream, body, headers, method="POST"), timeout=60) as answer:
                        status, data = answer.status, answer.read()
                else:
                    status, data = 403, json.dumps({"__type": "com.amazon.coral.service#AccessDenied"}).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/x-amz-json-1.0")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def test_workers_and_publishers_call_only_actions_their_roles_allow(
    sqs: SqsBroker, settings: SharedSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = _PermissionProxy(sqs.environment["AWS_ENDPOINT_URL_SQS"])
    environment = {**sqs.environment, "AWS_ENDPOINT_URL_SQS": proxy.url}
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", proxy.url)
    chosen = settings.model_copy(update={"broker_url": "sqs://", "visibility_seconds": 2, "lease_seconds": 2.0})
    platform = QueuePlatform(chosen, tmp_path, environment)
    platform.start()
    sqs.put(QUEUE, "garbage")
    platform.submit("die")
    waiting = platform.submit("wait")
    wait_until(lambda: "ChangeMessageVisibilityBatch" in proxy.actions, "a heartbeat")
    platform.release_waiting_jobs()
    platform.wait_for_end(waiting)
    wait_until(lambda: len(platform.runtime.store.dead_letters(QUEUE)) == 2, "the garbage and the poison to be buried")
    platform.stop()
    proxy.close()
    assert proxy.actions <= ALLOWED
    assert {"SendMessage", "ReceiveMessage", "DeleteMessage", "GetQueueUrl"} <= proxy.actions


def test_a_message_received_too_often_moves_to_the_dead_letter_queue(sqs: SqsBroker) -> None:
    """SQS' own redrive: a worker that dies is simulated by receiving without deleting."""
    client = sqs.client()
    url = queue_url(client, QUEUE)
    client.send_message(QueueUrl=url, MessageBody="deadly")
    for _ in range(MAX_RECEIVES):
        [message] = client.receive_message(QueueUrl=url, VisibilityTimeout=0, WaitTimeSeconds=0)["Messages"]
        assert message["Body"] == "deadly"
    assert "Messages" not in client.receive_message(QueueUrl=url, WaitTimeSeconds=0)
    dead_letter_url = queue_url(client, f"{QUEUE}-dlq")
    [dead_letter] = client.receive_message(QueueUrl=dead_letter_url, WaitTimeSeconds=0)["Messages"]
    assert dead_letter["Body"] == "deadly"


@pytest.mark.parametrize("url", ["amqp://here", "sqs", "http://queue"])
def test_an_unknown_broker_scheme_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(ValueError, match=re.escape("must begin with redis://, rediss:// or sqs://")):
        SharedSettings(broker_url=url)
