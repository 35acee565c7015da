"""The training loop of the token composers: batches, gradient steps, evaluation, samples, checkpoints.

Everything random follows from the seed and the step, so a run that goes on from a checkpoint ends with the same weights
and tells the same losses as one that was never stopped.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bandmate_model import checkpoint
from bandmate_model.architectures import REPRESENTATION
from bandmate_model.cells.batches import Batch, Streams, validation_runs
from bandmate_model.cells.training_set import TrainingSet
from bandmate_model.checkpoint import Progress
from bandmate_model.device import computes_in_bfloat16
from bandmate_model.distributed import Hosts, OneHost
from bandmate_model.environment import MlFolders
from bandmate_model.learning import Losses, optimizers, rate, seed_step
from bandmate_model.options import TrainingOptions
from bandmate_model.stop import Stop

VALIDATION_TOKENS = 24_000
"""Tokens of each style that are measured."""
TOKENS_A_NOTE = 2.6
"""About, with what is given and padded: turns notes into steps."""
USUAL_EPOCHS = 8
LEAST_STEPS = 400

Listener = Callable[[nn.Module, int, int], None]
"""Told after each evaluation: the network, the step, and how many evaluations there were before."""


class LossLost(ValueError):
    """The loss or a gradient is no longer a number; the weights are those of the step before."""


class Trainer:
    """One run. Made again with the folders of a run that was stopped, it goes on there.

    Raises:
        CheckpointUnusable: a checkpoint is there, and is broken or of another run.
    """

    def __init__(
        self, folders: MlFolders, options: TrainingOptions, training: TrainingSet, network: nn.Module,
        device: torch.device, dataset: str, hosts: Hosts, listener: Listener | None = None,
    ) -> None:  # fmt: skip
        self.step = 0
        self.best_loss = math.inf
        self.history: list[dict[str, float]] = []
        self._folders, self._options, self._network, self._device = folders, options, network, device
        self._hosts = hosts
        self._listener = listener
        self._streams = Streams(
            training, lanes=options.streams, length=options.steps, seed=options.seed, mix_power=options.mix_power,
            styles=training.styles, augment=options.augment, octaves=options.octaves,
        )  # fmt: skip
        self._validation = validation_runs(
            training, lanes=options.streams, length=options.steps, styles=training.styles,
            tokens_a_style=VALIDATION_TOKENS,
        )  # fmt: skip
        self._optimizers = optimizers(network, options)
        self._bfloat16 = computes_in_bfloat16(options.precision, device)
        self._steps_an_epoch = (
            self._streams.notes_an_epoch() * TOKENS_A_NOTE / (options.streams * options.steps)
        )  # fmt: skip
        self._total = self._total_steps()
        self._seconds = 0.0
        self._since_best = 0
        self._tally = Losses()
        self._run: dict[str, Any] = {
            "options": options.decisive(), "dataset": dataset, "representation": REPRESENTATION,
        }  # fmt: skip
        self._resume()

    def train(self, stop: Stop) -> bool:
        """True when the run is complete, False when it was stopped. A checkpoint is written in both cases.

        Raises:
            LossLost: and nothing is written: the checkpoint and the best weights stay as they were.
            HostLost: another host went away.
        """
        options = self._options
        started, before = time.monotonic(), self._seconds
        saved = before
        told, told_steps = time.monotonic(), self.step
        while self._fraction() < 1.0 and not self._is_stale():
            if self._hosts.any(stop.raised):
                self._save()
                return False
            self._tally += self._learn()
            self.step += 1
            self._seconds = self._hosts.from_first(before + time.monotonic() - started)
            over = self._fraction() >= 1.0
            evaluating = over or self.step % options.evaluate_steps == 0
            if evaluating or self.step % options.log_steps == 0:
                self._note()
                if evaluating:
                    self._evaluate()
                now = time.monotonic()
                self._tell((self.step - told_steps) / max(now - told, 1e-9))
                told, told_steps = now, self.step
            if self._seconds - saved > options.checkpoint_minutes * 60:
                self._save()
                saved = self._seconds
        self._save()
        return True

    def best_weights(self) -> Path:
        return self._folders.checkpoints / checkpoint.BEST_NAME

    def summary(self) -> dict[str, float]:
        """Numbers for metrics.json: losses of the best weights as they are published, and what the run took."""
        checkpoint.load_weights(self._network, self.best_weights())
        with torch.no_grad():
            for parameter in self._network.parameters():
                parameter.copy_(parameter.bfloat16())
        kept, self._bfloat16 = self._bfloat16, False
        by_style = self._validate(OneHost())
        self._bfloat16 = kept
        total = sum(by_style.values(), start=Losses())
        numbers = {
            "valid_loss": total.a_note,
            "valid_loss_token": total.nats / max(1, total.choices),
            **{f"valid_loss_{style}": losses.a_note for style, losses in by_style.items()},
            "valid_notes": float(total.notes),
            "valid_tokens": float(total.choices),
            "steps": float(self.step),
            "epochs": self._epoch(),
            "train_seconds": self._seconds,
            "parameters": float(sum(parameter.numel() for parameter in self._network.parameters())),
        }
        if self.history:
            numbers["train_loss"] = self.history[-1]["train_loss"]
        return {name: round(value, 5) for name, value in numbers.items()}

    def _resume(self) -> None:
        hosts, folders = self._hosts, self._folders
        copy = folders.work / f"of-first-{hosts.rank}.safetensors"
        saved = hosts.file_of_first(folders.checkpoints / checkpoint.FILE_NAME, copy)
        defaults = {**TrainingOptions(architecture=self._options.architecture).decisive(), "representation": "cells-1"}
        progress = checkpoint.load(saved, self._network, self._optimizers, self._run, defaults)
        if progress is None:
            return
        self.step, self._seconds = progress.step, progress.seconds
        self.history, self.best_loss, self._since_best = progress.history, progress.best_loss, progress.since_best
        self._tally = Losses(*progress.tally)
        self._streams.seek(progress.streams)
        say(f"resuming at step {self.step}")
        if hosts.any(hosts.is_first and math.isfinite(self.best_loss) and not self.best_weights().is_file()):
            say("the best weights are missing beside the checkpoint; from here on they are looked for anew")
            self.best_loss, self._since_best = math.inf, 0

    def _learn(self) -> Losses:
        """One gradient step."""
        options = self._options
        seed_step(options.seed, self.step, self._hosts.rank)
        share = rate(self.step, self._fraction(), options.warmup_steps)
        for optimizer in self._optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["height"] * share
        batch = self._streams.draw()
        losses, weights = self._losses(batch.only(self._hosts.lanes(options.streams)))
        whole = max(1.0, float(batch.weights.sum()))
        for optimizer in self._optimizers:
            optimizer.zero_grad(set_to_none=True)
        ((losses * weights).sum() / whole).backward()  # type: ignore[no-untyped-call]
        self._hosts.add_gradients(self._network)
        length = float(nn.utils.clip_grad_norm_(self._network.parameters(), options.clip))
        nats = float(self._hosts.sum(np.array([float(losses.detach()[weights == 1].double().sum())]))[0])
        if not (math.isfinite(nats) and math.isfinite(length)):
            raise LossLost(
                f"the loss is no longer a number at step {self.step + 1}; use a learning_rate lower than "
                f"{options.learning_rate:g} or a clip lower than {options.clip:g}"
            )
        for optimizer in self._optimizers:
            optimizer.step()
        return Losses(nats, batch.choices, batch.notes, 1)

    def _losses(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The losses of a batch's weighted targets, and the weights."""
        tokens = torch.from_numpy(batch.tokens).to(self._device, torch.long)
        weights = torch.from_numpy(batch.weights).to(self._device)
        documents = torch.from_numpy(batch.documents).to(self._device)
        wanted = weights > 0
        with torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=self._bfloat16):
            losses = self._network(tokens[:, :-1], documents, tokens[:, 1:], wanted)
        return losses.float(), weights[wanted]

    def _validate(self, hosts: Hosts) -> dict[str, Losses]:
        """Losses by style, without dropout; each of the hosts measures its share."""
        self._network.eval()
        result = {part.style: Losses() for part in self._validation}
        batches = [(part.style, batch) for part in self._validation for batch in part.batches]
        with torch.no_grad():
            for number, (style, batch) in enumerate(batches):
                if hosts.takes(number):
                    losses, _ = self._losses(batch)
                    result[style] += Losses(float(losses.double().sum()), batch.choices, batch.notes)
        self._network.train()
        return {style: losses.over(hosts) for style, losses in result.items()}

    def _evaluate(self) -> None:
        """Measure the validation split, and keep the weights if they are the best so far."""
        loss = sum(self._validate(self._hosts).values(), start=Losses()).a_note
        before = sum("valid_loss" in row for row in self.history)
        self.history[-1]["valid_loss"] = loss
        better = loss < self.best_loss
        self._since_best = 0 if better else self._since_best + 1
        self.best_loss = min(loss, self.best_loss)
        if not self._hosts.is_first:
            return
        if better or not self.best_weights().is_file():
            self._folders.checkpoints.mkdir(parents=True, exist_ok=True)
            checkpoint.save_weights(self._network, self.best_weights())
        say(f"validation at step {self.step}: {loss:.4f} (best {self.best_loss:.4f})")
        if self._listener is not None:
            self._network.eval()
            self._listener(self._network, self.step, before)
            self._network.train()

    def _is_stale(self) -> bool:
        """Whether the validation loss has not fallen for as many evaluations as `patience` allows."""
        return 0 < self._options.patience <= self._since_best

    def _note(self) -> None:
        """A line of the history, of all steps since the one before."""
        self.history.append({"step": self.step, "epoch": self._epoch(), "train_loss": self._tally.a_note})
        self._tally = Losses()

    def _tell(self, steps_a_second: float) -> None:
        """The history's last line, for whoever looks on."""
        if not self._hosts.is_first:
            return
        row = self.history[-1]
        known = [row["valid_loss"] for row in self.history if "valid_loss" in row]
        fraction = max(self._fraction(), 1e-9)
        eta = self._seconds * (1 - fraction) / fraction
        tokens = steps_a_second * self._options.streams * self._options.steps
        sys.stdout.write(
            f"[metrics] step={row['step']} epoch={row['epoch']:.3f} train_loss={row['train_loss']:.4f} "
            f"valid_loss={known[-1] if known else math.nan:.4f} "
            f"tokens_per_second={tokens:.0f} eta_seconds={max(0.0, eta):.0f}\n"
        )
        sys.stdout.flush()

    def _save(self) -> None:
        progress = Progress(
            self.step, self._seconds, self._streams.position(), self.history, self.best_loss, self._since_best,
            self._run, self._tally.values(),
        )  # fmt: skip
        if self._hosts.is_first:
            checkpoint.save(self._folders.checkpoints, self._network, self._optimizers, progress)

    def _total_steps(self) -> int:
        """Steps of the run. An epoch is known exactly only after it: its length in rows is measured from the notes."""
        options = self._options
        by_epochs = math.ceil(self._steps_an_epoch * (options.epochs or USUAL_EPOCHS))
        total = max(1 if options.epochs else LEAST_STEPS, by_epochs)
        return min(total, options.max_steps) if options.max_steps else total

    def _fraction(self) -> float:
        """How much of the run is done: 1 when the steps or the minutes are used up."""
        by_time = self._seconds / 60 / self._options.max_minutes if self._options.max_minutes else 0.0
        return max(self.step / self._total, by_time)

    def _epoch(self) -> float:
        return round(self.step / self._steps_an_epoch, 4)


def say(text: str) -> None:
    """A line for whoever looks on, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
