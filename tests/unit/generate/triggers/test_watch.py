"""The watched folder, with a real job store: which files become songs, when, and only once."""

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from bandmate_generate.triggers import watch as watch_module
from bandmate_generate.triggers.watch import FolderWatch
from bandmate_music.midi.write import write_midi
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.errors import InvalidRequest, Unavailable
from bandmate_shared.runtime import Runtime

from tests.support.tunes import tune

WORDS = "The river runs beneath the moon\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "watched"
    path.mkdir()
    return path


@pytest.fixture
def watch(runtime: Runtime, folder: Path) -> FolderWatch:
    return FolderWatch(runtime, folder, lambda request: request, every=0.02, settle=0.0)


def songs(runtime: Runtime) -> list[SongRequest]:
    return [SongRequest.model_validate(job.request) for job in runtime.store.list_jobs("local", kind="song")[0]]


def below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_files_become_songs_and_move_to_done(runtime: Runtime, folder: Path, watch: FolderWatch) -> None:
    (folder / "words.txt").write_text(WORDS)
    (folder / "sub").mkdir()
    (folder / "sub" / "a.mid").write_bytes(write_midi(tune(1)))
    (folder / "sub" / "a.mid.json").write_text('{"style": "folk", "bars": 8}')
    (folder / "order.json").write_text('{"style": "rock"}')
    watch.poll()
    assert sorted(song.style for song in songs(runtime)) == ["folk", "rock", "song"]
    done = {
        "words.txt",
        "words.txt.job",
        "sub/a.mid",
        "sub/a.mid.json",
        "sub/a.mid.job",
        "order.json",
        "order.json.job",
    }
    assert below(folder) == {f"done/{name}" for name in done}
    named = (folder / "done" / "words.txt.job").read_text().strip()
    assert runtime.store.get(named).request["lyrics"] == WORDS
    watch.poll()
    assert len(songs(runtime)) == 3


def test_the_same_content_is_the_same_song_under_any_name(runtime: Runtime, folder: Path, watch: FolderWatch) -> None:
    for name in ("a.txt", "b.txt"):
        (folder / name).write_text(WORDS)
    watch.poll()
    (folder / "a.txt").write_text(WORDS)
    (folder / "c.txt").write_text(WORDS)
    (folder / "c.txt.json").write_text('{"key": "D"}')
    watch.poll()
    assert len(songs(runtime)) == 2
    assert {"done/a.txt", "done/a (2).txt", "done/b.txt", "done/c.txt"} <= below(folder)
    assert len({(folder / "done" / f"{name}.job").read_text() for name in ("a.txt", "a (2).txt", "b.txt")}) == 1


def test_a_watch_killed_before_the_move_makes_no_second_song(
    runtime: Runtime, folder: Path, watch: FolderWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.txt").write_text(WORDS)
    with monkeypatch.context() as patched:
        patched.setattr(FolderWatch, "_archive", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            watch.poll()
    assert len(songs(runtime)) == 1
    assert below(folder) == {"a.txt"}
    watch.poll()
    assert len(songs(runtime)) == 1
    assert "done/a.txt" in below(folder)


def test_a_file_that_is_still_being_written_is_left_alone(
    runtime: Runtime, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(watch_module.time, "monotonic", lambda: now)
    watch = FolderWatch(runtime, folder, lambda request: request, every=1.0, settle=3.0)
    path = folder / "a.txt"
    path.write_text("The river")
    watch.poll()
    now = 102.0
    path.write_text(WORDS)
    watch.poll()
    now = 104.0
    (folder / "a.txt.json").write_text("{")
    watch.poll()
    now = 106.0
    (folder / "a.txt.json").write_text('{"key": "D"}')
    watch.poll()
    assert songs(runtime) == []
    now = 109.0
    watch.poll()
    assert [(song.lyrics, song.key) for song in songs(runtime)] == [(WORDS, "D major")]


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.mid", b"no music", "a.mid is not MIDI but plain text"),
        ("a.wav", b"RIFF", "a.wav is neither a .mid"),
        ("a.json", b'{"bars": 900}', "bars: input should be less than or equal to 200, not 900"),
        ("a.txt", b"x" * 9_000_000, "the limit is 8,000,000 (BANDMATE_MAX_FILE_BYTES)"),
        ("a.txt", b"refused words", "not these words"),
    ],
)
def test_files_that_become_no_song_move_to_failed_with_the_reason(
    runtime: Runtime, folder: Path, name: str, data: bytes, reason: str
) -> None:
    def check(request: SongRequest) -> SongRequest:
        if request.lyrics == "refused words":
            raise InvalidRequest("not these words")
        return request

    (folder / name).write_bytes(data)
    FolderWatch(runtime, folder, check, every=1.0, settle=0.0).poll()
    assert songs(runtime) == []
    assert below(folder) == {f"failed/{name}", f"failed/{name}.txt"}
    assert reason in (folder / "failed" / f"{name}.txt").read_text()


def test_hidden_files_partial_copies_and_links_are_not_looked_at(
    runtime: Runtime, folder: Path, tmp_path: Path, watch: FolderWatch
) -> None:
    (tmp_path / "secret.txt").write_text(WORDS)
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / ".hidden.txt").write_text(WORDS)
    (folder / "a.mid.part").write_bytes(b"MThd")
    (folder / "a.mid.json").write_text("{}")
    (folder / ".git").mkdir()
    (folder / ".git" / "a.txt").write_text(WORDS)
    before = below(folder)
    watch.poll()
    assert songs(runtime) == []
    assert below(folder) == before


def test_temporary_errors_and_a_missing_folder_are_waited_out(
    runtime: Runtime, folder: Path, wait_until: Callable[..., None]
) -> None:
    trouble = True

    def check(request: SongRequest) -> SongRequest:
        if trouble:
            raise Unavailable("not now")
        return request

    (folder / "a.txt").write_text(WORDS)
    stop = threading.Event()
    looking = FolderWatch(runtime, folder, check, every=0.02, settle=0.0)
    thread = threading.Thread(target=looking.run, args=[stop])
    thread.start()
    try:
        wait_until(lambda: (folder / "a.txt") in looking._seen, "the first look")
        assert "a.txt" in below(folder)
        trouble = False
        wait_until((folder / "done" / "a.txt.job").exists, "the song, and its file in done/")
        assert len(songs(runtime)) == 1
        folder.rename(folder.with_name("gone"))  # At once: files taken away one by one may be moved meanwhile.
        wait_until(folder.exists, "the folder to be made again")
        (folder / ".b.txt").write_text("Other words")  # Renamed when whole: without settling, half a file would do.
        (folder / ".b.txt").rename(folder / "b.txt")
        wait_until(lambda: len(songs(runtime)) == 2, "the second song")
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()


def test_two_watches_on_one_folder_make_one_song_of_a_file(
    runtime: Runtime, folder: Path, wait_until: Callable[..., None]
) -> None:
    stop = threading.Event()
    threads = [
        threading.Thread(
            target=FolderWatch(runtime, folder, lambda request: request, every=0.01, settle=0.0).run, args=[stop]
        )
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for number in range(20):
        (folder / f".{number}").write_text(json.dumps({"seed": number}))
        (folder / f".{number}").rename(folder / f"{number}.json")
    wait_until(lambda: not list(folder.glob("*.json")), "the folder to be empty")
    stop.set()
    for thread in threads:
        thread.join(30)
    assert sorted(song.seed or 0 for song in songs(runtime)) == list(range(20))
