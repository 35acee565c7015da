"""Splits that a collection brings along are kept, and nothing that is trained on tells of what is tested on."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bandmate_ingest.build import Built
from bandmate_ingest.duplicates import relate, resemblance
from bandmate_ingest.fingerprint import Hashes
from bandmate_ingest.incremental import read_inventory
from bandmate_ingest.published import FOLDERS, farthest, published_splits
from bandmate_ingest.splits import assign_splits
from bandmate_shared.contracts.datasets import Split
from bandmate_shared.music.midi_write import write_midi
from bandmate_shared.storage import DirectoryStorage, sha256_of
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tunes import tune
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
    ("names", "said"),
    [
        (["a/train/x.mid", "a/valid/y.mid"], ["train", "valid"]),
        (["a/TRAIN/2004/x.mid", "a/Test/2005/y.mid", "a/z.mid"], ["train", "test", None]),
        (["a/training/x.mid", "a/val/y.mid", "a/dev/z.mid"], ["train", "valid", "valid"]),
        (["train/x.mid", "validation/y.mid"], ["train", "valid"]),
        # A folder may be called so for other reasons.
        (["test/x.mid", "test/y.mid"], [None, None]),
        (["a/train/x.mid", "b/valid/y.mid"], [None, None]),
        (["valid/x.mid", "test/y.mid"], [None, None]),
        (["test/a/train/x.mid", "test/a/valid/y.mid", "test/z.mid"], ["train", "valid", None]),
        (["a/train.mid", "a/valid.mid", "x.mid"], [None, None, None]),
    ],
)
def test_what_folders_say(names: list[str], said: list[str | None]) -> None:
    assert published_splits(names) == said


@given(
    st.lists(st.lists(st.sampled_from(["a", "b", *FOLDERS, "Train", "VAL"]), max_size=4).map("/".join), max_size=12),
    st.randoms(),
)
def test_what_is_said_is_said_by_a_folder_and_by_no_order(folders: list[str], chance: object) -> None:
    names = [f"{folder}/{number}.mid".lstrip("/") for number, folder in enumerate(folders)]
    said = published_splits(names)
    for name, split in zip(names, said, strict=True):
        assert split is None or split in {FOLDERS.get(part) for part in name.lower().split("/")}
    assert len(set(said) - {None}) != 1, "one split alone is none"
    assert published_splits(names[::-1]) == said[::-1]


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


def sketch(one: Relative, number: int) -> Hashes:
    """Of 40 shingles so many from another tune; two of its own, so that no two pieces are the same."""
    chosen = [one.tune * 100 + shingle for shingle in range(one.share, 40)]
    chosen += [one.other * 100 + shingle for shingle in range(one.share)] + [10_000 + 2 * number, 10_001 + 2 * number]
    return np.array(sorted(set(chosen)), dtype=np.uint64)


class Outcome(NamedTuple):
    kept: list[int]
    split: dict[int, Split]


def decided(sketches: Sequence[Hashes], known: Sequence[Split | None], said: Sequence[Split | None]) -> Outcome:
    """What `assemble` makes of pieces."""
    relations = relate(sketches, known, RULES, published=said)
    kept = [index for index, original in enumerate(relations.copy_of) if original < 0]
    place = {index: number for number, index in enumerate(kept)}
    sha256s = [sha256_of(str(index).encode()) for index in kept]
    assigned = assign_splits(
        sha256s,
        [place[relations.group[index]] for index in kept],
        {sha: split for sha, index in zip(sha256s, kept, strict=True) if (split := known[index]) is not None},
        [said[index] for index in kept],
    )
    return Outcome(kept, dict(zip(kept, assigned, strict=True)))


def assert_no_kin_across(outcome: Outcome, sketches: Sequence[Hashes]) -> None:
    for place, one in enumerate(outcome.kept):
        for other in outcome.kept[:place]:
            if outcome.split[one] != outcome.split[other]:
                assert resemblance(sketches[one], sketches[other]) < RULES.group_similarity


@settings(deadline=None)
@given(relatives)
def test_no_kin_across_splits_and_published_ones_are_kept(pieces: list[Relative]) -> None:
    sketches = [sketch(piece, number) for number, piece in enumerate(pieces)]
    said = [piece.published for piece in pieces]
    outcome = decided(sketches, [None] * len(pieces), said)
    assert_no_kin_across(outcome, sketches)
    for index, piece in enumerate(pieces):
        if index in outcome.kept:
            assert piece.published is None or outcome.split[index] == piece.published
        else:
            # What is left out yields to something kept that is no nearer to the training.
            stronger = [other for other in outcome.kept if farthest([said[other], piece.published]) == said[other]]
            assert any(resemblance(sketches[index], sketches[other]) >= RULES.group_similarity for other in stronger)


@settings(deadline=None)
@given(relatives, relatives)
def test_more_pieces_change_no_split_and_still_tell_nothing(first: list[Relative], more: list[Relative]) -> None:
    pieces = first + more
    sketches = [sketch(piece, number) for number, piece in enumerate(pieces)]
    said = [piece.published for piece in pieces]
    before = decided(sketches[: len(first)], [None] * len(first), said[: len(first)])
    known = [before.split.get(index) for index in range(len(pieces))]
    after = decided(sketches, known, said)
    assert {index: after.split[index] for index in before.kept} == before.split
    assert_no_kin_across(after, sketches)
    again = decided(sketches, [after.split.get(index) for index in range(len(pieces))], said)
    assert again == after, "asking again changes nothing"


def test_pieces_stay_in_the_folders_they_came_in(ingest: Ingest, folder: Path, storage: DirectoryStorage) -> None:
    found = splits_of(storage, ingest(folder))
    assert len(found) == 24
    for name, split in found.items():
        place = name.split("/")[1]
        assert place == "more" or split == {"train": "train", "Validation": "valid", "test": "test"}[place]
    assert ingest(folder).report.files_processed == 0


def test_folders_may_be_given_one_by_one(ingest: Ingest, folder: Path, storage: DirectoryStorage) -> None:
    found = splits_of(storage, ingest(folder / "train", folder / "Validation"))
    assert {(name.split("/")[1], split) for name, split in found.items()} == {
        ("train", "train"),
        ("Validation", "valid"),
    }


def test_folders_need_not_be_heard(ingest: Ingest, folder: Path, storage: DirectoryStorage) -> None:
    by_hash = splits_of(storage, ingest(folder, splits="hash"))
    alone = {file.name: assign_splits([sha256_of(file)], [0], {})[0] for file in folder.rglob("*.mid")}
    assert sum(alone[name.rsplit("/", 1)[1]] != split for name, split in by_hash.items()) <= 2
    (folder / "train" / "new.mid").write_bytes(write_midi(tune(77)))
    later = splits_of(storage, ingest(folder))
    assert {name: later[name] for name in by_hash} == by_hash, "what had a split keeps it"
    assert later["folk/train/new.mid"] == "train"


def test_copies_of_what_is_tested_on_are_not_trained_on(
    ingest: Ingest, folder: Path, storage: DirectoryStorage
) -> None:
    (folder / "train" / "00-same.mid").write_bytes((folder / "test" / "02.mid").read_bytes())
    (folder / "train" / "00-higher.mid").write_bytes(write_midi(moved(tune(5), semitones=3)))
    (folder / "train" / "00-slower.mid").write_bytes(write_midi(moved(tune(1), stretch=2.0)))
    built = ingest(folder / "train", folder / "Validation", folder / "test", folder / "more")
    told = {file.name: (file.reason, file.detail) for file in built.report.rejected}
    assert told == {
        "folk/test/02.mid": ("duplicate", "the same bytes as folk/train/00-same.mid"),
        "folk/train/00-higher.mid": ("near-duplicate", "the music of folk/test/05.mid (100% alike)"),
        "folk/train/00-slower.mid": ("near-duplicate", "the music of folk/Validation/01.mid (100% alike)"),
    }
    found = splits_of(storage, built)
    assert found["folk/train/00-same.mid"] == "test"
    assert found["folk/test/05.mid"] == "test"
    assert found["folk/Validation/01.mid"] == "valid"
    later = splits_of(storage, ingest(folder, folder / "more"))
    assert {name: later[name] for name in found} == found


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
