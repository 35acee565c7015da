"""Packs on disk are read as pieces, as in a dataset; files without music are left out, other folders are refused."""

from pathlib import Path

import pytest
from bandmate_bench.judging.packs import find_packs, read_pack
from bandmate_shared.errors import InvalidRequest, NotFound


def test_packs_are_known_by_their_names_or_named_for_their_style(packs: Path) -> None:
    assert find_packs(packs, "valid") == {"chorale": packs / "js_fakes", "jigs": packs / "jigs"}
    with pytest.raises(InvalidRequest, match="folders train and test"):
        find_packs(packs, "test")
    with pytest.raises(NotFound):
        find_packs(packs / "nowhere", "valid")


def test_pieces_are_cleaned_and_broken_files_left_out(packs: Path) -> None:
    progress_calls: list[tuple[int, int]] = []
    pieces = read_pack(
        packs / "jigs", "jigs", "train", progress=lambda done, total: progress_calls.append((done, total))
    )
    assert [piece.name for piece in pieces] == [f"tune-{number}" for number in range(6)]
    assert progress_calls[-1] == (7, 7)
    piece = pieces[0]
    assert (piece.style, piece.split, piece.tempo, len(piece.parts)) == ("jigs", "train", 96.0, 4)
    assert set(piece.bars) == {(96, 4, 4)}
    assert (piece.tonic, piece.mode) == (2, "major")
    assert sorted(map(tuple, piece.notes[:, :4].tolist())) == [tuple(row) for row in piece.notes[:, :4].tolist()]


def test_fewer_are_drawn_by_the_seed(packs: Path) -> None:
    drawn, again, other = (
        [piece.name for piece in read_pack(packs / "jigs", "jigs", "train", most=3, seed=seed)] for seed in (1, 1, 2)
    )
    assert len(drawn) == 3
    assert drawn == again != other


def test_a_folder_without_music_is_refused(tmp_path: Path) -> None:
    for split in ("train", "valid"):
        (tmp_path / "pack" / split).mkdir(parents=True)
    (tmp_path / "pack" / "train" / "x.mid").write_bytes(b"")
    with pytest.raises(InvalidRequest, match="not one file"):
        read_pack(tmp_path / "pack", "pack", "train")
