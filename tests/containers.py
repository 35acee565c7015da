"""The one place that knows whether a container engine answers, and that starts containers for tests.

    @pytest.mark.engine
    def test_something(...): ...                       skipped, with the reason, where no engine answers

    with started("redis:8-trixie", 6379, ["redis-server", "--save", ""]) as container:
        container.address                              "127.0.0.1:<port>", the same after container.restart()

Containers are removed at the end of the `with` block. Those of a test run that was killed are removed by the next one:
each carries the host and process id of its maker. (The usual reaper container is not used: it is one more image.)
"""

import contextlib
import os
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")

_MAKER = "bandmate.tests.maker"


class EngineAway(Exception):
    """No engine answers, or it has no such image and cannot get it."""


@cache
def engine_answers() -> bool:
    """Whether containers can be started here. Asked once a process."""
    import docker

    if not _something_listens():
        return False
    try:
        client = docker.from_env(timeout=5)
    except docker.errors.DockerException:
        return False
    try:
        client.ping()
        _remove_orphans(client)
        return True
    except (docker.errors.DockerException, OSError):
        return False
    finally:
        client.close()


def _something_listens() -> bool:
    """Asked before the client is: where nothing listens, it leaves its socket to the garbage collector, whose warning
    then fails whatever test runs at that moment."""
    address = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if not address.startswith("unix://"):
        return True
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(address.removeprefix("unix://"))
        except OSError:
            return False
    return True


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test that is marked `engine` needs one."""
    if item.get_closest_marker("engine") is not None and not engine_answers():
        pytest.skip("no container engine answers")


class StartedContainer:
    """A running container with one port of it on loopback."""

    def __init__(self, container: Any, port: int) -> None:
        self._container = container
        self.port = port
        self.address = f"127.0.0.1:{port}"

    def restart(self) -> None:
        """Stop it, gently if it does so within 10 s, and start it again. Its files and its address stay."""
        self._container.restart(timeout=10)

    def kill(self) -> None:
        """As by a power cut; `start()` brings it back with its files."""
        self._container.kill()
        self._container.wait(timeout=10)

    def start(self) -> None:
        self._container.start()

    def logs(self) -> str:
        """What it has written so far."""
        text: bytes = self._container.logs()
        return text.decode(errors="replace")


@contextlib.contextmanager
def started(
    image: str,
    port: int,
    command: Sequence[str] | None = None,
    environment: Mapping[str, str] | None = None,
    *,
    stop_signal: str = "SIGTERM",
    wait_seconds: float = 60.0,
) -> Iterator[StartedContainer]:
    """Run a container until the block ends; waits until its port takes connections. Raises EngineAway."""
    if not engine_answers():
        raise EngineAway("no container engine answers")
    import docker
    from testcontainers.core.container import DockerContainer

    wrapper = DockerContainer(image)
    host_port = free_port()
    # The port is bound by hand: the library's own way listens to every network.
    wrapper.with_kwargs(labels={_MAKER: f"{socket.gethostname()}/{os.getpid()}"}, stop_signal=stop_signal)
    wrapper.ports = {f"{port}/tcp": ("127.0.0.1", host_port)}  # type: ignore[dict-item]
    for name, value in (environment or {}).items():
        wrapper.with_env(name, value)
    if command is not None:
        wrapper.with_command(list(command))
    with contextlib.ExitStack() as stack:
        stack.callback(wrapper.stop)
        try:
            wrapper.start()
        except docker.errors.DockerException as error:
            raise EngineAway(f"the container engine cannot run {image}: {error}") from error
        container = StartedContainer(wrapper.get_wrapped_container(), host_port)
        wait_for_port(host_port, wait_seconds, container.logs)
        yield container


def wait_for_port(port: int, seconds: float, explain: Any = str) -> None:
    """Wait until something takes connections on the loopback port. Raises TimeoutError with what `explain()` says."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise TimeoutError(f"nothing answers on port {port}: {explain()}") from None
            time.sleep(0.05)


def free_port() -> int:
    """A loopback port that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _remove_orphans(client: Any) -> None:
    """Remove the containers whose maker, a test process of this host, is no more."""
    import docker

    for container in client.containers.list(all=True, filters={"label": _MAKER}):
        host, _, process = container.labels[_MAKER].partition("/")
        if host == socket.gethostname() and not Path(f"/proc/{process}").exists():
            with contextlib.suppress(docker.errors.DockerException):
                container.remove(force=True, v=True)
