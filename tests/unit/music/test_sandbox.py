"""The sandbox: real child processes that are killed, run out of memory, and receive false input."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from bandmate_music.child_process.process import ChildProcess
from bandmate_music.limits import Limits
from bandmate_music.midi.write import write_midi
from bandmate_music.musicxml.write import write_musicxml
from bandmate_music.sandbox import pool as sandbox
from bandmate_music.sandbox.pool import close_readers, read_untrusted, read_untrusted_batch
from bandmate_music.sandbox.score_codec import decode_score, encode_score
from bandmate_music.score import KeyChange, Lyric, MetreChange, Notes, Part, Score, TempoChange
from bandmate_music.theory.keys import Key
from bandmate_music.theory.metre import Metre
from bandmate_shared.errors import LimitExceeded, UnreadableFile
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.music.hostile import valid
from tests.unit.music.scores import assert_same, scores

LINE = [(n * 240, 240, 60 + n % 20, 80) for n in range(400)]
TUNE = Score(
    parts=(
        Part("Bass", 33, Notes.from_rows([(n * 480, 480, 40, 80) for n in range(200)])),
        Part("Tune", 73, Notes.from_rows(LINE), lyrics=tuple(Lyric(n, "oh", n % 3 == 0) for n, *_ in LINE)),
    ),
    tempi=tuple(TempoChange(n * 960, 100.0 + n) for n in range(40)),
    metres=(MetreChange(0, Metre(4, 4)), MetreChange(1920, Metre(3, 4))),
    keys=(KeyChange(0, Key(2, "minor")),),
    title="Tune",
)
LONG = write_musicxml(Score((Part("", 0, Notes.from_rows([(n * 120, 120, 60, 80) for n in range(16_000)])),)))
"""Half a second's work, and some 50 MB of it in memory at once."""


@pytest.fixture(autouse=True)
def _no_children_left() -> Iterator[None]:
    yield
    close_readers()


def kept_pid() -> int:
    return sandbox._idle[-1].child.pid


def test_scores_of_every_format_come_through(corpus: Callable[[str], bytes]) -> None:
    """Music that uses every feature, so that each code path runs where the child can no longer import."""
    common = Limits()
    assert_same(TUNE, read_untrusted(write_midi(TUNE), "tune.mid", common))
    assert_same(TUNE, read_untrusted(write_musicxml(TUNE), "tune.musicxml", common))
    chorale = read_untrusted(corpus("bach/bwv66.6"), "chorale.mxl", common)
    assert chorale.note_count > 100
    assert_same(chorale, read_untrusted(write_midi(chorale), "chorale.mid", common))


def test_errors_come_back_typed_and_name_the_file() -> None:
    common = Limits()
    with pytest.raises(UnreadableFile, match=r"^cat\.mid: this is a JPEG image, neither MIDI nor MusicXML$"):
        read_untrusted(b"\xff\xd8\xff\xe0", "cat.mid", common)
    with pytest.raises(LimitExceeded, match=r"^long\.mid: .*BANDMATE_MAX_NOTES"):
        read_untrusted(valid(40), "long.mid", Limits(notes=39))
    with pytest.raises(LimitExceeded, match=r"^big\.mid: .*BANDMATE_MAX_FILE_BYTES"):
        read_untrusted(bytes(100), "big.mid", Limits(file_bytes=99))


def test_one_child_reads_a_batch_and_a_bad_file_costs_only_itself() -> None:
    common = Limits()
    items = [(valid(n), f"{n}.mid") if n % 5 else (b"junk", f"{n}.mid") for n in range(1, 41)]
    results: list[object] = []
    pids = set()
    for result in read_untrusted_batch(items, common):
        pids.add(kept_pid())
        results.append(result.note_count if isinstance(result, Score) else type(result))
    assert results == [n if n % 5 else UnreadableFile for n in range(1, 41)]
    assert len(pids) == 1


def test_a_large_parent_keeps_its_child_too() -> None:
    """A child starts with its parent's peak memory, which says nothing about its own use."""
    sandbox.close_readers()
    ballast = np.ones(70_000_000)
    read_untrusted(valid(), "a.mid", Limits())
    first = kept_pid()
    read_untrusted(valid(), "b.mid", Limits())
    assert kept_pid() == first
    assert ballast.nbytes > 500_000_000


def test_a_child_killed_between_files_goes_unnoticed() -> None:
    common = Limits()
    for _ in range(3):
        read_untrusted(valid(), "a.mid", common)
        os.kill(kept_pid(), signal.SIGKILL)
        assert read_untrusted(valid(3), "b.mid", common).note_count == 3


def test_a_file_that_takes_too_much_memory_is_refused_and_the_next_is_read() -> None:
    narrow = Limits(parse_memory_bytes=8_000_000)
    items = [(valid(), "a.mid"), (LONG, "long.musicxml"), (valid(), "b.mid")]
    first, starved, last = read_untrusted_batch(items, narrow)
    assert isinstance(first, Score)
    assert isinstance(starved, LimitExceeded)
    assert "BANDMATE_PARSE_MEMORY_BYTES" in starved.detail
    assert isinstance(last, Score)


def test_a_file_that_takes_too_long_is_refused_and_the_next_is_read() -> None:
    hasty = Limits(parse_seconds=0.05)
    read_untrusted(valid(), "warm.mid", Limits())
    (result,) = read_untrusted_batch([(LONG, "long.musicxml")], hasty)
    assert isinstance(result, LimitExceeded)
    assert "BANDMATE_PARSE_SECONDS" in result.detail
    assert read_untrusted(valid(), "b.mid", Limits()).note_count == 40


@pytest.mark.parametrize("signal_number", [signal.SIGSEGV, signal.SIGKILL])
def test_a_reader_that_crashes_twice_on_a_file_is_reported(
    monkeypatch: pytest.MonkeyPatch, signal_number: signal.Signals
) -> None:
    """Each child dies as soon as it has a file, as with a crashing parser."""
    common = Limits()
    send = ChildProcess.send

    def send_and_kill(child: ChildProcess, kind: bytes, payload: bytes, deadline: float) -> None:
        if kind == b"F":
            os.kill(child.pid, signal_number)
        send(child, kind, payload, deadline)

    monkeypatch.setattr(ChildProcess, "send", send_and_kill)
    with pytest.raises(UnreadableFile, match=f"bad.mid: its reader crashed \\({signal_number.name}\\)"):
        read_untrusted(valid(), "bad.mid", common)
    monkeypatch.undo()
    assert read_untrusted(valid(), "good.mid", common).note_count == 40


def test_the_child_can_open_no_file_and_start_no_process() -> None:
    """The limits as the kernel holds them."""
    read_untrusted(valid(), "a.mid", Limits(parse_memory_bytes=300_000_000))
    process = Path("/proc") / str(kept_pid())
    limits = (process / "limits").read_text().splitlines()
    held = {line[:26].strip(): line[26:].split()[1] for line in limits if line.startswith("Max")}
    assert held["Max open files"] == "3"
    assert held["Max file size"] == held["Max core file size"] == held["Max processes"] == "0"
    assert 300_000_000 < int(held["Max address space"]) < 2_000_000_000
    names = {entry.partition(b"=")[0] for entry in (process / "environ").read_bytes().split(b"\0") if entry}
    assert names <= {b"OPENBLAS_NUM_THREADS", b"OMP_NUM_THREADS", b"LC_ALL", b"LD_LIBRARY_PATH"}


@pytest.mark.process
def test_threads_do_not_mix_up_their_files() -> None:
    common = Limits()
    wrong: list[int] = []

    def read_many(notes: int) -> None:
        results = read_untrusted_batch([(valid(notes), "x.mid")] * 20, common)
        wrong.extend(notes for result in results if not isinstance(result, Score) or result.note_count != notes)

    threads = [threading.Thread(target=read_many, args=(notes,)) for notes in (1, 20, 300)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_forked_worker_starts_a_child_of_its_own() -> None:
    """What a prefork worker pool does: fork after the sandbox was used, use it on both sides."""
    program = """
import os, sys
from bandmate_music.sandbox.pool import read_untrusted, _idle
from bandmate_music.limits import Limits
data, common = sys.stdin.buffer.read(), Limits()
def read(): return read_untrusted(data, "x.mid", common).note_count
assert read() == 40
pid = os.fork()
mine = [read() for _ in range(50)]
ok = mine == [40] * 50
if pid == 0:
    from bandmate_music.sandbox.pool import close_readers
    close_readers()
    os._exit(0 if ok else 1)
sys.exit(0 if ok and os.waitpid(pid, 0)[1] == 0 else 1)
"""
    run = subprocess.run([sys.executable, "-c", program], input=valid(), capture_output=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr.decode()


@settings(max_examples=60, deadline=None)
@given(scores())
def test_a_frame_holds_a_whole_score(score: Score) -> None:
    assert_same(score, decode_score(encode_score(score)))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_frame_that_was_tampered_with_ends_in_a_score_or_an_error(data: st.DataObject) -> None:
    frame = bytearray(encode_score(TUNE))
    for _ in range(data.draw(st.integers(1, 4))):
        frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    try:
        score = decode_score(bytes(frame))
    except UnreadableFile:
        return
    assert all(0 <= pitch <= 127 for part in score.parts for pitch in part.notes.pitch.tolist())
