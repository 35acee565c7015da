"""Rows over groups of songs, and the command that prints them."""

import json
from pathlib import Path

import pytest
from bandmate_bench.cli.app import app
from bandmate_bench.form.arrangement import Rates
from bandmate_bench.form.piece import Piece
from bandmate_bench.form.report import Summary, compare_candidates, of_length, speed, summarise
from bandmate_bench.form.rows import ROWS, Asked, Row
from bandmate_shared.errors import InvalidRequest, NotFound
from typer.testing import CliRunner

from tests.unit.bench.form.pieces import line, piece
from tests.unit.bench.form.test_songs import midi


def _mean_pitch(song: Piece) -> float | None:
    return sum(note.pitch for note in song.notes) / len(song.notes) if song.notes else None


def _rates(song: Piece) -> Rates | None:
    return Rates(len(song.notes), 10, 1, 10)


PITCH = Row("pitch", "mean pitch", _mean_pitch, (Asked(60, 70, ("pop",)), Asked(high=50)), None, real=("hymns",))


def test_rows_are_complete() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)
    assert all(row.measure.__doc__ for row in ROWS)
    assert sum(bool(row.asked) for row in ROWS) >= 24


def test_asked_limits() -> None:
    assert [Asked(1, 2).distance(value) for value in (0.5, 1, 2, 4)] == [0.5, 0, 0, 2]
    assert [str(asked) for asked in (Asked(1, 2), Asked(0.95), Asked(high=0))] == ["1 - 2", ">= 0.95", "<= 0"]


def test_means_by_style_and_what_is_asked() -> None:
    songs = [piece(1, line([60])), piece(1, line([70])), piece(1, line([80]), group="rock"), piece(1)]
    (row,) = summarise(songs, {"hymns": [piece(1, line([55]))]}, [PITCH])
    assert row["ours"] == {
        "pop": {"value": 65.0, "pieces": 2},
        "rock": {"value": 80.0, "pieces": 1},
        "all": {"value": 70.0, "pieces": 3},
    }
    assert row["real"] == {"hymns": {"value": 55.0, "pieces": 1}}
    assert [(wish["value"], wish["met"]) for wish in row["asked"]] == [(65.0, True), (70.0, False)]


def test_rates_are_added_up_before_they_are_divided() -> None:
    row = Row("rates", "rates", _rates, bars=None)
    summary = Summary(row, [piece(1, line([60] * 4)), piece(1, line([60] * 2))])
    assert summary.value == pytest.approx((6.5 / 21) / (2.5 / 21))


def test_songs_near_the_length_come_before_cut_ones() -> None:
    songs = [piece(30), piece(64), piece(16)]
    assert [len(song.bars) for song in of_length(songs, 32)] == [30]
    assert [len(song.bars) for song in of_length(songs[1:], 32)] == [32]
    assert [len(song.bars) for song in of_length(songs, None)] == [30, 64, 16]


def test_candidates_are_compared_by_the_distance_to_what_is_asked() -> None:
    few, many = [piece(1, line([75]))], [piece(1, line([72]))]
    compared = compare_candidates(few, many, [PITCH])
    assert [row["better"] for row in compared] == ["many", "many"]
    assert [row["better"] for row in compare_candidates(many, few, [PITCH])] == ["few", "few"]
    assert compare_candidates(few, few, [PITCH])[0]["better"] is None
    within = compare_candidates([piece(1, line([61]))], [piece(1, line([69]))], [PITCH])
    assert [row["better"] for row in within] == [None, "few"]  # The second limit has one side: lower is better.


def test_seconds_by_stage_do_not_count_parts_of_stages_twice() -> None:
    timed = [piece(1, timings={"compose": 1.0, "sing": 2.0, "vocal.mix": 1.5}), piece(1, timings={"compose": 3.0})]
    assert speed(timed) == [
        {
            "bars": 1,
            "sung": False,
            "songs": 2,
            "stages": {"compose": 2.0, "sing": 1.0, "vocal.mix": 0.75},
            "total": 3.0,
        }
    ]


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    for number, style in enumerate(("pop", "rock")):
        folder = tmp_path / "songs" / f"song-{number}"
        folder.mkdir(parents=True)
        (folder / "song.mid").write_bytes(midi(32))
        (folder / "report.json").write_text(json.dumps({"style": style, "timings": {"compose": 1.0}}))
    real = tmp_path / "real" / "openhymnal" / "valid"
    real.mkdir(parents=True)
    (real / "hymn.mid").write_bytes(midi(20))
    (real / "broken.mid").write_bytes(b"MThd")
    return tmp_path


def test_a_folder_of_songs_is_measured_beside_real_pieces(songs: Path) -> None:
    target = songs / "form.json"
    command = ["form", "--from", str(songs / "songs"), "--real", str(songs / "real"), "--json", str(target)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    numbers = json.loads(target.read_text())
    assert numbers["songs"] == {"pop": 1, "rock": 1}
    assert numbers["real"] == {"hymns": 1}
    by_name = {row["row"]: row for row in numbers["rows"]}
    assert set(by_name) == {row.name for row in ROWS}
    assert by_name["range"]["ours"]["all"] == {"value": 4.0, "pieces": 2}
    assert by_name["range"]["asked"] == [
        {"styles": None, "low": 11, "high": 15, "value": 4.0, "pieces": 2, "met": False}
    ]
    assert by_name["bars_heard"]["how"].startswith("Share of the bars with notes")
    assert not numbers["passed"]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--best-of", "1,2,3"], InvalidRequest),
        (["--bars", "x"], InvalidRequest),
        (["--styles", "polka"], InvalidRequest),
        (["--from", "/nowhere"], NotFound),
    ],
)
def test_wrong_options_are_refused_before_anything_starts(options: list[str], error: type[Exception]) -> None:
    result = CliRunner().invoke(app, ["form", *options])
    assert isinstance(result.exception, error)
