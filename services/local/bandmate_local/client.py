"""The command line's client of the HTTP API, and the platform session it talks to."""

import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2
from bandmate_shared.contracts.jobs import JobEvent, JobView, ServiceName
from bandmate_shared.errors import BandmateError, Unavailable

from bandmate_local.platform import AlreadyRunning, Platform, running_platform
from bandmate_local.settings import LocalSettings

_TIMEOUT = httpx2.Timeout(30.0, connect=5.0)
_RECONNECTS = 40
_RECONNECT_SECONDS = 0.25
_FINAL_EVENTS = ("job.succeeded", "job.failed", "job.cancelled")


class RemoteProblem(BandmateError):
    """A problem detail (RFC 9457) that the API answered with."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(str(problem.get("detail") or problem.get("title") or f"the API answered {status}"))
        self.status = status
        self.type = str(problem.get("type", "unavailable")).rsplit("/", 1)[-1].rsplit(":", 1)[-1]
        self.title = str(problem.get("title", "Request refused"))
        self.field = next((str(error["field"]) for error in problem.get("errors") or ()), None)


class Api:
    """One platform's HTTP API."""

    def __init__(self, url: str) -> None:
        self.url = url
        # trust_env: a proxy set for the web must not be asked for a loopback address.
        self._http = httpx2.Client(base_url=url, timeout=_TIMEOUT, trust_env=False)

    def call(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        """Send JSON, return JSON.

        Raises:
            RemoteProblem: the API refused.
        """
        response = self._http.request(method, path, json=body, headers=dict(headers or {}))
        _raise_for_problem(response)
        return response.json()

    def events(self, path: str, after: int) -> Iterator[JobEvent]:
        """A job's events from `after` on, live, until its last one."""
        headers = {"Last-Event-ID": str(after)} if after else {}
        timeout = httpx2.Timeout(30.0, read=60.0)
        with self._http.stream("GET", f"{path}/events", headers=headers, timeout=timeout) as response:
            if response.status_code >= 400:
                response.read()
            _raise_for_problem(response)
            for line in response.iter_lines():
                if line.startswith("data:"):
                    yield JobEvent.model_validate_json(line[5:])

    def download(self, path: str, target: Path) -> None:
        """Fetch an artifact into a file."""
        with self._http.stream("GET", path) as response:
            if response.status_code >= 400:
                response.read()
            _raise_for_problem(response)
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                for block in response.iter_bytes():
                    file.write(block)

    def close(self) -> None:
        self._http.close()


class Session:
    """A platform to submit jobs to: the one running on this home, else one started for the session."""

    def __init__(self, settings: LocalSettings, services: tuple[ServiceName, ...]) -> None:
        self._settings = settings
        self._services = services
        self._own: Platform | None = None
        self.api = Api("http://127.0.0.1:0")

    def __enter__(self) -> Self:
        self._attach()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.api.close()
        if self._own is not None:
            self._own.stop(idle=error is None)

    def submit(self, noun: str, request: Mapping[str, Any]) -> JobView:
        """Submit a job; it is stored in the database when this returns."""
        return JobView.model_validate(self.api.call("POST", f"/v1/{noun}", dict(request)))

    def follow(self, noun: str, job_id: str, show: Callable[[JobEvent], None]) -> JobView:
        """Show a job's events as they arrive, and return the finished job. Reconnects while the platform restarts."""
        path, after, failures = f"/v1/{noun}/{job_id}", 0, 0
        while True:
            try:
                for event in self.api.events(path, after):
                    after, failures = event.seq, 0
                    show(event)
                job = JobView.model_validate(self.api.call("GET", path))
                if job.state.is_final:
                    return job
            except httpx2.TransportError as error:
                failures += 1
                if failures > _RECONNECTS:
                    raise Unavailable(
                        f"the platform does not answer; the job {job_id} is stored and continues at the next start"
                    ) from error
                time.sleep(_RECONNECT_SECONDS)
                self._attach()

    def collect(self, noun: str, job: JobView, folder: Path, names: Collection[str] | None = None) -> dict[str, Path]:
        """Copy a finished job's artifacts, all or those of the names, to a folder; returns where each one is."""
        files = {}
        for artifact in job.artifacts:
            if names is not None and artifact.name not in names:
                continue
            files[artifact.name] = folder / artifact.name
            self.api.download(f"/v1/{noun}/{job.id}/artifacts/{artifact.name}", files[artifact.name])
        return files

    def _attach(self) -> None:
        """Find the running platform, or start one; requests sent before it is ready wait on its socket."""
        if self._own is not None:
            self._own.wait_ready()
            return
        running = running_platform(self._settings.home)
        if running is None:
            platform = Platform(self._settings, self._services)
            try:
                info = platform.start()
            except AlreadyRunning:  # Another process was faster: use its platform.
                self._attach()
                return
            self._own, running = platform, info
            try:
                platform.wait_ready()
            except BaseException:
                platform.stop()
                raise
        self.api.close()
        self.api = Api(running.url)


def _raise_for_problem(response: httpx2.Response) -> None:
    if response.status_code < 400:
        return
    try:
        problem = response.json()
    except json.JSONDecodeError:
        problem = {}
    raise RemoteProblem(response.status_code, problem if isinstance(problem, dict) else {})
