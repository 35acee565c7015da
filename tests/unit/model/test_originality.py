"""Copies are found in any key and at any place; new music is not reported."""

from pathlib import Path

import numpy as np
import pytest
from bandmate_model.cells.training_set import build
from bandmate_model.checks.originality import NGRAM_NOTES, OriginalityIndex, build_index, top_line
from bandmate_model.data.read_dataset import read_pieces


@pytest.fixture(scope="session")
def index(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> OriginalityIndex:
    return build_index(build(lambda: read_pieces(dataset), tmp_path_factory.mktemp("rows")))


def soprano(chorales: list[dict], number: int) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    rows = np.array([row for row in chorales[number]["notes"] if row[0] == 0])
    return top_line(rows[:, 1] // 2, rows[:, 3])


def test_a_transposed_passage_is_found(index: OriginalityIndex, chorales: list[dict]) -> None:  # type: ignore[type-arg]
    onsets, pitches = soprano(chorales, 0)
    result = index.compare([(onsets[4:24] - onsets[4] + 36, pitches[4:24] + 3)])
    assert result.nearest_piece == "bwv253"
    assert result.longest_match_notes >= 15
    assert result.seen_share >= 0.9


def test_validation_pieces_are_not_in_the_index(index: OriginalityIndex) -> None:
    assert index.names == ["bwv253", "bwv254", "bwv256", "bwv257"]


def test_random_music_is_original(index: OriginalityIndex, generator: np.random.Generator) -> None:
    pitches = generator.integers(48, 80, 400)
    onsets = np.cumsum(generator.integers(1, 24, 400))
    result = index.compare([(onsets, pitches)])
    assert result.seen_share == 0
    assert result.nearest_piece is None


def test_other_rhythm_is_another_melody(index: OriginalityIndex, chorales: list[dict]) -> None:  # type: ignore[type-arg]
    onsets, pitches = soprano(chorales, 0)
    stretched = np.cumsum(np.arange(len(onsets)) % 5 * 7 + 3)
    assert index.compare([(stretched, pitches)]).longest_match_notes <= NGRAM_NOTES


def test_the_index_can_be_saved_and_loaded(index: OriginalityIndex, tmp_path: Path) -> None:
    index.save(tmp_path)
    again = OriginalityIndex.load(tmp_path)
    assert again is not None
    assert (again.hashes == index.hashes).all()
    assert again.names == index.names
    assert OriginalityIndex.load(tmp_path / "nowhere") is None


def test_short_lines_have_no_ngrams(index: OriginalityIndex) -> None:
    result = index.compare([(np.arange(3), np.array([60, 62, 64]))])
    assert (result.seen_share, result.longest_match_notes, result.ngram_notes) == (0.0, 0, NGRAM_NOTES)
