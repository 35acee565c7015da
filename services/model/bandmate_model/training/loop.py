"""The training loop that all families share: steps, evaluation, metrics lines, stopping and checkpoints.

Everything random follows from the seed and the step, so a resumed run ends with the same weights and reports the same
losses as one that was never stopped. A line of metrics looks like

    [metrics] step=40 epoch=0.070 train_loss=5.0124 valid_loss=nan tokens_per_second=5120 eta_seconds=1830
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from bandmate_model.training import checkpoint
from bandmate_model.training.checkpoint import Progress
from bandmate_model.training.distributed import Hosts
from bandmate_model.training.environment import MlFolders
from bandmate_model.training.options import RunOptions
from bandmate_model.training.stop import Stop

MIN_STEPS = 400
"""Minimum number of steps of a run without a chosen length."""
_END_SHARE, _MAX_END_SECONDS = 0.05, 30.0
"""How much of `max_minutes` is kept for measuring and writing the model after the last step."""
_VALIDATIONS_AT_END, _MAX_VALIDATION_SHARE = 2, 0.4
"""How many validations come after it, and at most how much of `max_minutes` is kept for them."""


class TrainingLoop:
    """One run. Constructed again with the folders of a run that was stopped, it resumes there.

    `trained` is what a checkpoint holds, `published` the module whose best weights are kept.
    """

    tally_size: int
    """How many numbers `_learn` returns."""
    measure_first = False
    """Whether the validation loss is measured before the first step: it is that of the weights the run starts from."""

    def __init__(
        self,
        folders: MlFolders,
        options: RunOptions,
        hosts: Hosts,
        *,
        trained: nn.Module,
        published: nn.Module,
        optimizers: Sequence[torch.optim.Optimizer],
        run: dict[str, Any],
        steps_per_epoch: float,
        usual_epochs: int,
        tokens_per_step: int,
    ) -> None:
        self.step = 0
        self.best_loss = math.inf
        self.history: list[dict[str, float]] = []
        self._folders, self._options, self._hosts = folders, options, hosts
        self._trained, self._published, self._optimizers, self._run = trained, published, optimizers, run
        self._steps_per_epoch, self._tokens_per_step = steps_per_epoch, tokens_per_step
        steps = max(1 if options.epochs else MIN_STEPS, math.ceil(steps_per_epoch * (options.epochs or usual_epochs)))
        self._total_steps = min(steps, options.max_steps) if options.max_steps else steps
        self._seconds = 0.0
        self._validation_seconds = 0.0
        self._since_best = 0
        self._tally = np.zeros(self.tally_size)

    def _learn(self) -> Sequence[float]:
        """Take one step; returns numbers that are summed up until the next line of the history."""
        raise NotImplementedError

    def _train_loss(self, tally: NDArray[np.float64]) -> float:
        """The training loss of the steps whose numbers add up to `tally`."""
        raise NotImplementedError

    def _validate(self) -> float:
        """The validation loss, the same on all hosts."""
        raise NotImplementedError

    def _validation_parts(self) -> dict[str, float]:
        """What the last validation loss is made of, by name: the loss of each style."""
        return {}

    def _position(self) -> dict[str, Any]:
        """The position in the training data, as JSON values, for `_seek` after a resume."""
        return {}

    def _seek(self, position: dict[str, Any]) -> None:
        """Continue reading the training data at a position."""

    def _after_evaluation(self, number: int) -> None:
        """Called on the first host after the evaluation with that number, from 0."""

    def _is_stale(self) -> bool:
        """Whether the validation loss has stopped falling, so that the run ends early."""
        return False

    def train(self, stop: Stop) -> bool:
        """True when the run is complete, False when it was stopped. A checkpoint is written in both cases.

        Raises:
            LossNotFinite: nothing is written; the checkpoint and the best weights stay as they were.
            HostLost: another host went away.
        """
        options = self._options
        started, before = time.monotonic(), self._seconds
        saved = before
        reported, reported_step = time.monotonic(), self.step
        if self.measure_first and self.step == 0 and not self.history:
            self.history.append({"step": 0, "epoch": 0.0})
            self._evaluate()
            self._report(0.0)
        while self._fraction() < 1.0 and not self._is_stale():
            if self._hosts.any(stop.raised):
                self._save()
                return False
            self._tally += self._learn()
            self.step += 1
            self._seconds = self._hosts.broadcast_scalar(before + time.monotonic() - started)
            evaluating = self._fraction() >= 1.0 or self.step % options.evaluate_steps == 0
            if evaluating or self.step % options.log_steps == 0:
                loss = self._train_loss(self._tally)
                self.history.append({"step": self.step, "epoch": self._epoch(), "train_loss": loss})
                self._tally = np.zeros(self.tally_size)
                if evaluating:
                    self._evaluate()
                now = time.monotonic()
                self._report((self.step - reported_step) / max(now - reported, 1e-9))
                reported, reported_step = now, self.step
            if self._seconds - saved > options.checkpoint_minutes * 60:
                self._save()
                saved = self._seconds
        self._save()
        return True

    def count_preparation(self, seconds: float) -> None:
        """Count the time that a run took before its first step among the minutes that it may take."""
        if self.step == 0:
            self._seconds += seconds

    def best_weights(self) -> Path:
        return self._folders.checkpoints / checkpoint.BEST_NAME

    def _resume(self, defaults: Mapping[str, Any] | None = None) -> None:
        """Continue from the first host's checkpoint, if there is one. `defaults`: of options younger than it.

        Raises:
            CheckpointUnusable: the checkpoint is broken, or of another run.
        """
        hosts, folders = self._hosts, self._folders
        copy = folders.work / f"of-first-{hosts.rank}.safetensors"
        path = hosts.copy_from_first(folders.checkpoints / checkpoint.FILE_NAME, copy)
        progress = checkpoint.load(path, self._trained, self._optimizers, self._run, defaults)
        if progress is None:
            return
        self.step, self._seconds = progress.step, progress.seconds
        self.history, self.best_loss, self._since_best = progress.history, progress.best_loss, progress.since_best
        if len(progress.tally) == self.tally_size:
            self._tally = np.array(progress.tally, dtype=np.float64)
        self._seek(progress.streams)
        say(f"resuming at step {self.step}")
        if hosts.any(hosts.is_first and math.isfinite(self.best_loss) and not self.best_weights().is_file()):
            say("the best weights are missing beside the checkpoint; from here on they are chosen anew")
            self.best_loss, self._since_best = math.inf, 0

    def _evaluate(self) -> None:
        """Measure the validation split, and keep the weights if they are the best so far."""
        began = time.monotonic()
        loss = self._validate()
        self._validation_seconds = time.monotonic() - began
        number = sum("valid_loss" in row for row in self.history)
        parts = self._validation_parts()
        self.history[-1] |= {"valid_loss": loss} | {f"valid_loss_{name}": value for name, value in parts.items()}
        better = loss < self.best_loss
        self._since_best = 0 if better else self._since_best + 1
        self.best_loss = min(loss, self.best_loss)
        if not self._hosts.is_first:
            return
        if better or not self.best_weights().is_file():
            self._folders.checkpoints.mkdir(parents=True, exist_ok=True)
            checkpoint.save_weights(self._published, self.best_weights())
        by_part = "".join(f" {name}={value:.4f}" for name, value in parts.items())
        say(f"validation at step {self.step}: {loss:.4f} (best {self.best_loss:.4f}){by_part}")
        self._after_evaluation(number)

    def _report(self, steps_per_second: float) -> None:
        """Print the history's last line."""
        if not self._hosts.is_first:
            return
        row = self.history[-1]
        measured = [row["valid_loss"] for row in self.history if "valid_loss" in row]
        fraction = max(self._fraction(), 1e-9)
        eta = self._seconds * (1 - fraction) / fraction
        say(
            f"[metrics] step={row['step']} epoch={row['epoch']:.3f} train_loss={row.get('train_loss', math.nan):.4f} "
            f"valid_loss={measured[-1] if measured else math.nan:.4f} "
            f"tokens_per_second={steps_per_second * self._tokens_per_step:.0f} eta_seconds={max(0.0, eta):.0f}"
        )

    def _save(self) -> None:
        tally = self._tally.tolist()
        position, losses = self._position(), (self.best_loss, self._since_best)
        progress = Progress(self.step, self._seconds, position, self.history, *losses, self._run, tally)
        if self._hosts.is_first:
            checkpoint.save(self._folders.checkpoints, self._trained, self._optimizers, progress)

    def _run_numbers(self) -> dict[str, float]:
        """The numbers about the run itself for metrics.json."""
        numbers = {"steps": float(self.step), "epochs": self._epoch(), "train_seconds": self._seconds}
        numbers["parameters"] = float(sum(parameter.numel() for parameter in self._published.parameters()))
        losses = [row["train_loss"] for row in self.history if "train_loss" in row]
        return numbers | ({"train_loss": losses[-1]} if losses else {})

    def _fraction(self) -> float:
        """The finished share of the run: 1 when the steps or the minutes are used up.

        Of the minutes some are kept for what comes after the last step.
        """
        limit = self._options.max_minutes * 60
        by_time = self._seconds / last_step_at(limit, self._validation_seconds) if limit else 0.0
        return max(self.step / self._total_steps, by_time)

    def _epoch(self) -> float:
        return round(self.step / self._steps_per_epoch, 4)


def last_step_at(limit: float, validation: float) -> float:
    """The second after which no step begins in a run of at most `limit` seconds, where a validation takes `validation`.

    Kept are two validations, the last one and that of the published weights, and the writing and measuring of the
    model.
    """
    validations = min(_VALIDATIONS_AT_END * validation, _MAX_VALIDATION_SHARE * limit)
    return limit - validations - min(_MAX_END_SECONDS, _END_SHARE * limit)


class LossNotFinite(ValueError):
    """The loss or a gradient is not a finite number; the weights are those of the step before."""


def say(text: str) -> None:
    """Print a line to the log at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
