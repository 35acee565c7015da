"""The SQS queues as they are made, and how little of SQS the services ask for."""

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
from bandmate_shared.broker import Broker, broker_check
from bandmate_shared.queue import CeleryPublisher
from bandmate_shared.settings import SharedSettings
from bandmate_shared.sqs_queues import MAX_RECEIVES, QUEUES, QueueMissing, create_queues, queue_url

from tests.brokers import QUEUE, SqsBroker
from tests.conftest import wait_until
from tests.queue_platform import QueuePlatform

ALLOWED = {
    "SendMessage",
    "ReceiveMessage",
    "DeleteMessage",
    "ChangeMessageVisibility",
    "ChangeMessageVisibilityBatch",  # IAM knows it as ChangeMessageVisibility.
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
    """SQS with our queues, empty, where this process looks for it."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    server.forget()
    return server


def test_every_queue_has_its_dead_letter_queue_and_making_them_again_changes_nothing(sqs: SqsBroker) -> None:
    client = sqs.client()
    made = create_queues(client)
    assert made == create_queues(client)
    assert len(made) == 2 * len(QUEUES) == 10
    for spec in QUEUES:
        attributes = client.get_queue_attributes(QueueUrl=made[spec.name], AttributeNames=["All"])["Attributes"]
        beside = client.get_queue_attributes(QueueUrl=made[spec.dead_letter_name], AttributeNames=["All"])["Attributes"]
        redrive = json.loads(attributes["RedrivePolicy"])
        assert redrive["deadLetterTargetArn"] == beside["QueueArn"]
        assert int(redrive["maxReceiveCount"]) == MAX_RECEIVES
        assert attributes["VisibilityTimeout"] == str(spec.visibility_seconds)
        assert attributes["ReceiveMessageWaitTimeSeconds"] == "20"
        assert int(attributes["MessageRetentionPeriod"]) <= int(beside["MessageRetentionPeriod"]) == 14 * 86_400


def test_the_command_brings_queues_that_were_set_up_otherwise_to_these_numbers(sqs: SqsBroker) -> None:
    client = sqs.client()
    url = queue_url(client, QUEUE)
    client.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "7"})
    done = subprocess.run(
        [sys.executable, "-m", "bandmate_shared.sqs_queues", "create"], capture_output=True, text=True, check=True
    )
    assert f"{QUEUE}  {url}" in done.stdout
    answer = client.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
    assert answer["Attributes"]["VisibilityTimeout"] == "60"


def test_a_queue_that_is_not_there_is_named_and_not_made(
    sqs: SqsBroker, settings: SharedSettings, tmp_path: Path
) -> None:
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


class _Gate:
    """Stands before moto and refuses what a service's role would not be allowed, as SQS does."""

    def __init__(self, behind: str) -> None:
        self.asked: set[str] = set()
        gate = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                action = self.headers["X-Amz-Target"].rpartition(".")[2]
                body = self.rfile.read(int(self.headers["Content-Length"]))
                gate.asked.add(action)
                if action in ALLOWED:
                    headers = {name: value for name, value in self.headers.items() if name not in ("Host", "Expect")}
                    with urlopen(Request(behind, body, headers, method="POST"), timeout=60) as answer:
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


def test_workers_and_publishers_ask_for_nothing_that_their_roles_do_not_allow(
    sqs: SqsBroker, settings: SharedSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = _Gate(sqs.environment["AWS_ENDPOINT_URL_SQS"])
    environment = {**sqs.environment, "AWS_ENDPOINT_URL_SQS": gate.url}
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", gate.url)
    chosen = settings.model_copy(update={"broker_url": "sqs://", "visibility_seconds": 2})
    platform = QueuePlatform(chosen, tmp_path, environment)
    platform.start()
    sqs.put(QUEUE, "garbage")
    platform.submit("die")
    waits = platform.submit("wait")
    wait_until(lambda: "ChangeMessageVisibilityBatch" in gate.asked, "a heartbeat")
    platform.let_go()
    platform.wait_for_end(waits)
    wait_until(lambda: len(platform.runtime.store.dead_letters(QUEUE)) == 2, "the garbage and the poison to be buried")
    platform.stop()
    gate.close()
    assert gate.asked <= ALLOWED
    assert {"SendMessage", "ReceiveMessage", "DeleteMessage", "GetQueueUrl"} <= gate.asked


def test_a_message_that_no_worker_survives_ends_in_the_dead_letter_queue(sqs: SqsBroker) -> None:
    """The second net, SQS' own: here a worker that dies without a word is one that receives and does nothing more."""
    client = sqs.client()
    url = queue_url(client, QUEUE)
    client.send_message(QueueUrl=url, MessageBody="deadly")
    for _ in range(MAX_RECEIVES):
        [message] = client.receive_message(QueueUrl=url, VisibilityTimeout=0, WaitTimeSeconds=0)["Messages"]
        assert message["Body"] == "deadly"
    assert "Messages" not in client.receive_message(QueueUrl=url, WaitTimeSeconds=0)
    beside = queue_url(client, f"{QUEUE}-dlq")
    [kept] = client.receive_message(QueueUrl=beside, WaitTimeSeconds=0)["Messages"]
    assert kept["Body"] == "deadly"


@pytest.mark.parametrize("url", ["amqp://here", "sqs", "http://queue"])
def test_a_broker_that_nobody_speaks_to_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(ValueError, match=re.escape("must begin with redis://, rediss:// or sqs://")):
        SharedSettings(broker_url=url)
