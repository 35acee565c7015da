"""The numpy runtime is the torch network, step by step."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from bandmate_model.architectures import Hyperparameters, Vocabulary
from bandmate_model.architectures.rnn import Composer
from bandmate_model.batches import condition
from bandmate_model.context import NOTE_FEATURES, STEP_FEATURES, note_without_lags, without_lags
from bandmate_model.data import build, read_pieces
from bandmate_model.runtime import ModelInfo, ModelUnusable, Network


def test_numpy_equals_torch(dataset: Path, tmp_path: Path) -> None:
    """All logits of all fields within 1e-4 along a real piece."""
    training = build(lambda: read_pieces(dataset), tmp_path)
    piece = training.pieces[0]
    rows = np.array(training.rows[piece.start : piece.start + min(piece.length, 150)])
    conditions = condition(piece, ["chorale", "song"])
    torch.manual_seed(3)
    reference = Composer(Vocabulary(("chorale", "song")), Hyperparameters(hidden=40, layers=3, head=24)).eval()
    with torch.no_grad():
        tensor = torch.from_numpy(rows)[None].long()
        hidden, _ = reference.lstm(reference.inputs(tensor, torch.from_numpy(conditions)[None]))
        expected = [logits[0].numpy() for logits in reference.logits(tensor, hidden)]
    weights = {name: value.numpy() for name, value in reference.state_dict().items()}
    info = ModelInfo("m", "0", {"styles": ["chorale", "song"], "network": {"layers": 3}})
    network = Network(weights, info)

    state = network.start(style=0, mode=int(conditions[1]), tempo=int(conditions[2]), slots=piece.slots)
    split = len(STEP_FEATURES), len(STEP_FEATURES) + len(NOTE_FEATURES)
    for step, row in enumerate(rows.tolist()):
        features, note = row[: split[0]], row[split[0] : split[1]]
        time, slot, duration, pitch, _, position, _ = row[split[1] :]
        output = network.step(state, features)
        heads = network.heads(output)
        found = [network.time_logits(output, features)]
        if slot:
            found += [
                network.slot_logits(heads, features, time, position),
                network.duration_logits(heads, note, position, slot),
                network.pitch_logits(heads, note, position, slot, duration),
                network.velocity_logits(heads, position, pitch),
            ]
        for field, logits in enumerate(found):
            np.testing.assert_allclose(logits, expected[field][step], atol=1e-4, err_msg=f"step {step} field {field}")


def test_a_folder_without_weights_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelUnusable, match=r"holds no model\.safetensors"):
        Network.load(tmp_path)


@pytest.mark.parametrize("damage", ["truncated", "not-json", "other-architecture", "other-styles"])
def test_a_broken_model_is_refused(random_model: Path, tmp_path: Path, damage: str) -> None:
    config = json.loads((random_model / "config.json").read_text())
    weights = (random_model / "model.safetensors").read_bytes()
    if damage == "other-architecture":
        config["architecture"] = "oracle"
    if damage == "other-styles":
        config["styles"] = ["one"]
    (tmp_path / "config.json").write_text("{" if damage == "not-json" else json.dumps(config))
    (tmp_path / "model.safetensors").write_bytes(weights[: len(weights) // 2] if damage == "truncated" else weights)
    with pytest.raises(ModelUnusable):
        Network.load(tmp_path)


def test_hiding_the_lags_is_what_training_does(dataset: Path, tmp_path: Path) -> None:
    """What the runtime shows a network that may not copy is what training shows it with every lag dropped."""
    training = build(lambda: read_pieces(dataset), tmp_path)
    rows = np.array(training.rows[:200])
    network = Composer(Vocabulary(("chorale",)), Hyperparameters(hidden=8, head=8, lag_dropout=1.0)).train()
    hidden = network._forget_lags(torch.from_numpy(rows)[None])[0].numpy()
    first, last = len(STEP_FEATURES), len(STEP_FEATURES) + len(NOTE_FEATURES)
    for row, expected in zip(rows.tolist(), hidden.tolist(), strict=True):
        assert without_lags(row[:first]) == expected[:first]
        assert note_without_lags(row[first:last]) == expected[first:last]
