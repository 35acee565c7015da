"""Packed rows: the loss of a token depends on its own document only."""

from pathlib import Path

import numpy as np
import pytest
import torch
from bandmate_model.architectures.base import Hyperparameters
from bandmate_model.architectures.open import architecture
from bandmate_model.cells.batches import Batch, Streams, transposed, validation_runs
from bandmate_model.cells.training_set import TrainingSet, build
from bandmate_model.cells.vocabulary import PAD, START, STYLE, TEMPO
from bandmate_model.data.read_dataset import read_pieces
from bandmate_model.model_files import TOKEN_ARCHITECTURES


@pytest.fixture(scope="module")
def training(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainingSet:
    return build(lambda: read_pieces(dataset), tmp_path_factory.mktemp("cells"))


def streams(training: TrainingSet, **options: float) -> Streams:
    settings = {"lanes": 3, "length": 700, "seed": 5, "mix_power": 1.0, "styles": training.styles} | options
    return Streams(training, **settings)  # type: ignore[arg-type]


def losses(network: torch.nn.Module, batch: Batch) -> list[torch.Tensor]:
    """The losses of each row's weighted targets."""
    tokens, weights = torch.from_numpy(batch.tokens).long(), torch.from_numpy(batch.weights)
    counted = weights > 0
    with torch.no_grad():
        token_losses = network(tokens[:, :-1], torch.from_numpy(batch.documents), tokens[:, 1:], counted)
    return list(token_losses.split(counted.sum(1).tolist()))


@pytest.mark.parametrize("name", TOKEN_ARCHITECTURES)
def test_a_loss_depends_neither_on_the_other_documents_of_a_row_nor_on_padding(
    training: TrainingSet, name: str
) -> None:
    torch.manual_seed(3)
    sizes = Hyperparameters(hidden=32, layers=2, heads=2, feedforward=48, dropout=0.0)
    network = architecture(name).build(sizes).eval()
    batch = streams(training, augment=0.0).draw()
    row = batch.only(slice(0, 1))
    before = losses(network, row)[0]
    documents = row.documents[0]
    second = documents == 1
    assert (documents == 0).sum() > 50
    assert second.sum() > 50, "the row has to hold two documents"
    changed = Batch(row.tokens.copy(), row.weights, row.documents, 0, 0)
    first = np.flatnonzero(documents == 0)[1:]
    changed.tokens[0, first] = np.random.default_rng(1).integers(300, 600, len(first))
    after = losses(network, changed)[0]
    place = np.flatnonzero(row.weights[0] > 0)
    second_rows = torch.from_numpy(second[place])
    torch.testing.assert_close(after[second_rows], before[second_rows], atol=1e-5, rtol=1e-5)
    assert not torch.allclose(after[~second_rows], before[~second_rows], atol=1e-2), (
        "the first document itself has changed"
    )

    alone = Batch(
        np.full((1, 901), PAD, np.int16), np.zeros((1, 900), np.float32), np.full((1, 900), -1, np.int16), 0, 0
    )
    size = int(second.sum())
    start = int(np.flatnonzero(second)[0])
    alone.tokens[0, : size + 1] = row.tokens[0, start : start + size + 1]
    alone.documents[0, :size] = 0
    alone.weights[0, : size - 1] = row.weights[0, start : start + size - 1]
    weighted = torch.from_numpy(row.weights[0, start : start + size - 1] > 0).sum()
    torch.testing.assert_close(losses(network, alone)[0], before[second_rows][:weighted], atol=1e-5, rtol=1e-5)


def test_rows_are_packed_and_every_document_begins_with_a_header(training: TrainingSet) -> None:
    batch = streams(training).draw()
    assert (batch.documents >= 0).mean() > 0.8, "little is padded"
    for tokens, documents in zip(batch.tokens[:, :-1], batch.documents, strict=True):
        for number in range(documents.max() + 1):
            first = int(np.flatnonzero(documents == number)[0])
            assert tokens[first] in (START, START + 1)
            assert int(tokens[first + 1]) in STYLE
    assert (batch.tokens[:, :-1][batch.documents < 0] == PAD).all()
    targets = batch.tokens[:, 1:][batch.weights > 0]
    assert not np.isin(targets, [PAD, START]).any()


def test_streams_go_on_where_they_stood(training: TrainingSet) -> None:
    first_stream, second_stream = streams(training), streams(training)
    for _ in range(4):
        first_stream.draw()
    second_stream.seek(first_stream.position())
    for _ in range(4):
        np.testing.assert_array_equal(first_stream.draw().tokens, second_stream.draw().tokens)


def test_every_training_piece_is_seen_and_none_of_the_others(training: TrainingSet) -> None:
    drawn = streams(training)
    while drawn.epoch < 2:
        drawn.draw()
    seen = {training.pieces[index].name for index in drawn._order}
    assert seen == {training.pieces[index].name for index in training.split("train")}


def test_some_pieces_are_told_to_be_faster_or_slower(training: TrainingSet) -> None:
    def tempi(share: float) -> set[int]:
        drawn = streams(training, augment=share)
        tokens = np.concatenate([drawn.draw().tokens.ravel() for _ in range(4)])
        return {int(token) for token in tokens if int(token) in TEMPO}

    assert tempi(1.0) - tempi(0.0)


def test_a_piece_moved_by_an_octave_keeps_its_drums(training: TrainingSet) -> None:
    piece = training[0]
    higher = transposed(piece, 12)
    np.testing.assert_array_equal(higher.notes[:, 4], piece.notes[:, 4] + 12)
    assert higher.registers == tuple(register + 1 for register in piece.registers)
    assert transposed(piece, 120) is piece, "there are no such pitches"
    drawn = streams(training, octaves=1.0).draw(), streams(training).draw()
    assert not np.array_equal(drawn[0].tokens, drawn[1].tokens)


def test_validation_counts_every_note_of_its_windows_once(training: TrainingSet) -> None:
    runs = validation_runs(training, lanes=2, length=4000, styles=training.styles, tokens_per_style=100_000)
    assert [run.style for run in runs] == ["air", "jig"]
    for run in runs:
        valid_pieces = [
            training[index] for index in training.split("valid") if training.pieces[index].style == run.style
        ]
        assert sum(batch.notes for batch in run.batches) == sum(len(piece.notes) for piece in valid_pieces)
