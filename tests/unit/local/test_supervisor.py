"""The supervisor with real processes: restarts, stops, and no process that outlives it."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from bandmate_local.supervisor import Program, Supervisor
from bandmate_shared.errors import Unavailable


def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


def sleeper(name: str = "sleeper", *, ignore_term: bool = False, ready: Callable[[], bool] = lambda: True) -> Program:
    code = "import signal, time\n"
    if ignore_term:
        code += "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    return Program(
        name, [sys.executable, "-S", "-c", code + "print('up', flush=True)\ntime.sleep(300)"], os.environ, ready
    )


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    supervisor = Supervisor(tmp_path / "logs")
    yield supervisor
    supervisor.stop(0.3)


def test_a_killed_process_is_started_again(supervisor: Supervisor) -> None:
    supervisor.start(sleeper())
    first = supervisor.pids()["sleeper"]
    os.kill(first, signal.SIGKILL)
    eventually(lambda: supervisor.pids()["sleeper"] != first)
    assert psutil.pid_exists(supervisor.pids()["sleeper"])


def test_descendants_of_a_killed_process_are_killed(supervisor: Supervisor, tmp_path: Path) -> None:
    mark = tmp_path / "grandchild"
    code = textwrap.dedent(
        f"""
        import subprocess, time
        child = subprocess.Popen(["sleep", "300"])
        open({str(mark)!r}, "w").write(str(child.pid))
        time.sleep(300)
        """
    )
    supervisor.start(Program("parent", [sys.executable, "-c", code], os.environ, mark.exists))
    eventually(lambda: mark.exists() and mark.read_text() != "")
    grandchild = int(mark.read_text())
    os.kill(supervisor.pids()["parent"], signal.SIGKILL)
    eventually(lambda: is_gone(grandchild))


def test_stop_kills_a_process_that_ignores_sigterm(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path / "logs")
    supervisor.start(sleeper("stubborn", ignore_term=True))
    supervisor.start(sleeper("meek"))
    log = tmp_path / "logs" / "stubborn.log"
    eventually(lambda: log.read_text().startswith("up"))
    pids = list(supervisor.pids().values())
    started = time.monotonic()
    supervisor.stop(0.3)
    assert time.monotonic() - started < 30, "the process would sleep for minutes"
    assert all(is_gone(pid) for pid in pids)


def test_restarts_of_a_process_that_keeps_exiting_back_off(supervisor: Supervisor) -> None:
    given_up = threading.Event()
    started = time.monotonic()
    supervisor.start(
        Program("mayfly", [sys.executable, "-S", "-c", ""], os.environ, lambda: False, on_repeated_failure=given_up.set)
    )
    assert given_up.wait(10)
    assert time.monotonic() - started > 0.2 + 0.4, "the second and third start must each have waited longer"


def test_waiting_fails_for_a_process_that_keeps_exiting(supervisor: Supervisor) -> None:
    code = "print('no such thing'); raise SystemExit(1)"
    supervisor.start(Program("mayfly", [sys.executable, "-S", "-c", code], os.environ, lambda: False))
    with pytest.raises(Unavailable, match="mayfly does not start: no such thing"):
        supervisor.wait_ready(["mayfly"], time.monotonic() + 60, threading.Event())


def test_a_process_not_ready_in_time_is_named_with_its_last_log_line(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start(sleeper("slow", ready=lambda: False))
    log = tmp_path / "logs" / "slow.log"
    eventually(lambda: log.read_text().startswith("up"))
    with pytest.raises(Unavailable, match=r"slow did not start in time: up \(log: .*slow\.log\)"):
        supervisor.wait_ready(["slow"], time.monotonic() + 0.1, threading.Event())


def test_nothing_outlives_a_supervisor_killed_by_kill_nine(tmp_path: Path) -> None:
    mark = tmp_path / "pids"
    code = textwrap.dedent(
        f"""
        import os, time
        from pathlib import Path
        from bandmate_local.supervisor import Program, Supervisor
        supervisor = Supervisor(Path({str(tmp_path / "logs")!r}))
        for name in ("one", "two"):
            supervisor.start(Program(name, ["sh", "-c", "sleep 300 & wait"], os.environ, lambda: True))
        Path({str(mark)!r}).write_text(" ".join(map(str, supervisor.pids().values())) + " .")
        time.sleep(300)
        """
    )
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        eventually(lambda: mark.exists() and mark.read_text().endswith("."))
        leaders = [int(pid) for pid in mark.read_text().split()[:-1]]
        eventually(lambda: all(psutil.Process(pid).children() for pid in leaders))
        everyone = [*leaders, *(child.pid for pid in leaders for child in psutil.Process(pid).children())]
        assert len(everyone) == 4
    finally:
        process.kill()
        process.wait()
    eventually(lambda: all(is_gone(pid) for pid in everyone))


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
