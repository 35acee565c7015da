"""What counts as a source, and what is found in it."""

import os
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from bandmate_ingest.sources.collect import collect
from bandmate_ingest.sources.files import OTHER_NOTATION, READ_SUFFIXES
from bandmate_music.midi.write import write_midi
from bandmate_shared.errors import BandmateError, InvalidRequest, LimitExceeded, NotFound, UnreadableFile

from tests.support.tunes import tune, write_tunes
from tests.unit.ingest.conftest import LIMITS


def test_a_folder_is_searched_through_in_order(tmp_path: Path) -> None:
    for name in ("b/two.MID", "a/one.midi", "a/score.musicxml", "a/notes.txt", ".hidden/x.mid", "a/._one.mid", "c.krn"):
        path = tmp_path / "My Songs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    (tmp_path / "My Songs" / "loop").symlink_to(tmp_path / "My Songs", target_is_directory=True)
    files = list(collect(str(tmp_path / "My Songs"), None, LIMITS))
    assert [(file.name, file.style) for file in files] == [
        ("My Songs/a/one.midi", "a"),
        ("My Songs/a/score.musicxml", "a"),
        ("My Songs/b/two.MID", "b"),
        ("My Songs/c.krn", "my-songs"),
    ]


def test_folders_that_say_nothing_give_no_style(tmp_path: Path) -> None:
    write_tunes(tmp_path / "Folk & Roll" / "train", 1)
    for source in ("Folk & Roll", "Folk & Roll/train", "Folk & Roll/train/tune-000.mid"):
        (file,) = collect(str(tmp_path / source), None, LIMITS)
        assert file.style == "folk-roll"
    (file,) = collect(str(tmp_path / "Folk & Roll"), "jig", LIMITS)
    assert file.style == "jig"


def test_a_file_name_that_is_no_text_is_shown_with_replacements(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"na\xefve.mid")).write_bytes(b"x")
    (file,) = collect(str(tmp_path), "odd", LIMITS)
    assert file.name.endswith("/na?ve.mid")
    assert file.read() == b"x"


def test_a_zip_is_a_folder(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "album.zip", "w") as archive:
        archive.writestr("disc/one.mid", write_midi(tune(1)))
        archive.writestr("__MACOSX/._one.mid", b"x")
        archive.writestr("cover.png", b"x")
        archive.writestr("../../escape.mid", b"x")
    files = list(collect(str(tmp_path / "album.zip"), None, LIMITS))
    assert [file.name for file in files] == ["album/disc/one.mid"]
    assert files[0].read() == write_midi(tune(1))


def test_a_damaged_entry_does_not_affect_the_rest_of_the_zip(tmp_path: Path) -> None:
    path = tmp_path / "album.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.mid", write_midi(tune(1)))
        archive.writestr("b.mid", write_midi(tune(2)))
    data = bytearray(path.read_bytes())
    data[45] ^= 0xFF
    path.write_bytes(data)
    bad, good = collect(str(path), None, LIMITS)
    with pytest.raises(UnreadableFile, match="damaged"):
        bad.read()
    assert good.read() == write_midi(tune(2))


@pytest.mark.parametrize("limit", [{"zip_entries": 3}, {"unzipped_bytes": 1000}])
def test_zips_are_bounded(tmp_path: Path, limit: dict[str, int]) -> None:
    with zipfile.ZipFile(tmp_path / "big.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(10):
            archive.writestr(f"{number}.mid", bytes(1000))
    with pytest.raises(LimitExceeded, match="BANDMATE_MAX_"):
        list(collect(str(tmp_path / "big.zip"), None, replace(LIMITS, **limit)))


def test_no_more_of_a_file_is_read_than_its_limit(tmp_path: Path) -> None:
    (tmp_path / "huge.mid").write_bytes(bytes(10_000))
    (file,) = collect(str(tmp_path / "huge.mid"), None, replace(LIMITS, file_bytes=100))
    assert len(file.read()) == 101


def test_the_corpus_of_music21_is_a_source() -> None:
    files = list(collect("music21:bach", None, LIMITS))
    assert len(files) > 400
    assert {file.style for file in files} == {"bach"}
    assert {".mxl", ".krn"} <= {Path(file.name).suffix for file in files} <= READ_SUFFIXES | OTHER_NOTATION


@pytest.mark.parametrize(
    ("source", "error", "words"),
    [
        ("s3://", InvalidRequest, "no bucket"),
        ("upload:0123", InvalidRequest, "no uploads here"),
        ("https://example.org/a.mid", InvalidRequest, "not a source"),
        ("/no/such/folder", NotFound, "no file or folder"),
        ("music21:nobody", NotFound, "it has"),
        ("music21:../../..", InvalidRequest, "composer"),
    ],
)
def test_invalid_sources_are_refused(source: str, error: type[BandmateError], words: str) -> None:
    with pytest.raises(error, match=words):
        list(collect(source, None, LIMITS))


def test_a_damaged_zip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04 and then nothing")
    with pytest.raises(UnreadableFile):
        list(collect(str(tmp_path / "a.zip"), None, LIMITS))
