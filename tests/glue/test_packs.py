"""Packs without Spark: their content, increments, and two packers at once."""

import io
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from bandmate_glue.cleaning import batches
from bandmate_glue.pack import pack
from bandmate_glue.packs import Overtaken, PackRun, add_run, read_packed
from bandmate_ingest.sources.collect import collect
from bandmate_shared.errors import Unavailable
from bandmate_shared.objects.directory import DirectoryStorage

from tests.glue.conftest import LIMITS
from tests.support.tunes import write_tunes


@pytest.fixture
def storage(tmp_path: Path) -> DirectoryStorage:
    return DirectoryStorage(tmp_path / "store")


def rows(storage: DirectoryStorage, run: PackRun) -> pd.DataFrame:
    return pd.concat([pq.read_table(io.BytesIO(storage.get(key))).to_pandas() for key in run.packs], ignore_index=True)


def test_a_pack_holds_every_content_once_in_the_order_of_the_source(storage: DirectoryStorage, music: Path) -> None:
    run = pack(storage, "music", [str(music / "first")], None, LIMITS, batch_files=8, pack_bytes=20_000)
    assert run is not None
    table = rows(storage, run)
    files = list(collect(str(music / "first"), None, LIMITS))
    first_name = {}
    for file in files:
        first_name.setdefault(file.read(), file.name)
    assert table["name"].tolist() == list(first_name.values())
    assert table["data"].tolist() == list(first_name)
    assert table["sha256"].is_unique
    assert [len(items) for _, _, items in batches(iter([table]))] == [8] * (len(table) // 8) + [len(table) % 8]
    assert [file.name for file in read_packed(storage, "music").inventory] == [file.name for file in files]


def test_a_row_group_is_a_batch(storage: DirectoryStorage, music: Path) -> None:
    run = pack(storage, "music", [str(music / "second")], None, LIMITS, batch_files=8)
    assert run is not None
    (key,) = run.packs
    parquet = pq.ParquetFile(io.BytesIO(storage.get(key)))
    assert parquet.num_row_groups == run.batches > 1
    for number in range(parquet.num_row_groups):
        assert set(parquet.read_row_group(number)["batch"].to_pylist()) == {number}


def test_only_changed_files_are_packed_again(storage: DirectoryStorage, tmp_path: Path) -> None:
    write_tunes(tmp_path / "tunes", 5)
    assert pack(storage, "t", [str(tmp_path / "tunes")], None, LIMITS) is not None
    (tmp_path / "tunes" / "tune-001.mid").write_bytes((tmp_path / "tunes" / "tune-002.mid").read_bytes() + b"more")
    second = pack(storage, "t", [str(tmp_path / "tunes")], None, LIMITS)
    assert second is not None
    assert rows(storage, second)["name"].tolist() == ["tunes/tune-001.mid"]
    assert len(read_packed(storage, "t").runs) == 2


def test_known_files_are_relabelled_without_being_packed_again(storage: DirectoryStorage, tmp_path: Path) -> None:
    folder = tmp_path / "tunes"
    write_tunes(folder, 3)

    def styles() -> list[str]:
        return [file.style for file in read_packed(storage, "t").inventory]

    assert pack(storage, "t", [str(folder)], None, LIMITS) is not None
    assert styles() == ["tunes"] * 3
    second = pack(storage, "t", [str(folder)], "jig", LIMITS)
    assert second is not None
    assert (second.packs, second.files) == ([], 0)
    assert styles() == ["jig"] * 3
    assert pack(storage, "t", [str(folder)], "jig", LIMITS) is None
    assert pack(storage, "t", [str(folder)], None, LIMITS) is None, "without a style the labels stay"
    write_tunes(folder, 4)
    assert pack(storage, "t", [str(folder)], None, LIMITS) is not None
    assert styles() == ["jig"] * 3 + ["tunes"]


def test_a_zip_can_be_packed_and_its_bad_entry_is_reported(storage: DirectoryStorage, tmp_path: Path) -> None:
    import zipfile

    from bandmate_music.midi.write import write_midi

    from tests.support.tunes import tune

    path = tmp_path / "songs.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("folk/good.mid", write_midi(tune(1)))
        archive.writestr("folk/bad.mid", b"the very bytes" * 20)
    path.write_bytes(path.read_bytes().replace(b"the very bytes", b"tHe very bytes"))  # Its checksum is wrong now.
    run = pack(storage, "z", [str(path)], None, LIMITS)
    assert run is not None
    assert rows(storage, run)["name"].tolist() == ["songs/folk/good.mid"]
    (unread,) = read_packed(storage, "z").unread
    assert unread.name == "songs/folk/bad.mid"


def test_two_packers_at_once_cannot_both_add_a_run(storage: DirectoryStorage, tmp_path: Path) -> None:
    write_tunes(tmp_path / "tunes", 2)
    run = pack(storage, "t", [str(tmp_path / "tunes")], None, LIMITS)
    assert run is not None
    with pytest.raises(Overtaken):
        add_run(storage, "t", run)


def test_an_incomplete_batch_is_an_error(storage: DirectoryStorage, music: Path) -> None:
    run = pack(storage, "music", [str(music / "second")], None, LIMITS, batch_files=8)
    assert run is not None
    table = rows(storage, run)
    pieces = iter([table[:3], table[3:11], table[11:16]])
    assert [len(items) for _, _, items in batches(pieces)] == [8, 8]
    with pytest.raises(Unavailable, match="7 of 8"):
        list(batches(iter([table[:7]])))
    with pytest.raises(Unavailable, match="7 of 8"):
        list(batches(iter([table[:7], table[8:]])))
