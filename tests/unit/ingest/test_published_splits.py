"""Published splits of a collection are kept, and no training piece is related to a test piece."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bandmate_ingest.build import Built
from bandmate_ingest.cleaning.fingerprint import Hashes
from bandmate_ingest.dataset.duplicates import relate, resemblance
from bandmate_ingest.dataset.incremental import read_inventory
from bandmate_ingest.dataset.splits import assign_splits
from bandmate_ingest.sources.published import FOLDERS, published_splits, strictest
from bandmate_music.midi.write import write_midi
from bandmate_shared.contracts.datasets import Split
from bandmate_shared.objects.blobs import sha256_of
from bandmate_shared.objects.directory import DirectoryStorage
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.tunes import tune
from tests.unit.ingest.conftest import RULES, moved

Ingest = Callable[..., Built]


def splits_of(storage: DirectoryStorage, built: Built) -> dict[str, str]:
    rows = pq.read_table(storage.root / f"{built.written.prefix}/pieces.parquet").to_pylist()
    return {row["name"]: row["split"] for row in rows}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve tunes published in three splits, and twelve that were not."""
    for number in range(24):
        place = ("train", "Validation", "test")[number % 3] if number < 12 else "more"
        path = tmp_path / "folk" / place / f"{number:02}.mid"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(write_midi(tune(number)))
    return tmp_path / "folk"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a/train/x.mid", "a/valid/y.mid"], ["train", "valid"]),
        (["a/TRAIN/2004/x.mid", "a/Test/2005/y.mid", "a/z.mid"], ["train", "test", None]),
        (["a/training/x.mid", "a/val/y.mid", "a/dev/z.mid"], ["train", "valid", "valid"]),
        (["train/x.mid", "validation/y.mid"], ["train", "valid"]),
        # A folder can have such a name for other reasons.
        (["test/x.mid", "test/y.mid"], [None, None]),
        (["a/train/x.mid", "b/valid/y.mid"], [None, None]),
        (["valid/x.mid", "test/y.mid"], [None, None]),
        (["test/a/train/x.mid", "test/a/valid/y.mid", "test/z.mid"], ["train", "valid", None]),
        (["a/train.mid", "a/valid.mid", "x.mid"], [None, None, None]),
    ],
)
def test_folder_names_give_published_splits(names: list[str], expected: list[str | None]) -> None:
    assert published_splits(names) == expected


@given(
    st.lists(st.lists(st.sampled_from(["a", "b", *FOLDERS, "Train", "VAL"]), max_size=4).map("/".join), max_size=12),
    st.randoms(),
)
def test_published_splits_come_from_folders_and_not_from_the_order(folders: list[str], chance: object) -> None:
    names = [f"{folder}/{number}.mid".lstrip("/") for number, folder in enumerate(folders)]
    published = published_splits(names)
    for name, split in zip(names, published, strict=True):
        assert split is None or split in {FOLDERS.get(part) for part in name.lower().split("/")}
    assert len(set(published) - {None}) != 1, "a single split is not taken as one"
    assert published_splits(names[::-1]) == published[::-1]


class Relative(NamedTuple):
    """A made-up piece: shingles of a tune, some of them of another, and what is said of its split."""

    tune: int
    other: int
    share: int
    known: Split | None
    published: Split | None


splits = st.sampled_from(["train", "valid", "test", None])
relatives = st.lists(
    st.builds(Relative, st.integers(0, 4), st.integers(0, 4), st.integers(0, 40), st.none(), splits),
    min_size=1,
    max_size=14,
)


def sketch(relative: Relative, number: int) -> Hashes:
    """Of 40 shingles so many from another tune; two of its own, so that no two pieces are the same."""
    chosen = [relative.tune * 100 + shingle for shingle in range(relative.share, 40)]
    chosen += [relative.other * 100 + shingle for shingle in range(relative.share)] + [
        10_000 + 2 * number,
        10_001 + 2 * number,
    ]
    return np.array(sorted(set(chosen)), dtype=np.uint64)


class Outcome(NamedTuple):
    kept: list[int]
    split: dict[int, Split]


def decided(sketches: Sequence[Hashes], known: Sequence[Split | None], published: Sequence[Split | None]) -> Outcome:
    """What `assemble` makes of pieces."""
    relations = relate(sketches, known, RULES, published=published)
    indexes = [index for index, original in enumerate(relations.copy_of) if original < 0]
    place = {index: number for number, index in enumerate(indexes)}
    sha256s = [sha256_of(str(index).encode()) for index in indexes]
    assigned = assign_splits(
        sha256s,
        [place[relations.group[index]] for index in indexes],
        {sha: split for sha, index in zip(sha256s, indexes, strict=True) if (split := known[index]) is not None},
        [published[index] for index in indexes],
    )
    return Outcome(indexes, dict(zip(indexes, assigned, strict=True)))


def assert_no_kin_across(outcome: Outcome, sketches: Sequence[Hashes]) -> None:
    for place, index in enumerate(outcome.kept):
        for other in outcome.kept[:place]:
            if outcome.split[index] != outcome.split[other]:
                assert resemblance(sketches[index], sketches[other]) < RULES.group_similarity


@settings(deadline=None)
@given(relatives)
def test_no_related_pieces_lie_across_splits_and_published_splits_are_kept(pieces: list[Relative]) -> None:
    sketches = [sketch(piece, number) for number, piece in enumerate(pieces)]
    published = [piece.published for piece in pieces]
    outcome = decided(sketches, [None] * len(pieces), published)
    assert_no_kin_across(outcome, sketches)
    for index, piece in enumerate(pieces):
        if index in outcome.kept:
            assert piece.published is None or outcome.split[index] == piece.published
        else:
            # A piece is left out only for a related one whose split is as strict or stricter.
            stronger = [
                other for other in outcome.kept if strictest([published[other], piece.published]) == published[other]
            ]
            assert any(resemblance(sketches[index], sketches[other]) >= RULES.group_similarity for other in stronger)


@settings(deadline=None)
@given(relatives, relatives)
def test_more_pieces_change_no_split_and_leak_nothing(first: list[Relative], later: list[Relative]) -> None:
    pieces = first + later
    sketches = [sketch(piece, number) for number, piece in enumerate(pieces)]
    published = [piece.published for piece in pieces]
    before = decided(sketches[: len(first)], [None] * len(first), published[: len(first)])
    known = [before.split.get(index) for index in range(len(pieces))]
    after = decided(sketches, known, published)
    assert {index: after.split[index] for index in before.kept} == before.split
    assert_no_kin_across(after, sketches)
    again = decided(sketches, [after.split.get(index) for index in range(len(pieces))], published)
    assert again == after, "a repeated run changes nothing"


def test_pieces_stay_in_the_folders_they_came_in(ingest: Ingest, folder: Path, storage: DirectoryStorage) -> None:
    split_by_name = splits_of(storage, ingest(folder))
    assert len(split_by_name) == 24
    for name, split in split_by_name.items():
        place = name.split("/")[1]
        assert place == "more" or split == {"train": "train", "Validation": "valid", "test": "test"}[place]
    assert ingest(folder).report.files_processed == 0


def test_folders_may_be_given_one_by_one(ingest: Ingest, folder: Path, storage: DirectoryStorage) -> None:
    split_by_name = splits_of(storage, ingest(folder / "train", folder / "Validation"))
    assert {(name.split("/")[1], split) for name, split in split_by_name.items()} == {
        ("train", "train"),
        ("Validation", "valid"),
    }


def test_splits_by_hash_ignore_the_folders(ingest: Ingest, folder: Path, storage: DirectoryStorage) -> None:
    by_hash = splits_of(storage, ingest(folder, splits="hash"))
    alone = {file.name: assign_splits([sha256_of(file)], [0], {})[0] for file in folder.rglob("*.mid")}
    assert sum(alone[name.rsplit("/", 1)[1]] != split for name, split in by_hash.items()) <= 2
    (folder / "train" / "new.mid").write_bytes(write_midi(tune(77)))
    later = splits_of(storage, ingest(folder))
    assert {name: later[name] for name in by_hash} == by_hash, "pieces keep their splits"
    assert later["folk/train/new.mid"] == "train"


def test_copies_of_what_is_tested_on_are_not_trained_on(
    ingest: Ingest, folder: Path, storage: DirectoryStorage
) -> None:
    (folder / "train" / "00-same.mid").write_bytes((folder / "test" / "02.mid").read_bytes())
    (folder / "train" / "00-higher.mid").write_bytes(write_midi(moved(tune(5), semitones=3)))
    (folder / "train" / "00-slower.mid").write_bytes(write_midi(moved(tune(1), stretch=2.0)))
    built = ingest(folder / "train", folder / "Validation", folder / "test", folder / "more")
    rejections = {file.name: (file.reason, file.detail) for file in built.report.rejected}
    assert rejections == {
        "folk/test/02.mid": ("duplicate", "the same bytes as folk/train/00-same.mid"),
        "folk/train/00-higher.mid": ("near-duplicate", "the music of folk/test/05.mid (100% alike)"),
        "folk/train/00-slower.mid": ("near-duplicate", "the music of folk/Validation/01.mid (100% alike)"),
    }
    split_by_name = splits_of(storage, built)
    assert split_by_name["folk/train/00-same.mid"] == "test"
    assert split_by_name["folk/test/05.mid"] == "test"
    assert split_by_name["folk/Validation/01.mid"] == "valid"
    later = splits_of(storage, ingest(folder, folder / "more"))
    assert {name: later[name] for name in split_by_name} == split_by_name


def test_an_inventory_of_an_earlier_release_is_read(ingest: Ingest, folder: Path) -> None:
    table = pq.read_table(io.BytesIO(ingest(folder).files["files.parquet"]))
    sink = io.BytesIO()
    pq.write_table(table.drop_columns(["published"]), sink)
    now, before = read_inventory(_bytes(table)), read_inventory(sink.getvalue())
    assert {file.published for file in before} == {None}
    assert {file.published for file in now} == {"train", "valid", "test", None}
    assert [file.sha256 for file in before] == [file.sha256 for file in now]


def _bytes(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()
