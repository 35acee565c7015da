"""scripts/sort_packs.py lays collections out as `bandmate ingest` reads them: a folder a style, a folder a split."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "scripts" / "sort_packs.py"
COLUMNS = ("file", "split", "style", "instrument", "tracks", "has_chords")


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    """Two collections of one style, and two that an index sorts; the others are missing."""
    folder = tmp_path / "packs"
    for name in ("js_fakes/train/a.mid", "js_fakes/valid/a.mid", "groove/train/drummer1/b.mid"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    indexed = {
        "mutopia": [
            ("train/rag.mid", "train", "Jazz", "Piano", "2", "0"),
            ("train/hymn.mid", "train", "Hymn", "Voice (SATB)", "4", "0"),
            ("train/symbols.mid", "train", "Hymn", "Voice (SATB)", "5", "1"),
            ("valid/song.mid", "valid", "Romantic", "Voice and Piano", "3", "0"),
            ("train/koto.mid", "train", "Folk", "Koto", "1", "0"),
        ],
        "polish_songs": [
            ("train/with.mid", "train", "", "", "3", "0"),
            ("train/duet.mid", "train", "", "", "2", "0"),
            ("train/lone.mid", "train", "", "", "1", "0"),
        ],
    }
    for pack, rows in indexed.items():
        for name, *_ in rows:
            (folder / pack / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / pack / name).write_bytes(b"Voice, Piano right" if "with" in name else b"Voice")
        with (folder / pack / "index.csv").open("w", newline="") as file:
            csv.writer(file).writerows([COLUMNS, *rows])
    return folder


def test_every_file_goes_to_its_style_and_split(packs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(packs), str(out)], capture_output=True, text=True, check=True
    )
    assert sorted(str(path.relative_to(out)) for path in out.rglob("*.mid")) == [
        "chorale/train/js_fakes_a.mid",
        "chorale/valid/js_fakes_a.mid",
        "dance/train/mutopia_rag.mid",
        "groove/train/groove_drummer1_b.mid",
        "hymn/train/mutopia_hymn.mid",
        "hymn/train/polish_songs_duet.mid",
        "song/train/polish_songs_with.mid",
        "song/valid/mutopia_song.mid",
    ]
    assert "hymn train: 2 files" in done.stdout
