"""One stack of containers, started by scripts/stack and used from outside."""

import json
import os
import secrets
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx2

ROOT = Path(__file__).resolve().parents[2]
HOME = "/var/lib/bandmate"
FINAL = ("succeeded", "failed", "cancelled")
IMPATIENT = {
    "BANDMATE_LEASE_SECONDS": "8",
    "BANDMATE_HEARTBEAT_SECONDS": "1",
    "BANDMATE_SWEEP_SECONDS": "0.5",
    "BANDMATE_CANDIDATES": "1",
    "BANDMATE_MAX_ATTEMPTS": "6",
}
"""A dead worker is noticed after eight seconds instead of fifteen, and a song has one candidate instead of three."""


class Stack:
    """The stack in one broker mode. `mode` is 'redis' or 'sqs'."""

    def __init__(self, mode: str, folder: Path) -> None:
        self.mode = mode
        self.project = f"bandmate-test-{mode}-{secrets.token_hex(3)}"
        self.port = _free_port()
        self.keys: dict[str, str] = {}
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("BANDMATE_", "REDIS_"))},
            **{name: os.environ[name] for name in ("BANDMATE_TAG", "BANDMATE_STACK_STAND_INS") if name in os.environ},
            **IMPATIENT,
            "BROKER": mode,
            "COMPOSE_PROJECT_NAME": self.project,
            "STACK_ENV": str(folder / f"{mode}.env"),
            "BANDMATE_GATEWAY_PORT": str(self.port),
            "TENANT": "alice",
        }

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> float:
        """Start everything; returns the seconds that it took until every API was ready."""
        started = time.monotonic()
        output = self._run("scripts/stack", "up", timeout=600)
        took = time.monotonic() - started
        self.keys["alice"] = next(word for word in output.split() if word.startswith("bm_live_"))
        self.keys["bob"] = self._run("scripts/stack", "key", "bob").strip()
        return took

    def stop(self) -> None:
        """Stop everything and forget the data."""
        self._run("scripts/stack", "down", "-v", "-t", "1")

    def compose(self, *arguments: str) -> str:
        return self._run("scripts/stack", "compose", *arguments)

    def scale(self, service: str, count: int) -> None:
        """Run `count` containers of a service; those that were killed are started again."""
        self.compose("up", "-d", "--no-deps", "--no-recreate", "--scale", f"{service}={count}", service)
        assert len(self.containers(service)) == count

    def containers(self, service: str) -> list[str]:
        """Ids of the running containers of a service."""
        labels = f"label=com.docker.compose.project={self.project}", f"label=com.docker.compose.service={service}"
        filters = [part for label in labels for part in ("--filter", label)]
        return self.docker(
            "ps", "-q", "--no-trunc", *filters, "--filter", "label=com.docker.compose.oneoff=False"
        ).split()

    def docker(self, *arguments: str, stdin: str | None = None) -> str:
        return self._run("docker", *arguments, stdin=stdin)

    def execute(self, service: str, *command: str, stdin: str | None = None) -> str:
        """The output of a command inside a service's first container."""
        return self.docker("exec", "-i", self.containers(service)[0], *command, stdin=stdin)

    def http(self, method: str, path: str, *, tenant: str | None = "alice", **options: Any) -> httpx2.Response:
        """A request through the gateway, with the tenant's key or without any."""
        headers = dict(options.pop("headers", None) or {})
        if tenant is not None:
            headers["Authorization"] = f"Bearer {self.keys[tenant]}"
        return httpx2.request(method, f"{self.url}{path}", headers=headers, timeout=30, trust_env=False, **options)

    def submit(self, noun: str, request: Mapping[str, Any]) -> str:
        """POST a job; returns its id."""
        response = self.http("POST", f"/v1/{noun}", json=dict(request))
        assert response.status_code == 202, response.text
        return str(response.json()["id"])

    def job(self, noun: str, job_id: str) -> dict[str, Any]:
        response = self.http("GET", f"/v1/{noun}/{job_id}")
        assert response.status_code == 200, response.text
        return dict(response.json())

    def finished(self, noun: str, job_id: str, seconds: float = 150.0) -> dict[str, Any]:
        """The job when it has ended. Fails when it does not end in time."""
        deadline = time.monotonic() + seconds
        while True:
            response = self.http("GET", f"/v1/{noun}/{job_id}")
            if response.status_code == 200 and response.json()["state"] in FINAL:
                return dict(response.json())
            # The database may be among the parts that a test restarts: then the API answers that it is unavailable.
            assert response.status_code in (200, 502, 503, 504), response.text
            assert time.monotonic() < deadline, f"{job_id} has not ended after {seconds:g} s: {response.text}"
            time.sleep(0.1)

    def succeeded(self, noun: str, job_id: str, seconds: float = 150.0) -> dict[str, Any]:
        """The job when it has ended well."""
        job = self.finished(noun, job_id, seconds)
        assert job["state"] == "succeeded", job["error"]
        return job

    def events(self, noun: str, job_id: str) -> list[dict[str, Any]]:
        """The history of a job that has ended."""
        text = self.http("GET", f"/v1/{noun}/{job_id}/events").text
        return [json.loads(line[5:]) for line in text.splitlines() if line.startswith("data:")]

    def running(self, noun: str, job_id: str) -> list[dict[str, Any]]:
        """The data of each run of a job that has ended: worker, attempt, phase."""
        return [event["data"] for event in self.events(noun, job_id) if event["type"] == "job.running"]

    def worker_in_stage(self, noun: str, job_id: str, *stages: str) -> str:
        """Wait until a job is in one of the stages; returns the container at work on it."""
        deadline = time.monotonic() + 60
        worker = ""
        with httpx2.stream(
            "GET",
            f"{self.url}/v1/{noun}/{job_id}/events",
            headers={"Authorization": f"Bearer {self.keys['alice']}"},
            timeout=60,
            trust_env=False,
        ) as response:
            for line in response.iter_lines():
                assert time.monotonic() < deadline
                if not line.startswith("data:"):
                    continue
                event = json.loads(line[5:])
                if event["type"] == "job.running":
                    worker = event["data"]["worker"].partition(":")[0]
                if event["type"] == "stage" and event["data"]["stage"] in stages:
                    return worker
        raise AssertionError(f"{job_id} was in none of the stages {stages}")

    def inside(self, code: str) -> Any:
        """Run Python code in a container with access to database and store; returns the JSON that it prints."""
        return json.loads(self.execute("generate-api", "python", "-", stdin=code))

    def faults(self) -> list[str]:
        """The faults that the history checker reports for the jobs of this stack, which all must have ended."""
        checker = (ROOT / "tests" / "support" / "history.py").read_text(encoding="utf-8")
        call = f'\nimport json\nprint(json.dumps(faults(Path("{HOME}"))))\n'
        return list(self.inside(checker + call))

    def jobs_of_seed(self, seed: int) -> list[dict[str, str]]:
        """Id and state of the song jobs with a seed, whoever asked for them."""
        return list(
            self.inside(
                "import json\n"
                "from bandmate_shared.runtime import open_runtime\n"
                "runtime = open_runtime()\n"
                "jobs, _ = runtime.store.list_jobs(None, kind='song', limit=200)\n"
                "jobs = [job for job in jobs if job.request.get('seed') == " + str(seed) + "]\n"
                "print(json.dumps([{'id': job.id, 'state': job.state} for job in jobs]))\n"
            )
        )

    def _run(self, *command: str, stdin: str | None = None, timeout: float = 120) -> str:
        result = subprocess.run(
            command,
            cwd=ROOT,
            env=self._environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert result.returncode == 0, f"{' '.join(command[:6])}: {result.stderr[-3000:]}\n{result.stdout[-1000:]}"
        return result.stdout


def eventually(condition: Callable[[], bool], description: str, seconds: float = 60.0) -> None:
    """Poll until the condition holds; fails with `description` when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain for {description}"
        time.sleep(0.2)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
