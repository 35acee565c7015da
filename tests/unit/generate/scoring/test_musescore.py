"""MuseScore, where it is installed, imports what is written: the same notes, words, chords, tempi and sections."""

import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from bandmate_music.limits import Limits
from bandmate_music.musicxml.read import read_musicxml
from bandmate_music.musicxml.write import write_musicxml
from bandmate_music.score import Score
from bandmate_music.theory.metre import Metre

from .test_verovio import piece

MUSESCORE = next((path for name in ("musescore3", "mscore", "mscore3") if (path := shutil.which(name))), None)
pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(MUSESCORE is None, reason="MuseScore is not here; on Debian: apt-get install musescore3"),
]


def notes(score: Score) -> list[Counter[tuple[int, int]]]:
    """For each part its onsets, in 480 ticks a quarter, and pitches."""
    scale = 480 / score.ticks_per_quarter
    return [
        Counter(
            zip((round(onset * scale) for onset in part.notes.onset.tolist()), part.notes.pitch.tolist(), strict=True)
        )
        for part in score.parts
    ]


@pytest.mark.parametrize("metre", [Metre(4, 4), Metre(6, 8), Metre(7, 8)], ids=lambda metre: metre.name)
def test_musescore_reads_the_same_music(metre: Metre, tmp_path: Path) -> None:
    written = piece(metre)
    (tmp_path / "written.musicxml").write_bytes(write_musicxml(written))
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "HOME": str(tmp_path)}
    command = [str(MUSESCORE), "-o", str(tmp_path / "read.musicxml"), str(tmp_path / "written.musicxml")]
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=120)
    read = read_musicxml((tmp_path / "read.musicxml").read_bytes(), Limits())
    assert notes(read) == notes(written)
    assert [part.is_drum for part in read.parts] == [part.is_drum for part in written.parts]
    assert [lyric.text for lyric in read.parts[0].lyrics] == [lyric.text for lyric in written.parts[0].lyrics]
    assert [mark.symbol for mark in read.chords] == [mark.symbol for mark in written.chords]
    assert [mark.text for mark in read.sections] == [mark.text for mark in written.sections]
    assert [change.tempo for change in read.tempi] == [change.tempo for change in written.tempi]
