"""The songs that are asked for, written by the platform, and read from folders."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bandmate_bench.form.cases import song_cases
from bandmate_bench.form.songs import read_song, read_songs, write_songs
from bandmate_bench.form.words import text_lines
from bandmate_local.client import RemoteProblem
from bandmate_music.midi.write import write_midi
from bandmate_music.score import MetreChange, Notes, Part, Score
from bandmate_music.theory.metre import Metre
from bandmate_shared.contracts.jobs import Artifact, JobError, JobEvent, JobState, JobView
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.errors import InvalidRequest, NotFound


def midi(bars: int = 8) -> bytes:
    notes = Notes.from_rows([(bar * 1920, 1900, 60 + bar % 5, 80) for bar in range(bars)])
    return write_midi(Score((Part("Voice", 52, notes),), 480, metres=(MetreChange(0, Metre(4, 4)),)))


def test_cases_are_valid_requests_and_the_same_whatever_the_candidates() -> None:
    plain, best = song_cases(["folk", "rock"], 20, [32, 64], 3), song_cases(["folk", "rock"], 20, [32, 64], 3, 8)
    assert len({case.name for case in plain + best}) == 80
    for one, other in zip(plain, best, strict=True):
        assert SongRequest.model_validate(one.request).bars in (32, 64)
        assert other.request == {**one.request, "candidates": 8}
    assert len({case.request["seed"] for case in plain}) == 40
    folk = [case.request for case in plain if case.request["style"] == "folk"]
    for length, lines in ((32, 16), (64, 32)):
        texts = {request["lyrics"] for request in folk if request["bars"] == length and "lyrics" in request}
        assert len(texts) == 3
        assert all(len(text_lines(text)) == lines for text in texts)
    assert sum("lyrics" in request for request in folk) == 10
    assert sum("chords" in request for request in folk) == 6


class FakeSession:
    """A platform that writes the same file for every request, refuses a style and fails on another."""

    def __init__(self) -> None:
        self.asked: list[Mapping[str, Any]] = []
        self.api = self

    def submit(self, noun: str, request: Mapping[str, Any]) -> JobView:
        self.asked.append(request)
        if request["style"] == "refused":
            raise RemoteProblem(422, {"detail": "no such style"})
        return self._job(f"song_{request['style']}", JobState.QUEUED)

    def follow(self, noun: str, job_id: str, show: Callable[[JobEvent], None]) -> JobView:
        return self._job(job_id, JobState.FAILED if job_id == "song_failing" else JobState.SUCCEEDED)

    def download(self, path: str, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(midi() if target.name == "song.mid" else b'{"style": "folk"}')

    def _job(self, job_id: str, state: JobState) -> JobView:
        names = ("song.mid", "report.json", "song.wav")
        return JobView.model_construct(
            id=job_id,
            state=state,
            created_at=datetime.now(UTC),
            artifacts=[Artifact(name=name, sha256="0" * 64, size=1, media_type="x/y") for name in names],
            error=JobError(type="x", title="X", detail="it broke") if state is JobState.FAILED else None,
        )


def test_songs_are_written_once_and_failures_are_told(tmp_path: Path) -> None:
    session, seen = FakeSession(), []
    cases = song_cases(["folk", "refused", "failing"], 2, [8], 1)

    def write() -> list[str]:
        return write_songs(session, cases, tmp_path, 2, lambda done, total: seen.append((done, total)))  # type: ignore[arg-type]

    assert write() == [
        "failing-8-00: failed it broke",
        "failing-8-01: failed it broke",
        "refused-8-00: no such style",
        "refused-8-01: no such style",
    ]
    assert seen[-1] == (6, 6)
    assert {path.name for path in (tmp_path / "folk-8-00").iterdir()} == {"song.mid", "report.json", "request.json"}
    assert len(session.asked) == 6
    write()
    assert len(session.asked) == 10  # The two folk songs are there already.
    assert [song.name for song in read_songs(tmp_path)] == ["folk-8-00", "folk-8-01"]


def test_a_song_is_read_with_its_report_and_request(tmp_path: Path) -> None:
    (tmp_path / "song.mid").write_bytes(midi())
    form = [
        {"name": "verse", "number": 1, "letter": "A", "first_bar": 1, "bars": 4, "chords": "C | F G", "energy": 0.4},
        {"name": "chorus", "number": None, "letter": "B", "first_bar": 5, "bars": 4, "chords": "% | Am", "energy": 0.9},
    ]
    report = {"style": "pop", "form": form, "timings": {"compose": 0.5}, "properties": {"key": {"requested": "C"}}}
    (tmp_path / "report.json").write_text(json.dumps(report))
    song = read_song(tmp_path)
    assert (song.group, song.key_asked, song.chords_asked, song.timings) == ("pop", True, False, {"compose": 0.5})
    assert [(s.name, s.letter, s.first_bar, s.bars) for s in song.sections] == [
        ("verse", "A", 0, 4),
        ("chorus", "B", 4, 4),
    ]
    assert [(c.onset // 48, c.root) for c in song.chords][:4] == [(0, 0), (2, 5), (3, 7), (4, 0)]
    assert {c.root for c in song.chords if c.onset >= 4 * 96} == {9}
    assert not [c for c in song.chords if 4 * 96 <= c.onset < 5 * 96]  # The chord before goes on.
    (tmp_path / "request.json").write_text(json.dumps({"style": "pop", "lyrics": "la la", "chords": "C"}))
    song = read_song(tmp_path)
    assert (song.key_asked, song.chords_asked, song.lyrics) == (False, True, "la la")


def test_a_folder_without_songs_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"holds no song\.mid"):
        read_songs(tmp_path)
    with pytest.raises(NotFound):
        read_songs(tmp_path / "none")
