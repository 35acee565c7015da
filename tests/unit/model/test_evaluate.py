"""After training: numbers, evaluation.json, and from these a page that can be read and heard without a network."""

import base64
import io
import json
import math
import re
import wave
from pathlib import Path

import numpy as np
import pytest
from bandmate_model.cells.training_set import TrainingSet, build
from bandmate_model.data.read_dataset import read_pieces
from bandmate_model.evaluation.compose_all import compose_all
from bandmate_model.evaluation.evaluate import evaluate
from bandmate_model.evaluation.page import evaluation_page
from bandmate_model.evaluation.passages import draw
from bandmate_model.evaluation.tone_synthesis import SAMPLE_RATE, data_uri, render
from bandmate_model.serving.loaded import LoadedModel
from bandmate_shared.contracts.composition import CompositionRequest


@pytest.fixture(scope="module")
def training(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainingSet:
    return build(lambda: read_pieces(dataset), tmp_path_factory.mktemp("cells"))


def test_the_page_and_the_numbers_say_the_same(random_model: Path, training: TrainingSet, tmp_path: Path) -> None:
    model = LoadedModel.load(random_model)
    numbers = evaluate(model, training, 3, tmp_path, {"valid_loss": 4.25})
    assert all(math.isfinite(value) for value in numbers.values())
    assert numbers["generated_valid_share"] == 1, "the rules hold for a model with random weights, too"
    assert numbers["generated_sound_share"] == 1
    assert 0 <= numbers["overlap"] < 1
    assert numbers["chorale.overlap_of_training"] > numbers["chorale.overlap"], (
        "noise resembles Bach less than Bach does"
    )
    evaluation = json.loads((tmp_path / "evaluation.json").read_text())
    assert evaluation["metrics"] == {"valid_loss": 4.25, **numbers}
    chorale = evaluation["styles"]["chorale"]
    assert chorale["takes"] == 3
    assert len(chorale["composed"]["likeness"]) == 9
    requests = [CompositionRequest.model_validate(row) for row in chorale["samples"]]
    samples = list(zip(requests, compose_all(model, requests), strict=True))
    page = evaluation_page("tiny & small", evaluation, {"chorale": samples})
    assert "Evaluation of tiny &amp; small" in page
    assert "valid_loss" in page
    assert page.count("<audio") == page.count("<svg") == 2
    assert not re.search(r"(?:src|href)=[\"']?(?!data:)", page.replace('src="data:', "")), (
        "the page needs no other file"
    )
    assert "http" not in page
    assert page.count("<h2>") == 1
    again = evaluate(model, training, 3)
    assert again == numbers, "the same model gives the same numbers"


def test_without_takes_only_the_losses_are_reported(random_model: Path, training: TrainingSet, tmp_path: Path) -> None:
    assert evaluate(LoadedModel.load(random_model), training, 0, tmp_path, {"valid_loss": 1.0}) == {}
    assert json.loads((tmp_path / "evaluation.json").read_text())["metrics"] == {"valid_loss": 1.0}
    assert "valid_loss" in evaluation_page("tiny", json.loads((tmp_path / "evaluation.json").read_text()), {})


def test_the_audio_on_the_page_is_the_written_music(dataset: Path) -> None:
    request = draw(list(read_pieces(dataset)), 1, 4, seed=1)[0].request(1)
    second = 24 * request.tempo / 60
    sound = render(request, [(0, 0, round(second), 69, 100)])
    with wave.open(io.BytesIO(base64.b64decode(data_uri(sound).split(",")[1]))) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (1, SAMPLE_RATE, 1)
        samples = np.frombuffer(file.readframes(file.getnframes()), np.uint8).astype(float) - 128
    spectrum = np.abs(np.fft.rfft(samples[:SAMPLE_RATE]))
    assert np.argmax(spectrum) == pytest.approx(440, abs=2)
    assert not render(request, []).any()
