"""Training the networks of one set, bounded in CPU time, the same for the same seed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from bandmate_shared.errors import BandmateError
from torch.nn import functional

from bandmate_bench.poly.history import History
from bandmate_bench.poly.network import Network, Shape
from bandmate_bench.poly.recipes import BATCH, REGISTER_JITTER, Recipe

WARMUP = 150
MARGIN = 4
"""Keys modelled beyond the lowest and the highest of the train split."""
SPENT = 0.97
"""Upper limit on a member's CPU time; the learning rate reaches zero by then."""
REPORTS = 8

Report = Callable[[str], None]
Judge = Callable[[Network], float]


@dataclass(frozen=True, slots=True)
class Clock:
    """When a training ends: after so many steps, or on a machine too slow for them after so many CPU seconds."""

    steps: int
    seconds: float


class TrainingFailed(BandmateError):
    """The loss is not finite."""

    type = "training-failed"
    title = "The training went astray"


def shape_for(past: History, recipe: Recipe) -> Shape:
    """The keys that the train split uses and a few more."""
    used = past.rows.any(0).nonzero()[:, 0]
    lowest, highest = (int(used[0]), int(used[-1])) if len(used) else (0, 0)
    lowest = max(0, lowest - MARGIN)
    return recipe.shape(lowest, min(past.rows.shape[1] - 1, highest + MARGIN) - lowest + 1)


def fit(
    past: History,
    scored: torch.Tensor,
    shape: Shape,
    recipe: Recipe,
    seed: int,
    clock: Clock,
    report: Report,
    judge: Judge | None = None,
) -> Network:
    """One network, trained on the rows `scored` of `past`.

    `judge` gives a likelihood on held-out frames for the progress lines; its time is not counted here.

    Raises:
        TrainingFailed: the loss became infinite or no number.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _fit(past, scored, shape, recipe, clock, report, judge)


def _fit(
    past: History, scored: torch.Tensor, shape: Shape, recipe: Recipe, clock: Clock, report: Report, judge: Judge | None
) -> Network:
    network = Network(shape)
    optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.rate, weight_decay=recipe.decay, betas=(0.9, 0.98))
    bfloat16 = bool(torch.cpu._is_avx512_bf16_supported())
    started, judging_seconds = time.process_time(), 0.0
    step, progress, mean, reports_made = 0, 0.0, math.nan, 0
    queue: list[torch.Tensor] = []
    network.train()
    while progress < 1:
        if not queue:
            queue = list(torch.split(scored[torch.randperm(len(scored))], BATCH))
        optimizer.param_groups[0]["lr"] = recipe.rate * _share(step, clock.steps, progress)
        loss = _loss(network, past, queue.pop(), recipe, bfloat16)
        value = loss.item()
        if not math.isfinite(value):
            raise TrainingFailed(f"the loss of step {step} is {value}; the learning rate {recipe.rate} is too high")
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        step += 1
        mean = value if step == 1 else 0.98 * mean + 0.02 * value
        spent = time.process_time() - started - judging_seconds
        progress = max(step / clock.steps, spent / (SPENT * clock.seconds))
        if int(progress * REPORTS) > reports_made:
            reports_made = int(progress * REPORTS)
            began = time.process_time()
            held_out = f", valid about {judge(network):.3f}" if judge else ""
            judging_seconds += time.process_time() - began
            network.train()
            report(f"step {step} of {clock.steps}, {spent:.0f} CPU s, train {mean:.3f}{held_out}")
    return network.eval()


def _share(step: int, steps: int, progress: float) -> float:
    """Of the learning rate: a short rise, then a half cosine down to a hundredth."""
    rise = min(1.0, (step + 1) / min(WARMUP, max(1, steps // 5)))
    return rise * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


def _loss(network: Network, past: History, index: torch.Tensor, recipe: Recipe, bfloat16: bool) -> torch.Tensor:
    shape = network.shape
    cells = past.cells(index, shape.lowest, shape.keys)
    if recipe.hidden_lags:
        lag_mask = (torch.rand(len(index), cells.shape[1], 1) >= recipe.hidden_lags) / (1 - recipe.hidden_lags)
        lag_mask[:, 0] = 1  # The directly preceding frame is never hidden: voice leading depends on all of it.
        cells = cells * lag_mask
    now = past.rows[:, shape.lowest : shape.lowest + shape.keys][index].float()
    moved = (torch.rand(len(index)) * 2 - 1) * REGISTER_JITTER
    with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        logits = network(cells, past.frames[index].float(), now, moved)
    return functional.binary_cross_entropy_with_logits(logits, now, reduction="none").sum(1).mean()
