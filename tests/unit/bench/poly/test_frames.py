"""The set files: read as written, and refused with a reason."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bandmate_bench.poly.frames import KEYS, LOWEST, read_split
from bandmate_shared.errors import NotFound, UnreadableFile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FRAMES = st.lists(st.sets(st.integers(LOWEST, LOWEST + KEYS - 1), max_size=6).map(sorted), max_size=5)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(FRAMES, min_size=1, max_size=4))
def test_read_as_written(tmp_path: Path, pieces: list[list[list[int]]]) -> None:
    (tmp_path / "own.json.gz").write_bytes(gzip.compress(json.dumps({"train": pieces}).encode()))
    split = read_split(tmp_path, "own", "train")
    assert [[(np.flatnonzero(frame) + LOWEST).tolist() for frame in roll] for roll in split.pieces] == pieces
    assert len(split.scored) == sum(max(0, len(piece) - 1) for piece in pieces)
    assert split.positions.tolist() == [t for piece in pieces for t in range(len(piece))]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ([[[60]]], "no object of splits"),
        ({"train": []}, "non-empty list of pieces"),
        ({"train": {"a": 1}}, "non-empty list of pieces"),
        ({"train": [7]}, "piece 0: a list of frames"),
        ({"train": [[[60], 7]]}, "piece 0, frame 1: a list of whole pitches"),
        ({"train": [[[60.5]]]}, "whole pitches"),
        ({"train": [[[True]]]}, "whole pitches"),
        ({"train": [[[20]]]}, "pitches are 21-108"),
        ({"train": [[[60], [109]]]}, "frame 1: pitches are 21-108"),
        ({"train": [[[60, 60]]]}, "twice"),
    ],
)
def test_a_wrong_file_is_refused_with_its_place(tmp_path: Path, content: Any, reason: str) -> None:
    (tmp_path / "own.json.gz").write_bytes(gzip.compress(json.dumps(content).encode()))
    with pytest.raises(UnreadableFile, match=reason):
        read_split(tmp_path, "own", "train")


@pytest.mark.parametrize(
    "data",
    [b"", b"[1]", gzip.compress(b"{"), gzip.compress(b"{}" * 99)[:-9], gzip.compress(b"\xff")],
    ids=["empty", "plain", "half a dictionary", "cut off", "no text"],  # A gzip file names the second it was made in.
)
def test_no_gzipped_json(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "own.json.gz").write_bytes(data)
    with pytest.raises(UnreadableFile, match=r"own\.json\.gz is not gzipped JSON"):
        read_split(tmp_path, "own", "train")


def test_missing_files_and_splits_are_named(
    tmp_path: Path, write_set: Callable[..., None], piece: Callable[..., Any]
) -> None:
    with pytest.raises(NotFound, match=r"jsb\.json\.gz is not there"):
        read_split(tmp_path, "jsb", "train")
    write_set(tmp_path, "jsb", {"train": [piece(1, 3)], "valid": [piece(2, 3)]})
    with pytest.raises(NotFound, match="no split 'test', only train, valid"):
        read_split(tmp_path, "jsb", "test")
