"""Finds out whether a container engine answers, and starts containers for tests.

    @pytest.mark.engine
    def test_something(...): ...                       skipped, with the reason, where no engine answers

    with started("redis:8-trixie", 6379, ["redis-server", "--save", ""]) as container:
        container.address                              "127.0.0.1:<port>", the same after container.restart()

Containers are removed at the end of the `with` block. Those of a test run that was killed are removed by the next one:
each has a label with the host and process id of its maker. (The usual reaper container would be one more image.)
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


class EngineUnavailable(Exception):
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
    """Whether the engine's socket takes connections.

    Checked before the client is made: where nothing listens, the client leaves its socket to the garbage collector,
    whose warning fails the test that runs at that moment.
    """
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
    """Skip tests that are marked `engine` where no engine answers."""
    if item.get_closest_marker("engine") is not None and not engine_answers():
        pytest.skip("no container engine answers")


class StartedContainer:
    """A running container with one port of it on loopback."""

    def __init__(self, container: Any, port: int) -> None:
        self._container = container
        self.port = port
        self.address = f"127.0.0.1:{port}"

    def restart(self) -> None:
        """Stop it, with SIGKILL after 10 s, and start it again. Its files and its address stay."""
        self._container.restart(timeout=10)

    def kill(self) -> None:
        """Kill it, as a power cut does; `start()` starts it again with its files."""
        self._container.kill()
        self._container.wait(timeout=10)

    def start(self) -> None:
        self._container.start()

    def logs(self) -> str:
        """The output so far."""
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
    """Run a container until the block ends; waits until its port takes connections. Raises EngineUnavailable."""
    if not engine_answers():
        raise EngineUnavailable("no container engine answers")
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
            raise EngineUnavailable(f"the container engine cannot run {image}: {error}") from error
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
    """A loopback port that is free at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _remove_orphans(client: Any) -> None:
    """Remove the containers whose maker, a test process of this host, has ended."""
    import docker

    for container in client.containers.list(all=True, filters={"label": _MAKER}):
        host, _, process = container.labels[_MAKER].partition("/")
        if host == socket.gethostname() and not Path(f"/proc/{process}").exists():
            with contextlib.suppress(docker.errors.DockerException):
                container.remove(force=True, v=True)
