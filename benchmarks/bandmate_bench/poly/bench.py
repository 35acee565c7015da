"""The frame-NLL benchmark: train on train, score valid or test, put the numbers beside the published ones."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from bandmate_shared.errors import InvalidRequest

from bandmate_bench.poly import saved_networks
from bandmate_bench.poly.fit import Clock, Judge, Report, fit, shape_for
from bandmate_bench.poly.frames import SETS, Split, read_split
from bandmate_bench.poly.history import History, build_history
from bandmate_bench.poly.network import Network
from bandmate_bench.poly.recipes import OTHER, RECIPES, Recipe
from bandmate_bench.poly.results import Scored, Wish
from bandmate_bench.poly.score import nats

SPLITS = ("valid", "test")
TRAINING_SHARE = 0.9
"""Of the minutes; the rest is for the tables."""
WATCHED = 2000
"""Held-out frames for the progress lines."""


def measure(wish: Wish, report: Report) -> list[Scored]:
    """Every set, one after the other. Files are checked before anything is trained.

    Raises:
        NotFound, UnreadableFile: of the data files.
        InvalidRequest: no such split, no time, no sets, or nothing to train or to score.
        Conflict: networks kept in the folder were trained otherwise.
    """
    if wish.split not in SPLITS:
        raise InvalidRequest(f"split {wish.split!r} is not scored; choose {' or '.join(SPLITS)}")
    if not wish.minutes > 0:
        raise InvalidRequest(f"{wish.minutes} minutes are no time to train in")
    if not wish.sets or len(set(wish.sets)) != len(wish.sets):
        raise InvalidRequest(f"name each set once, of {', '.join(SETS)} or others in the folder")
    for name in wish.sets:
        for split in ("train", wish.split):
            if not len(read_split(wish.data, name, split).scored):
                raise InvalidRequest(f"{name}, {split}: no piece has two frames, so none can be scored")
    with _one_thread():
        return [_evaluate_set(wish, name, _prefixed(report, f"{name}: ")) for name in wish.sets]


def _evaluate_set(wish: Wish, name: str, report: Report) -> Scored:
    train, target = read_split(wish.data, name, "train"), read_split(wish.data, name, wish.split)
    recipe = RECIPES.get(name, OTHER)
    own_training = {
        "recipe": recipe.to_json(),
        "seed": wish.seed,
        "minutes": wish.minutes,
        "train_sha256": saved_networks.digest(train),
    }
    saved = saved_networks.load(wish.keep, name, own_training) if wish.keep else None
    began = time.process_time()
    past = build_history(target)
    index = torch.from_numpy(target.scored)
    if saved:
        networks, training = saved
        report(f"{len(networks)} networks kept in {wish.keep} are used")
    else:
        judge = _judge(past, index) if wish.split == "valid" else None
        networks, training = _train(wish, name, train, recipe, report, judge)
        training = {**own_training, **training}
        if wish.keep:
            saved_networks.save(wish.keep, name, networks, training)
        began = time.process_time()
    values = nats(networks, past, index)
    spent = time.process_time() - began
    report(f"{values.mean():.4f} nats per frame over {len(values)} frames of {wish.split}, scored in {spent:.0f} CPU s")
    pieces = np.searchsorted(target.starts, target.scored, side="right") - 1
    return Scored(
        name, values, pieces.astype(np.int32), target.positions[target.scored].astype(np.int32), training, spent
    )


def _train(
    wish: Wish, name: str, train: Split, recipe: Recipe, report: Report, judge: Judge | None
) -> tuple[list[Network], dict[str, Any]]:
    began = time.process_time()
    past = build_history(train)
    tables = time.process_time() - began
    report(f"tables of {len(train.rows)} frames in {tables:.0f} CPU s")
    if tables >= wish.minutes * 60:
        raise InvalidRequest(
            f"{name}: the tables alone took {tables:.0f} CPU s; give more than {wish.minutes:g} minutes"
        )
    index = torch.from_numpy(train.scored)
    shape = shape_for(past, recipe)
    # Planned by the wish, not by the clock, so that the same command gives the same networks.
    steps = recipe.steps(len(index), shape.keys, TRAINING_SHARE * wish.minutes * 60 / recipe.members)
    networks: list[Network] = []
    for member in range(recipe.members):
        left = wish.minutes * 60 - (time.process_time() - began)
        clock = Clock(steps, max(1.0, left / (recipe.members - member)))
        say = report if recipe.members == 1 else _prefixed(report, f"network {member + 1} of {recipe.members}, ")
        networks.append(fit(past, index, shape, recipe, wish.seed * 1000 + member, clock, say, judge))
    spent = time.process_time() - began
    return networks, {
        "frames": len(index),
        "parameters": sum(weights.numel() for network in networks for weights in network.parameters()),
        "cpu_seconds": round(spent, 1),
    }


def _judge(past: History, index: torch.Tensor) -> Judge:
    """For the progress lines only; it does not influence the training."""
    watched = index[torch.randperm(len(index), generator=torch.Generator().manual_seed(0))[:WATCHED]]
    return lambda network: float(nats([network.eval()], past, watched).mean())


def _prefixed(report: Report, prefix: str) -> Report:
    return lambda line: report(prefix + line)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums in one order, on one core: the same seed gives the same numbers."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
