"""Training as the container runs it, in folders laid out like /opt/ml: what comes out, stopping and going on."""

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bandmate_model.serving.loaded import LoadedModel
from bandmate_model.training import checkpoint
from bandmate_model.training.environment import MlFolders
from bandmate_model.training.learning import rate
from bandmate_model.training.options import TrainingOptions
from bandmate_model.training.samples import score_of
from bandmate_music.midi.read import read_midi
from bandmate_music.midi.write import write_midi
from bandmate_shared.contracts.composition import CompositionRequest
from bandmate_shared.settings import SharedSettings

from .conftest import After, write_hyperparameters

LIMITS = SharedSettings().file_limits
Train = Callable[..., int]
MODEL_FILES = {
    "model.safetensors",
    "config.json",
    "originality.safetensors",
    "metrics.json",
    "loss.png",
    "MODEL_CARD.md",
    "evaluation.json",
}


def bytes_of(root: Path) -> tuple[bytes, bytes]:
    """The weights of the model, and those that were best in training."""
    return (root / "model" / "model.safetensors").read_bytes(), (
        root / "checkpoints" / checkpoint.BEST_NAME
    ).read_bytes()


def test_a_job_trains_and_leaves_a_model(job: Any, train: Train, capsys: pytest.CaptureFixture[str]) -> None:
    root = job("whole", max_steps="8", evaluation_takes="1", samples="1", id="tiny")
    assert train(root) == 0, capsys.readouterr().err
    output = capsys.readouterr().out
    line = next(line for line in output.splitlines() if line.startswith("[metrics] step=8"))
    fields = dict(pair.split("=") for pair in line.removeprefix("[metrics] ").split())
    names = ["step", "epoch", "train_loss", "valid_loss", "tokens_per_second", "eta_seconds"]
    assert list(fields) == names, "one line, one pattern"
    assert all(float(fields[name]) >= 0 for name in names)
    model = root / "model"
    assert {path.name for path in model.iterdir()} == MODEL_FILES
    assert all(path.stat().st_mode & 0o777 == 0o644 for path in model.iterdir()), "the server may be another user"
    assert (model / "loss.png").read_bytes().startswith(b"\x89PNG")
    metrics = json.loads((model / "metrics.json").read_text())
    assert metrics["generated_valid_share"] == 1.0
    assert 0 < metrics["valid_loss"] < 30
    assert {"valid_loss_air", "valid_loss_jig"} <= set(metrics)
    assert all(isinstance(value, int | float) for value in metrics.values())
    loaded = LoadedModel.load(model)
    assert (loaded.info.styles, loaded.info.id) == (["air", "jig"], "tiny")
    config = json.loads((model / "config.json").read_text())
    assert config["hyperparameters"]["max_steps"] == 8
    assert set(config["statistics"]) == {"air", "jig"}
    assert len(config["dataset_sha256"]) == 64
    last = checkpoint.history(root / "checkpoints")[-1]
    assert {"valid_loss", "valid_loss_air", "valid_loss_jig"} <= set(last), "the loss of each style against steps"
    assert f" air={last['valid_loss_air']:.4f} jig={last['valid_loss_jig']:.4f}" in output
    assert (root / "output" / "data" / "metrics.json").is_file()
    assert not (root / "output" / "failure").exists()
    samples = sorted((root / "output" / "data" / "samples").iterdir())
    assert [path.name for path in samples] == ["step-4-air.mid", "step-8-jig.mid"], "the styles take turns"
    assert all(read_midi(path.read_bytes(), LIMITS).note_count for path in samples)


@pytest.mark.parametrize("family", ["transformer", "rnn"])
def test_a_stopped_run_goes_on_as_if_nothing_had_been(
    job: Any, train: Train, family: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bit for bit: the weights, the best weights so far, and every reported loss."""
    hyperparameters = {"architecture": family, "max_steps": "14", "dropout": "0.2", "patience": "9"}
    straight, stopped = job("straight", **hyperparameters), job("stopped", **hyperparameters)
    assert train(straight) == 0
    looks = 6 + 5  # Six while the pieces are read, then one a step: in the middle between two lines of metrics.
    assert train(stopped, After(looks)) == 0
    assert not (stopped / "model").exists(), "a stopped job has no model"
    assert "the checkpoint is written" in capsys.readouterr().out
    assert train(stopped) == 0
    assert "resuming at step 5" in capsys.readouterr().out
    assert bytes_of(straight) == bytes_of(stopped)
    histories = [checkpoint.history(root / "checkpoints") for root in (straight, stopped)]
    assert histories[0] == histories[1]
    assert len(histories[0]) == 7


def test_sigterm_ends_a_run_soon_and_in_order(job: Any, start: Any) -> None:
    root = job("long", max_steps="100000")
    process = start(root)
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("[metrics] step=4 "):
            process.send_signal(signal.SIGTERM)
            break
    sent = time.monotonic()
    output = "".join(lines) + process.communicate(timeout=60)[0]
    assert process.returncode == 0, output
    assert time.monotonic() - sent < 30, "SIGTERM has to end training within seconds"
    assert "the checkpoint is written" in output
    assert (root / "checkpoints" / checkpoint.FILE_NAME).is_file()
    assert not (root / "model").exists()


def test_weights_depend_on_the_seed_only(job: Any, train: Train) -> None:
    roots = [job(f"seed-{number}", max_steps="3", seed=seed) for number, seed in enumerate("112")]
    assert [train(root) for root in roots] == [0, 0, 0]
    first, again, other = (bytes_of(root)[0] for root in roots)
    assert first == again
    assert first != other


def test_a_run_that_gets_no_better_ends(job: Any, train: Train, capsys: pytest.CaptureFixture[str]) -> None:
    """At a tiny learning rate the loss does not improve after the first evaluation, within rounding."""
    root = job(
        "stale",
        max_steps="400",
        learning_rate="1.0",
        evaluate_steps="2",
        patience="3",
        optimizer="adamw",
        warmup_steps="0",
    )
    assert train(root) == 0
    rows = [row for row in checkpoint.history(root / "checkpoints") if "valid_loss" in row]
    best = min(range(len(rows)), key=lambda number: rows[number]["valid_loss"])
    assert len(rows) == best + 1 + 3, "three evaluations after the best one"
    assert rows[-1]["step"] < 400
    published_loss = json.loads((root / "model" / "metrics.json").read_text())["valid_loss"]
    assert published_loss == pytest.approx(rows[best]["valid_loss"], rel=0.02), (
        "the best weights are published, not the last"
    )


def test_the_learning_rate_rises_straight_and_falls_like_a_cosine() -> None:
    assert [rate(step, 0.0, 4) for step in range(4)] == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert rate(100, 0.5, 4) == pytest.approx(0.51)
    assert rate(100, 1.0, 4) == pytest.approx(0.02)
    assert rate(100, 1.5, 4) == pytest.approx(0.02)


def test_weights_of_another_model_can_be_the_start(
    job: Any, train: Train, write_dataset: Any, tunes: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = job("first", max_steps="2")
    assert train(first) == 0
    renamed = [piece | {"style": {"air": "jig", "jig": "waltz"}[piece["style"]]} for piece in tunes]
    second = job("second", write_dataset(tmp_path / "renamed", renamed), max_steps="1", learning_rate="1e-7", seed="2")
    (second / "input" / "data" / "initial").symlink_to(first / "model")
    capsys.readouterr()
    assert train(second) == 0
    weights, after = (load_file_floats(root) for root in (first, second))
    assert f"starting from the weights of a model: {len(weights)} tensors copied" in capsys.readouterr().out
    from bandmate_model.cells.vocabulary import STYLE

    name = "model.embed_tokens.weight"
    assert abs(after[name][STYLE.token(0)] - weights[name][STYLE.token(1)]).max() < 1e-2, "jig is still jig"
    assert abs(after[name][STYLE.token(1)] - weights[name][STYLE.token(1)]).max() > 1e-2, "waltz is new"


def load_file_floats(root: Path) -> dict[str, Any]:
    from safetensors.torch import load_file as load_tensors

    return {name: tensor.float() for name, tensor in load_tensors(root / "model" / "model.safetensors").items()}


def test_a_failing_sample_is_reported_and_the_training_goes_on(
    job: Any, train: Train, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(self: LoadedModel, request: CompositionRequest, check: object) -> None:
        raise MemoryError("no room for music")

    monkeypatch.setattr(LoadedModel, "answer", broken)
    root = job("silent", max_steps="4", samples="2")
    assert train(root) == 0
    assert "no sample at step 4: MemoryError: no room for music" in capsys.readouterr().out
    assert (root / "model" / "model.safetensors").is_file()


def test_a_take_as_midi_keeps_its_parts_tempo_and_metre() -> None:
    request = CompositionRequest.model_validate(
        {
            "style": "air",
            "tonic": 2,
            "mode": "minor",
            "numerator": 3,
            "denominator": 4,
            "bars": 1,
            "tempo": 88.0,
            "parts": [
                {"name": "Flute", "role": "melody", "program": 73},
                {"name": "Kit", "role": "drums", "program": 0, "is_drum": True},
            ],
            "seeds": [1],
        }
    )
    score = read_midi(write_midi(score_of(request, [(0, 0, 24, 74, 90), (1, 24, 6, 36, 70)])), LIMITS)
    assert [(part.name, part.is_drum, part.notes.pitch.tolist()) for part in score.parts] == [
        ("Flute", False, [74]),
        ("Kit", True, [36]),
    ]
    assert score.tempi[0].tempo == pytest.approx(88, abs=0.01)
    assert (score.metres[0].metre.numerator, score.keys[0].key.name) == (3, "D minor")


def test_a_run_in_bfloat16_learns_too(job: Any, train: Train) -> None:
    root = job("half", max_steps="24", precision="bfloat16", evaluate_steps="2")
    assert train(root) == 0
    losses = [row["valid_loss"] for row in checkpoint.history(root / "checkpoints")]
    assert losses[-1] < losses[0] - 1


@pytest.mark.parametrize(
    ("hyperparameters", "reason"),
    [
        ({"hiden": "8"}, "unknown hyperparameter 'hiden'; those of the transformer are architecture, augment, band"),
        ({"architecture": "rnn", "heads": "2"}, "unknown hyperparameter 'heads'; those of the rnn are architecture"),
        ({"hidden": "many"}, "hyperparameter hidden='many' is no whole number"),
        ({"learning_rate": "nan"}, "hyperparameter learning_rate=nan: it has to lie in 1e-07..1.0"),
        ({"dropout": "1.5"}, "dropout=1.5: it has to lie in 0.0..0.9"),
        ({"architecture": "oracle"}, "unknown architecture 'oracle'; there is transformer, rnn, gan"),
        ({"band": "song"}, "write songs+drums=band"),
        ({"precision": "int4"}, "precision='int4'; write auto, float32 or bfloat16"),
        ({"device": "tpu"}, "device='tpu'; write auto, cpu or cuda"),
    ],
)
def test_bad_hyperparameters_are_explained(hyperparameters: dict[str, str], reason: str) -> None:
    with pytest.raises(ValueError, match=r".") as raised:
        TrainingOptions.parse(hyperparameters)
    assert reason in str(raised.value)


def test_families_have_defaults_of_their_own_and_sdk_spellings_are_understood() -> None:
    options = TrainingOptions.parse({"architecture": '"rnn"', "streams": "32", "sagemaker_program": "x"})
    assert (options.architecture, options.streams, options.hidden, options.layers) == ("rnn", 32, 512, 2)
    assert TrainingOptions.parse({}).architecture == "transformer"


def test_what_has_no_effect_on_the_weights_may_change_when_a_run_goes_on(job: Any, train: Train) -> None:
    root = job("moved", max_steps="6")
    assert train(root, After(10)) == 0
    write_hyperparameters(root, max_steps="6", threads="2", log_steps="1", id="another")
    assert train(root) == 0
    assert json.loads((root / "model" / "config.json").read_text())["id"] == "another"


def test_hyperparameters_have_to_be_strings(tmp_path: Path) -> None:
    (tmp_path / "input" / "config").mkdir(parents=True)
    (tmp_path / "input" / "config" / "hyperparameters.json").write_text('{"hidden": 8}')
    with pytest.raises(ValueError, match="values are all strings"):
        MlFolders(tmp_path).hyperparameters()


def test_the_failure_reason_is_cut(tmp_path: Path) -> None:
    MlFolders(tmp_path).write_failure("x" * 5000)
    assert len((tmp_path / "output" / "failure").read_text()) == 1024
