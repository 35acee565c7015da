"""The benchmark as a whole: training, scoring, output files, kept networks, refused input."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from bandmate_bench.poly import bench
from bandmate_bench.poly.fit import Clock, TrainingFailed, fit, shape_for
from bandmate_bench.poly.frames import Roll, Split, join
from bandmate_bench.poly.history import build_history
from bandmate_bench.poly.recipes import RECIPES, Recipe
from bandmate_bench.poly.results import Wish, as_json, rows, write_per_frame
from bandmate_bench.poly.score import nats
from bandmate_shared.errors import Conflict, InvalidRequest, NotFound, UnreadableFile

SMALL = Recipe(members=2, epochs=6, dropout=0.1, hidden_lags=0.1, width=8, kernel=3, rate=5e-3)
Make = Callable[..., Roll]


@pytest.fixture
def data(tmp_path: Path, write_set: Callable[..., None], piece: Make, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two small sets."""
    monkeypatch.setattr(bench, "OTHER", SMALL)
    for number, name in enumerate(("one", "two")):
        rolls = [piece(10 * number + n, 60, 30, 12) for n in range(4)]
        write_set(tmp_path, name, {"train": rolls[:2], "valid": rolls[2:3], "test": rolls[3:]})
    return tmp_path


def quiet(_: str) -> None:
    pass


def test_numbers_files_and_table_agree(data: Path, tmp_path: Path) -> None:
    wish = Wish(data, ("one", "two"), minutes=1)
    lines: list[str] = []
    scored = bench.measure(wish, lines.append)
    write_per_frame(tmp_path / "out" / "frames.npz", scored)
    document = as_json(wish, scored)
    json.dumps(document)
    with np.load(tmp_path / "out" / "frames.npz", allow_pickle=False) as arrays:
        assert sorted(arrays) == sorted(f"{name}{kind}" for name in ("one", "two") for kind in ("", ".piece", ".frame"))
        for name in ("one", "two"):
            values = arrays[name]
            assert values.dtype == np.float64
            assert len(values) == 59 == document["sets"][name]["frames"]
            assert values.min() > 0
            assert document["sets"][name]["nll"] == pytest.approx(values.mean())
            assert arrays[f"{name}.frame"].tolist() == list(range(1, 60))
            assert set(arrays[f"{name}.piece"]) == {0}
            assert any(f"{name}: {values.mean():.4f} nats per frame over 59 frames of valid" in line for line in lines)
            assert f"{values.mean():.3f}" in rows(wish, scored)[-1]
    assert any("network 2 of 2, step" in line for line in lines)


def test_the_same_seed_gives_the_same_numbers_whatever_is_scored(data: Path) -> None:
    wish = Wish(data, ("one",), minutes=1)
    first, second = (bench.measure(wish, quiet)[0].nats for _ in range(2))
    assert np.array_equal(first, second)
    other = bench.measure(replace(wish, seed=2), quiet)[0].nats
    assert not np.array_equal(first, other)


def test_kept_networks_are_used_again(data: Path, tmp_path: Path, write_set: Callable[..., None], piece: Make) -> None:
    wish = Wish(data, ("one",), minutes=1, keep=tmp_path / "kept")
    first = bench.measure(wish, quiet)[0]
    lines: list[str] = []
    again = bench.measure(wish, lines.append)[0]
    assert np.array_equal(first.nats, again.nats)
    assert any("2 networks kept" in line for line in lines)
    assert not any("step" in line for line in lines)
    # Test is scored by the networks that a run on test alone would have trained.
    from_kept = bench.measure(replace(wish, split="test"), quiet)[0]
    fresh = bench.measure(replace(wish, split="test", keep=None), quiet)[0]
    assert np.array_equal(from_kept.nats, fresh.nats)
    with pytest.raises(Conflict, match="differ in seed"):
        bench.measure(replace(wish, seed=5), quiet)
    write_set(data, "one", {"train": [piece(77, 30)], "valid": [piece(78, 9)]})
    with pytest.raises(Conflict, match="train_sha256"):
        bench.measure(wish, quiet)
    (tmp_path / "kept" / "one.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(UnreadableFile, match="broken"):
        bench.measure(wish, quiet)


def test_wrong_wishes_are_refused_before_any_training(data: Path, write_set: Callable[..., None], piece: Make) -> None:
    for wrong, error, reason in (
        (Wish(data, ("one", "none")), NotFound, "none.json.gz is not there"),
        (Wish(data, ("one",), split="train"), InvalidRequest, "choose valid or test"),
        (Wish(data, ("one",), minutes=0), InvalidRequest, "no time"),
        (Wish(data, ("one",), minutes=float("nan")), InvalidRequest, "no time"),
        (Wish(data, ()), InvalidRequest, "name each set once"),
        (Wish(data, ("one", "one")), InvalidRequest, "name each set once"),
    ):
        with pytest.raises(error, match=reason):
            bench.measure(wrong, pytest.fail)
    write_set(data, "short", {"train": [piece(1, 9)], "valid": [piece(2, 1)]})
    with pytest.raises(InvalidRequest, match="no piece has two frames"):
        bench.measure(Wish(data, ("short",)), pytest.fail)


def test_the_clock_ends_a_training_that_is_too_slow_for_its_plan(piece: Make) -> None:
    split = join([piece(3, 200)])
    past, started = build_history(split), time.process_time()
    fit(past, torch.from_numpy(split.scored), shape_for(past, SMALL), SMALL, 1, Clock(10**6, 0.5), quiet)
    assert time.process_time() - started < 5


def test_training_improves_the_prediction_of_repeats(piece: Make) -> None:
    def split_of(seeds: range) -> Split:
        return join([np.tile(piece(seed, 9, 30, 12), (3, 1)) for seed in seeds])

    train, held_out = split_of(range(30)), split_of(range(50, 54))
    recipe = replace(SMALL, epochs=16, rate=1e-2)
    past, index = build_history(train), torch.from_numpy(train.scored)
    network = fit(past, index, shape_for(past, recipe), recipe, 1, Clock(recipe.steps(len(index), 20, 60), 60), quiet)
    values = nats([network], build_history(held_out), torch.from_numpy(held_out.scored)).reshape(4, 26)
    assert values[:, 17:].mean() < 0.85 * values[:, :8].mean()


def test_minutes_shorten_the_plan() -> None:
    recipe = RECIPES["musedata"]
    assert recipe.steps(245_000, 88, 3600) == int(recipe.epochs * 245_000 / 256)
    assert 1 <= recipe.steps(245_000, 88, 30) < 300


def test_a_loss_that_is_no_number_stops_the_training(piece: Make) -> None:
    split = join([piece(4, 60)])
    past, wild = build_history(split), replace(SMALL, rate=1e38)
    with pytest.raises(TrainingFailed, match="learning rate"):
        fit(past, torch.from_numpy(split.scored), shape_for(past, wild), wild, 1, Clock(50, 60), quiet)
