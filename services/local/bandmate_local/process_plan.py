"""The processes of the embedded platform: commands, readiness checks, and the environment that connects them."""

import http.client
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlparse

from bandmate_shared.contracts.jobs import ServiceName
from bandmate_shared.errors import Unavailable

from bandmate_local.redis_server import (
    find_redis_server,
    free_port,
    is_damaged,
    redis_answers,
    redis_command,
    set_aside,
)
from bandmate_local.settings import LocalSettings
from bandmate_local.supervisor import Program


@dataclass(frozen=True)
class ProcessPlan:
    """The programs in their order of start, and the addresses they will listen on."""

    url: str
    broker_url: str
    model_url: str
    programs: list[Program]


def plan_processes(settings: LocalSettings, services: Sequence[ServiceName], listening: socket.socket) -> ProcessPlan:
    """Plan Redis, the HTTP server, the model server (with the generate worker) and the workers, in order of start.

    Raises:
        Unavailable: REDIS_URL names a Redis that does not answer, or there is no Redis to start.
    """
    host, port = listening.getsockname()[:2]
    redis_port = free_port(settings.redis_port)
    model_port = free_port()
    url, model_url = f"http://{f'[{host}]' if ':' in host else host}:{port}", f"http://127.0.0.1:{model_port}"
    external_broker_url = settings.resolved_broker_url
    broker_url = external_broker_url or f"redis://127.0.0.1:{redis_port}/0"
    env = {
        **os.environ,
        "BANDMATE_HOME": str(settings.home),
        "BANDMATE_BROKER_URL": broker_url,
        "BANDMATE_MODEL_URL": model_url,
        "BANDMATE_MODEL_PORT": str(model_port),
        "BANDMATE_ML_ROOT": str(settings.home / "model-server"),
        "PYTHONUNBUFFERED": "1",
        # Celery: SIGTERM returns a running job to the queue at once, instead of finishing it first.
        "REMAP_SIGTERM": "SIGQUIT",
    }
    programs = []
    if not external_broker_url:
        programs.append(_redis(settings.home, redis_port, broker_url))
    elif external_broker_url.startswith("redis:") and not redis_answers(external_broker_url):
        raise Unavailable(f"no Redis answers at {external_broker_url} (BANDMATE_BROKER_URL or REDIS_URL)")
    programs.append(_http(listening, url, env))
    if "generate" in services:
        programs.append(_model(model_url, env))
    programs.extend(_worker(service, ready_file(settings.home, service), env) for service in services)
    return ProcessPlan(url, broker_url, model_url, programs)


def ready_file(home: Path, service: ServiceName) -> Path:
    """The file that a worker creates when it is ready for jobs."""
    return home / "run" / f"{service}.ready"


def _redis(home: Path, port: int, url: str) -> Program:
    folder, log = home / "redis", home / "logs" / "redis.log"

    def set_aside_damaged_log() -> None:
        if is_damaged(log):
            set_aside(folder)

    return Program(
        "redis",
        redis_command(find_redis_server(), folder, port),
        os.environ,
        is_ready=lambda: redis_answers(url),
        stops_last=True,
        on_repeated_failure=set_aside_damaged_log,
    )


def _http(listening: socket.socket, url: str, env: Mapping[str, str]) -> Program:
    return Program(
        "http",
        [sys.executable, "-m", "bandmate_local.server", str(listening.fileno())],
        env,
        is_ready=lambda: _answers_200(url, "/readyz"),
        pass_fds=(listening.fileno(),),
    )


def _model(url: str, env: Mapping[str, str]) -> Program:
    command = [sys.executable, "-m", "bandmate_model", "serve"]
    return Program("model", command, env, is_ready=lambda: _answers_200(url, "/ping"))


def _worker(service: ServiceName, ready: Path, env: Mapping[str, str]) -> Program:
    command = [sys.executable, "-m", "bandmate_local.worker", service, str(ready)]
    return Program(service, command, env, is_ready=ready.exists)


def _answers_200(url: str, path: str) -> bool:
    parsed = urlparse(url)
    connection = http.client.HTTPConnection(parsed.hostname or "127.0.0.1", parsed.port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
