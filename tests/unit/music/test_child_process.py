"""Children that answer, die, hang and declare too much, spoken to in frames."""

import io
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from bandmate_music.child_process.frames import FrameTooLong, read_frame, write_frame
from bandmate_music.child_process.process import ChildDied, ChildProcess

MODULE = """
import os, sys, time
from bandmate_music.child_process.frames import HEADER, read_frame, write_frame

def main():
    while (frame := read_frame(sys.stdin.buffer)) is not None:
        kind, payload = frame
        if kind == b"X":
            os._exit(3)
        if kind == b"H":
            time.sleep(60)
        if kind == b"L":
            sys.stdout.buffer.write(HEADER.pack(b"L", 1 << 50))
            sys.stdout.buffer.flush()
        write_frame(sys.stdout.buffer, kind, " ".join(sorted(os.environ)).encode() if kind == b"V" else payload)
"""


@pytest.fixture(params=[True, False], ids=["with site", "without site"])
def child(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ChildProcess]:
    (tmp_path / "answering_child.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    started = ChildProcess("answering_child", site=request.param)
    yield started
    started.close()


def test_frames_larger_than_a_pipe_buffer_pass_in_both_directions(child: ChildProcess) -> None:
    payload = bytes(range(256)) * 4000
    for _ in range(3):
        assert child.ask(b"E", payload, 60) == (b"E", payload)
    assert child.ask(b"E", b"", 60) == (b"E", b"")


def test_the_child_has_none_of_our_environment(child: ChildProcess) -> None:
    names = child.ask(b"V", b"", 60)[1].decode().split()
    assert set(names) <= {"LC_ALL", "LD_LIBRARY_PATH", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"}


def test_the_exit_status_of_a_dead_child_is_reported(child: ChildProcess) -> None:
    with pytest.raises(ChildDied) as raised:
        child.ask(b"X", b"", 60)
    assert raised.value.status == 3


def test_a_child_that_hangs_is_given_up_at_the_deadline(child: ChildProcess) -> None:
    child.ask(b"E", b"", 60)
    with pytest.raises(TimeoutError):
        child.ask(b"H", b"", 0.05)
    with pytest.raises(TimeoutError):
        child.send(b"E", bytes(10_000_000), time.monotonic() + 0.05)
    assert child.close() == -9


def test_a_frame_that_declares_too_much_is_not_read(child: ChildProcess) -> None:
    with pytest.raises(FrameTooLong):
        child.ask(b"L", b"", 60)


def test_a_truncated_frame_is_not_returned() -> None:
    stream = io.BytesIO()
    write_frame(stream, b"A", b"abc")
    whole = stream.getvalue()
    assert read_frame(io.BytesIO(whole)) == (b"A", b"abc")
    for cut in range(len(whole)):
        assert read_frame(io.BytesIO(whole[:cut])) is None
    with pytest.raises(FrameTooLong):
        read_frame(io.BytesIO(whole), max_bytes=2)
