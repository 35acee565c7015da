"""Scale-in protection, with an agent that answers and refuses requests as the ECS agent does."""

import json
import logging
import multiprocessing
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from bandmate_shared.queues.ecs_protection import EXPIRES_MINUTES, TaskProtection

from tests.conftest import wait_until

TASK = "arn:aws:ecs:us-west-2:111122223333:task/1234567890abcdef0"


class Agent:
    """`requests`: the bodies of valid requests. `failure`: the answer to them, if set."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.problems: list[str] = []
        self.failure: dict[str, Any] | None = None
        agent = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, answer = agent.answer(self.path, self.headers["Content-Type"], body)
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.uri = f"http://127.0.0.1:{self._server.server_port}/api/0a1b2c"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, path: str, content_type: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if path != "/api/0a1b2c/task-protection/v1/state" or content_type != "application/json":
            self.problems.append(f"{content_type} to {path}")
            return 404, {"error": {"Code": "NotFound", "Message": "no such endpoint"}}
        known_fields = set(body) <= {"ProtectionEnabled", "ExpiresInMinutes"}
        minutes = body.get("ExpiresInMinutes", 120)
        if not (known_fields and isinstance(body.get("ProtectionEnabled"), bool) and minutes in range(1, 2881)):
            self.problems.append(json.dumps(body))
            return 400, {"error": {"Arn": TASK, "Code": "InvalidParameterException", "Message": "Invalid value"}}
        self.requests.append(body)
        if self.failure is not None:
            return 400, {"failure": self.failure}
        protection: dict[str, Any] = {"ProtectionEnabled": body["ProtectionEnabled"], "TaskArn": TASK}
        if body["ProtectionEnabled"]:
            protection["ExpirationDate"] = "2026-12-20T21:57:44.837Z"
        return 200, {"protection": protection}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


ON = {"ProtectionEnabled": True, "ExpiresInMinutes": EXPIRES_MINUTES}
OFF = {"ProtectionEnabled": False}


@pytest.fixture
def agent() -> Iterator[Agent]:
    serving = Agent()
    yield serving
    serving.close()
    assert serving.problems == []


def test_the_task_is_protected_while_jobs_run(agent: Agent, tmp_path: Path) -> None:
    protection = TaskProtection(tmp_path / "run", agent.uri, release_delay_seconds=0.3)
    with protection.at_work():
        assert agent.requests == [ON], "before the work begins"
    with protection.at_work():
        assert agent.requests == [ON], "jobs in quick succession are one"
    wait_until(lambda: agent.requests == [ON, OFF], "the protection to end")
    with protection.at_work():
        assert agent.requests == [ON, OFF, ON]


def test_protection_is_renewed_while_a_long_job_runs(agent: Agent, tmp_path: Path) -> None:
    protection = TaskProtection(tmp_path, agent.uri, release_delay_seconds=0.05, renew_seconds=0.1)
    with protection.at_work():
        wait_until(lambda: agent.requests == [ON] * 4, "the protection to be renewed three times")
    wait_until(lambda: agent.requests[-1] == OFF, "the protection to end")


def _work_in_another_process(folder: Path, uri: str, started: Any, go: Any) -> None:
    with TaskProtection(folder, uri, release_delay_seconds=0.05).at_work():
        started.set()
        go.wait(30)
    time.sleep(0.3)  # A worker process lives on after its job.


def test_a_job_in_another_process_keeps_the_task_protected(agent: Agent, tmp_path: Path) -> None:
    processes = multiprocessing.get_context("spawn")
    started, go = processes.Event(), processes.Event()
    other_process = processes.Process(target=_work_in_another_process, args=(tmp_path, agent.uri, started, go))
    other_process.start()
    assert started.wait(30)
    protection = TaskProtection(tmp_path, agent.uri, release_delay_seconds=0.05)
    with protection.at_work():
        pass
    wait_until(lambda: protection._lock is None, "the protection to be given up here")
    assert OFF not in agent.requests
    go.set()
    wait_until(lambda: agent.requests[-1] == OFF, "the last one to end it")
    other_process.join(30)


@pytest.mark.parametrize("trouble", ["refused", "no agent"])
def test_errors_of_the_agent_are_logged_and_the_job_runs(
    agent: Agent, tmp_path: Path, caplog: pytest.LogCaptureFixture, trouble: str
) -> None:
    agent.failure = {"Arn": TASK, "Reason": "DEPLOYMENT_BLOCKED", "Detail": None}
    uri = agent.uri if trouble == "refused" else "http://127.0.0.1:9/api/0a1b2c"
    ran = []
    with caplog.at_level(logging.WARNING), TaskProtection(tmp_path, uri).at_work():
        ran.append(True)
    assert ran
    assert ("DEPLOYMENT_BLOCKED" if trouble == "refused" else "could not be set") in caplog.text


def test_outside_ecs_nothing_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ECS_AGENT_URI", raising=False)
    with TaskProtection(tmp_path / "run").at_work():
        assert not (tmp_path / "run").exists()


def test_a_worker_protects_its_task(agent: Agent, tmp_path: Path, redis_server: Any, settings: Any) -> None:
    from tests.support.queue_platform import QueuePlatform

    platform = QueuePlatform(settings.model_copy(update={"redis_url": redis_server.url}), tmp_path, {})
    platform.start(workers=0)
    platform.start_worker(ECS_AGENT_URI=agent.uri)
    try:
        job_id = platform.submit("wait")
        platform.wait_for_runs(1)
        assert agent.requests == [ON]
        platform.release_waiting_jobs()
        platform.wait_for_end(job_id)
    finally:
        platform.stop()
