"""The example in shared/README.md runs unchanged."""

import re
from pathlib import Path

import pytest
from bandmate_music.limits import Limits
from bandmate_music.midi.write import write_midi
from bandmate_music.musicxml.read import read_musicxml
from bandmate_music.sandbox.pool import close_readers
from bandmate_music.score import Notes, Part, Score

README = Path(__file__).parents[3] / "shared" / "README.md"


def test_the_example_reads_a_tune_and_writes_its_notation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    scale = [(480 * beat, 480, pitch, 80) for beat, pitch in enumerate((62, 64, 66, 67, 69, 71, 73, 74))]
    score = Score((Part("Tune", 73, Notes.from_rows(scale)),))
    (tmp_path / "tune.mid").write_bytes(write_midi(score))
    monkeypatch.chdir(tmp_path)
    try:
        exec(compile(example, str(README), "exec"), {})
    finally:
        close_readers()
    assert capsys.readouterr().out == "8 4 D major\n"
    assert read_musicxml((tmp_path / "tune.musicxml").read_bytes(), Limits()).note_count == 8
