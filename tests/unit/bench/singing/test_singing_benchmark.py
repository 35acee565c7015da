"""`bandmate benchmark singing` from a folder to its table."""

import json
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bandmate_bench.cli.app import app
from bandmate_bench.singing import judge
from bandmate_bench.singing.cases import SingingCase, own_cases
from bandmate_bench.singing.judge import check_installed, words_wrong
from bandmate_bench.singing.rows import summarise
from bandmate_bench.singing.sing_cases import sing_all
from bandmate_bench.singing.sung import at_judged_rate, read_all
from bandmate_shared.errors import InvalidRequest, NotFound, Unavailable
from typer.testing import CliRunner

NOTES = [
    {"start": 0.2, "end": 0.8, "pitch": 60, "syllable": "Good", "word_end": True, "singer": 0},
    {"start": 0.8, "end": 1.6, "pitch": 62, "syllable": None, "singer": 0},
]


def write_wav(path: Path, samples: np.ndarray, rate: int = 44100) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes((32767 * samples).astype("<i2").tobytes())


@pytest.fixture
def sung_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "given" / "one"
    folder.mkdir(parents=True)
    write_wav(folder / "vocals.wav", 0.1 * np.sin(2 * np.pi * 262 * np.arange(2 * 44100) / 44100))
    (folder / "alignment.json").write_text(json.dumps({"language": "en", "notes": NOTES}))
    return tmp_path


def test_pieces_are_read_with_their_alignment_or_their_request(sung_folder: Path) -> None:
    (piece,) = read_all(sung_folder)
    assert (piece.name, piece.group, piece.language, piece.rate, piece.mix) == ("one", "given", "en", 44100, None)
    assert [(note.start, note.pitch, note.syllable) for note in piece.notes] == [(0.2, 60, "Good"), (0.8, 62, None)]
    assert len(at_judged_rate(piece.voice, piece.rate)) == 2 * 16000
    folder = sung_folder / "given" / "one"
    (folder / "alignment.json").unlink()
    with pytest.raises(InvalidRequest, match=r"no notes: alignment\.json"):
        read_all(sung_folder)
    (folder / "request.json").write_text(
        json.dumps({"language": "de", "notes": [{"onset": 0.2, "duration": 0.6, "pitch": 60, "syllable": "Gut"}]})
    )
    (piece,) = read_all(sung_folder)
    assert (piece.language, piece.notes[0].end) == ("de", pytest.approx(0.8))
    (folder / "request.json").write_text('{"notes": [{"onset": "soon"}]}')
    with pytest.raises(InvalidRequest, match="cannot be read"):
        read_all(sung_folder)


def test_a_folder_without_singing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="holds no vocals"):
        read_all(tmp_path)
    with pytest.raises(NotFound):
        read_all(tmp_path / "none")


def test_a_missing_judge_is_named_with_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "find_spec", lambda module: None if module == "parselmouth" else object())
    with pytest.raises(
        Unavailable, match=r"need praat-parselmouth; install .* pip install 'bandmate\[bench-singing\]'"
    ):
        check_installed()


def heard(errors: int, words: int) -> dict[str, Any]:
    return {"errors": errors, "words": words, "phrases": []}


def test_words_wrong_is_the_mean_of_the_recognisers_over_all_words() -> None:
    pieces = [
        {"recognised": {"tiny": heard(5, 10), "base": heard(1, 10)}},
        {"recognised": {"tiny": heard(5, 90), "base": heard(9, 90)}},
    ]
    assert words_wrong(pieces, "recognised") == pytest.approx(0.1)
    assert words_wrong([{}], "recognised") is None


def test_rows_say_what_is_met() -> None:
    pieces = [
        {"group": "first-song", "language": "en", "rpa": 0.995, "p808": 3.0, "lufs": -14.3, "true_peak_mp3": -1.2}
        | {"recognised": {"base": heard(1, 20)}, "recognised_in_mix": {"base": heard(2, 20)}},
        {"group": "scores", "language": "en", "rpa": 0.99},
        {"group": "scores", "language": "en", "rpa": 0.96},
    ]
    accepted = {"scores": 4, "accepted": 0.75, "words_kept": None, "compared": 0}
    rows = {row["title"]: row for row in summarise(pieces, accepted)}
    assert {title: row["met"] for title, row in rows.items() if row["met"] is not None} == {
        "words wrong, first song": True,
        "P808, first song": False,
        "RPA, first song": True,
        "RPA, real scores, mean": False,
        "RPA, real scores, each": False,
        "loudness of the mix, LUFS": False,
        "true peak after MP3, dBTP": True,
        "words wrong in the mix : in the voice": False,
        "scores with words accepted": False,
    }
    assert rows["words wrong in the mix : in the voice"]["value"] == pytest.approx(2.0)
    assert rows["RPA, real scores, each"]["value"] == 0.96


def test_of_given_folders_nothing_is_asked() -> None:
    rows = summarise([{"group": "given", "language": "en", "rpa": 0.5}], None)
    assert {row["met"] for row in rows} == {None}
    assert rows[0]["value"] == 0.5


def test_cases_are_sung_in_a_process_of_their_own_and_kept(tmp_path: Path) -> None:
    (case,) = own_cases(["eighths"], [], 1)
    short = SingingCase(case.name, case.group, case.request | {"notes": case.request["notes"][:4], "seconds": 2.0})
    wrong = SingingCase("wrong", case.group, short.request | {"voice": "nobody"})
    failures = sing_all([short, wrong], tmp_path, lambda *_: None)
    assert len(failures) == 1
    assert failures[0].startswith("wrong: ")
    usage = json.loads((tmp_path / "eighths" / "140-bpm" / "usage.json").read_text())
    assert 0.0 < usage["cpu_seconds"] < 60.0
    assert 20.0 < usage["peak_mb"] < 3000.0
    before = (tmp_path / "eighths" / "140-bpm" / "vocals.wav").stat().st_mtime_ns
    assert sing_all([short], tmp_path, lambda *_: None) == []
    assert (tmp_path / "eighths" / "140-bpm" / "vocals.wav").stat().st_mtime_ns == before


def test_a_given_folder_is_judged(sung_folder: Path) -> None:
    pytest.importorskip("faster_whisper", reason="needs the extra bench-singing")
    arguments = ["singing", "--from", str(sung_folder), "--json", "-", "--no-second-tracker", "--recognisers", "tiny"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    (piece,) = json.loads(result.stdout)["pieces"]
    assert piece["clicks_per_second"] == 0.0
    assert piece["recognised"]["tiny"]["words"] == 1


def test_unknown_groups_and_languages_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "find_spec", lambda module: object())
    result = CliRunner().invoke(app, ["singing", "--groups", "opera"])
    assert "--groups: there is no opera; there are first-song" in str(result.exception)
    result = CliRunner().invoke(app, ["singing", "--languages", "en,tlh"])
    assert "--languages: there is no tlh" in str(result.exception)
