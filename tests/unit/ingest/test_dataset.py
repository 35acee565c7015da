"""A dataset over several runs: no work is repeated, no piece changes its split, and the bytes match the manifest."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from bandmate_ingest.build import Built, Progress, build
from bandmate_ingest.dataset.assemble import Overtaken
from bandmate_ingest.dataset.splits import assign_splits
from bandmate_music.midi.write import write_midi
from bandmate_shared.contracts.datasets import PIECE_COLUMNS, DatasetReport, DatasetRequest, Split
from bandmate_shared.objects.blobs import sha256_of
from bandmate_shared.objects.directory import DirectoryStorage
from bandmate_shared.registry.dataset_versions import dataset_names, latest_revision
from hypothesis import given
from hypothesis import strategies as st

from tests.support.tunes import tune, write_tunes
from tests.unit.ingest.conftest import LIMITS, RULES, Cleaner, moved

Ingest = Callable[..., Built]


def pieces(storage: DirectoryStorage, built: Built) -> list[dict[str, object]]:
    piece_rows: list[dict[str, object]] = pq.read_table(
        storage.root / f"{built.written.prefix}/pieces.parquet"
    ).to_pylist()
    return piece_rows


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_tunes(tmp_path / "folk", 12)
    return tmp_path / "folk"


def test_a_dataset_is_complete_and_its_manifest_true(ingest: Ingest, folder: Path, storage: DirectoryStorage) -> None:
    (folder / "readme.txt").write_text("not music")
    (folder / "broken.mid").write_bytes(b"MThd")
    built = ingest(folder)
    root = storage.root / built.written.prefix
    manifest = json.loads((root / "manifest.json").read_bytes())
    for name, entry in manifest["files"].items():
        assert sha256_of(root / name) == entry["sha256"]
        assert pq.read_metadata(root / name).num_rows == entry["rows"]
    assert latest_revision(storage, "tunes") == (1, built.written.version)
    assert sha256_of(root / "manifest.json") == built.report.sha256
    assert DatasetReport.model_validate_json((root / "report.json").read_bytes()) == built.report
    assert (built.report.files, built.report.accepted, built.report.steps["unreadable"]) == (13, 12, 1)
    assert [(file.name, file.reason) for file in built.report.rejected] == [("folk/broken.mid", "unreadable")]
    rows = pieces(storage, built)
    assert list(rows[0]) == list(PIECE_COLUMNS)
    assert [row["piece"] for row in rows] == list(range(12))
    assert {row["style"] for row in rows} == {"folk"}
    notes = pq.read_table(root / "notes.parquet")["piece"].to_pylist()
    assert notes == sorted(notes)
    assert [notes.count(row["piece"]) for row in rows] == [row["notes"] for row in rows]
    page = (root / "report.html").read_text()
    assert page.count("<svg") == 10
    assert "folk/broken.mid" in page
    assert "http" not in page.lower().replace("https-equiv", "")


def test_the_same_again_does_nothing(ingest: Ingest, folder: Path, storage: DirectoryStorage, cleaner: Cleaner) -> None:
    first = ingest(folder)
    before = {key: (storage.root / key).stat().st_mtime_ns for key in storage.keys("")}
    again = ingest(folder)
    assert cleaner.files == 12
    assert {key: (storage.root / key).stat().st_mtime_ns for key in storage.keys("")} == before
    assert again.written == first.written
    assert again.report.files_processed == 0
    assert again.report.model_copy(update={"seconds": 0, "files_processed": 12}) == first.report.model_copy(
        update={"seconds": 0}
    )


def test_more_files_are_the_only_ones_cleaned(
    ingest: Ingest, folder: Path, storage: DirectoryStorage, cleaner: Cleaner, tmp_path: Path
) -> None:
    first = pieces(storage, ingest(folder))
    for seed in range(12, 30):
        (folder / f"more-{seed}.mid").write_bytes(write_midi(tune(seed)))
    built = ingest(folder)
    assert cleaner.files == 12 + 18
    assert built.report.files_processed == 18
    later = pieces(storage, built)
    assert later[:12] == first
    other = tmp_path / "rock"
    write_tunes(other, 2)
    (other / "new.mid").write_bytes(write_midi(tune(99)))
    built = ingest(other)
    assert built.report.files_processed == 1
    assert built.report.steps["duplicate"] == 2
    assert pieces(storage, built)[:30] == later


def test_one_run_or_several_give_the_same_bytes(ingest: Ingest, tmp_path: Path, storage: DirectoryStorage) -> None:
    write_tunes(tmp_path / "a", 9)
    (tmp_path / "b").mkdir()
    for seed in range(20, 26):
        (tmp_path / "b" / f"{seed}.mid").write_bytes(write_midi(tune(seed)))
    ingest(tmp_path / "a", batch_files=4)
    in_two = ingest(tmp_path / "b")
    at_once = build(
        DatasetRequest(name="tunes", sources=[str(tmp_path / "a"), str(tmp_path / "b")]),
        DirectoryStorage(tmp_path / "elsewhere"),
        LIMITS,
        RULES,
        Cleaner(),
        Progress(),
    )
    assert at_once.written == in_two.written
    tables = [name for name in at_once.files if name.endswith(".parquet")]
    assert {name: at_once.files[name] for name in tables} == {name: in_two.files[name] for name in tables}


def test_what_a_killed_run_finished_is_kept(
    folder: Path, storage: DirectoryStorage, ingest: Ingest, cleaner: Cleaner
) -> None:
    class Killed(Exception):
        pass

    class Impatient(Progress):
        def fraction(self, done: int, of: int, message: str) -> None:
            if message.endswith("files") and done >= 6:
                raise Killed

    request = DatasetRequest(name="tunes", sources=[str(folder)])
    with pytest.raises(Killed):
        build(request, storage, LIMITS, RULES, Cleaner(), Impatient(), 3)
    assert latest_revision(storage, "tunes") == (0, None)
    built = ingest(folder, batch_files=3)
    assert built.report.accepted == 12
    assert cleaner.batches == 2


def test_a_lost_or_damaged_batch_is_cleaned_anew(ingest: Ingest, folder: Path, storage: DirectoryStorage) -> None:
    built = ingest(folder, batch_files=4)
    lost, damaged, _ = list(storage.keys("ingest/"))
    storage.delete(lost)
    storage.put(damaged, b"rubbish")
    (folder / "new.mid").write_bytes(write_midi(tune(50)))
    after = ingest(folder, batch_files=4)
    assert after.report.files_processed == 9
    assert after.report.accepted == built.report.accepted + 1


def test_copies_are_rejected_by_name(ingest: Ingest, folder: Path) -> None:
    (folder / "zz-same.mid").write_bytes((folder / "tune-003.mid").read_bytes())
    (folder / "zz-higher.mid").write_bytes(write_midi(moved(tune(5), semitones=3)))
    (folder / "zz-slower.mid").write_bytes(write_midi(moved(tune(6), stretch=1.1)))
    report = ingest(folder).report
    rejections = {file.name: (file.reason, file.detail) for file in report.rejected}
    assert rejections == {
        "folk/zz-same.mid": ("duplicate", "the same bytes as folk/tune-003.mid"),
        "folk/zz-higher.mid": ("near-duplicate", "the music of folk/tune-005.mid (100% alike)"),
        "folk/zz-slower.mid": ("near-duplicate", "the music of folk/tune-006.mid (100% alike)"),
    }
    assert (report.steps["duplicate"], report.steps["near-duplicate"]) == (1, 2)


def test_two_jobs_at_once_do_not_lose_each_others_files(
    ingest: Ingest, folder: Path, storage: DirectoryStorage, tmp_path: Path
) -> None:
    write_tunes(tmp_path / "first", 3)

    class Slow(Progress):
        def stage(self, name: str, message: str) -> None:
            if name == "write":
                ingest(tmp_path / "first")

    request = DatasetRequest(name="tunes", sources=[str(folder)])
    with pytest.raises(Overtaken) as raised:
        build(request, storage, LIMITS, RULES, Cleaner(), Slow(), 64)
    assert raised.value.retryable
    assert build(request, storage, LIMITS, RULES, Cleaner(), Progress(), 64).report.files == 15


def test_a_dataset_of_an_earlier_release_is_continued(ingest: Ingest, folder: Path, storage: DirectoryStorage) -> None:
    first = ingest(folder)
    shutil.rmtree(storage.root / "datasets/tunes/latest")
    storage.put("datasets/tunes/latest.json", json.dumps({"version": first.written.version}).encode())
    assert latest_revision(storage, "tunes") == (0, first.written.version)
    assert dataset_names(storage) == {"tunes"}
    assert ingest(folder).report.files_processed == 0
    (folder / "new.mid").write_bytes(write_midi(tune(50)))
    later = ingest(folder)
    assert later.report.files_processed == 1
    assert latest_revision(storage, "tunes") == (1, later.written.version)
    assert dataset_names(storage) == {"tunes"}


def test_an_empty_folder_gives_an_empty_dataset(ingest: Ingest, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    report = ingest(tmp_path / "nothing").report
    assert (report.files, report.accepted, report.splits) == (0, 0, {})


def test_a_file_that_went_away_stays_in_the_dataset(ingest: Ingest, folder: Path) -> None:
    ingest(folder)
    shutil.rmtree(folder)
    folder.mkdir()
    assert ingest(folder).report.accepted == 12


hashes = st.lists(
    st.integers(0, 2**40).map(lambda value: sha256_of(str(value).encode())), min_size=1, max_size=60, unique=True
)


@given(hashes, st.randoms())
def test_splits_are_kept_and_groups_stay_together(sha256s: list[str], chance: object) -> None:
    groups = [index - index % 3 for index in range(len(sha256s))]
    first = assign_splits(sha256s, groups, {})
    for leader in set(groups):
        assert len({split for split, group in zip(first, groups, strict=True) if group == leader}) == 1
    half: dict[str, Split] = dict(zip(sha256s[: len(sha256s) // 2], first, strict=False))
    later = assign_splits(sha256s, groups, half)
    assert later[: len(half)] == first[: len(half)]
    if len(set(groups)) >= 3:
        assert set(first) == {"train", "valid", "test"}


@given(hashes)
def test_a_piece_goes_where_its_hash_says_whatever_comes_along(sha256s: list[str]) -> None:
    alone = {sha256: assign_splits([sha256], [0], {})[0] for sha256 in sha256s}
    joint_splits = assign_splits(sha256s, list(range(len(sha256s))), {})
    changed = sum(alone[sha256] != split for sha256, split in zip(sha256s, joint_splits, strict=True))
    assert changed <= 2


def test_known_files_are_relabelled_when_a_style_is_named(
    ingest: Ingest, folder: Path, storage: DirectoryStorage
) -> None:
    first = ingest(folder)
    again = ingest(folder, style="jigs")
    assert again.written.version != first.written.version
    assert {row["style"] for row in pieces(storage, again)} == {"jigs"}
    assert again.report.files_processed == 0
    kept = ingest(folder)
    assert kept.written == again.written, "without a style the labels stay"


def test_the_card_names_each_table_as_a_configuration(ingest: Ingest, folder: Path, storage: DirectoryStorage) -> None:
    built = ingest(folder)
    card = (storage.root / built.written.prefix / "README.md").read_text()
    header = card.split("---\n")[1]
    tables = [line.removeprefix("  data_files: ") for line in header.splitlines() if "data_files" in line]
    assert sorted(tables) == sorted(path.name for path in (storage.root / built.written.prefix).glob("*.parquet"))
    assert tables[0] == "pieces.parquet"
    assert all((storage.root / built.written.prefix / table).is_file() for table in tables)
    assert header.count("default: true") == 1
    assert "12 pieces" in card
    assert ingest(folder).files["README.md"].decode() == card
