"""Training of the token composers: batches of packed windows, gradient steps, and losses by style."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bandmate_model.cells.batches import Batch, Streams, validation_runs
from bandmate_model.cells.training_set import TrainingSet
from bandmate_model.model_files import REPRESENTATION
from bandmate_model.training import checkpoint
from bandmate_model.training.device import computes_in_bfloat16
from bandmate_model.training.distributed import Hosts, OneHost
from bandmate_model.training.environment import MlFolders
from bandmate_model.training.learning import Losses, optimizers, rate, seed_step
from bandmate_model.training.loop import LossNotFinite, TrainingLoop
from bandmate_model.training.options import TrainingOptions

VALIDATION_TOKENS = 24_000
"""Validation tokens per style."""
TOKENS_PER_NOTE = 2.6
"""Approximate, with given tokens and padding; converts notes to steps."""
USUAL_EPOCHS = 8

Listener = Callable[[nn.Module, int, int], None]
"""Called after each evaluation with the network, the step, and the number of evaluations before."""


class Trainer(TrainingLoop):
    """One run of a token composer. Constructed again with the folders of a run that was stopped, it resumes there.

    Raises:
        CheckpointUnusable: a checkpoint is there, and is broken or of another run.
    """

    _options: TrainingOptions
    tally_size = 4

    def __init__(
        self,
        folders: MlFolders,
        options: TrainingOptions,
        training: TrainingSet,
        network: nn.Module,
        device: torch.device,
        dataset: str,
        hosts: Hosts,
        listener: Listener | None = None,
    ) -> None:
        self._network, self._device, self._listener = network, device, listener
        size = {"lanes": options.streams, "length": options.steps}
        self._streams = Streams(
            training,
            **size,
            seed=options.seed,
            mix_power=options.mix_power,
            styles=training.styles,
            augment=options.augment,
            octaves=options.octaves,
        )
        self._validation = validation_runs(training, **size, styles=training.styles, tokens_per_style=VALIDATION_TOKENS)
        self._by_style: dict[str, Losses] = {}
        """Of the last validation."""
        self._bfloat16 = computes_in_bfloat16(options.precision, device)
        tokens_per_step = options.streams * options.steps
        super().__init__(
            folders,
            options,
            hosts,
            trained=network,
            published=network,
            optimizers=optimizers(network, options),
            run={"options": options.decisive(), "dataset": dataset, "representation": REPRESENTATION},
            steps_per_epoch=self._streams.notes_per_epoch() * TOKENS_PER_NOTE / tokens_per_step,
            usual_epochs=USUAL_EPOCHS,
            tokens_per_step=tokens_per_step,
        )
        defaults = TrainingOptions(architecture=options.architecture).decisive()
        self._resume({**defaults, "representation": "cells-1"})

    def summary(self) -> dict[str, float]:
        """Numbers for metrics.json: losses of the best weights as they are published, and what the run took."""
        checkpoint.load_weights(self._network, self.best_weights())
        with torch.no_grad():
            for parameter in self._network.parameters():
                parameter.copy_(parameter.bfloat16())
        was_bfloat16, self._bfloat16 = self._bfloat16, False
        by_style = self._losses_by_style(OneHost())
        self._bfloat16 = was_bfloat16
        total = sum(by_style.values(), start=Losses())
        numbers = {
            "valid_loss": total.per_note,
            "valid_loss_token": total.nats / max(1, total.choices),
            **{f"valid_loss_{style}": losses.per_note for style, losses in by_style.items()},
            "valid_notes": float(total.notes),
            "valid_tokens": float(total.choices),
            **self._run_numbers(),
        }
        return {name: round(value, 5) for name, value in numbers.items()}

    def _position(self) -> dict[str, Any]:
        return self._streams.position()

    def _seek(self, position: dict[str, Any]) -> None:
        self._streams.seek(position)

    def _learn(self) -> Sequence[float]:
        """One gradient step; returns the fields of Losses."""
        options = self._options
        seed_step(options.seed, self.step, self._hosts.rank)
        share = rate(self.step, self._fraction(), options.warmup_steps)
        for optimizer in self._optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * share
        batch = self._streams.draw()
        losses, weights = self._losses(batch.only(self._hosts.lanes(options.streams)))
        total_weight = max(1.0, float(batch.weights.sum()))
        for optimizer in self._optimizers:
            optimizer.zero_grad(set_to_none=True)
        ((losses * weights).sum() / total_weight).backward()  # type: ignore[no-untyped-call]
        self._hosts.all_reduce_gradients(self._network)
        length = float(nn.utils.clip_grad_norm_(self._network.parameters(), options.clip))
        nats = float(self._hosts.sum(np.array([float(losses.detach()[weights == 1].double().sum())]))[0])
        if not (math.isfinite(nats) and math.isfinite(length)):
            raise LossNotFinite(
                f"the loss is not a finite number at step {self.step + 1}; use a learning_rate lower than "
                f"{options.learning_rate:g} or a clip lower than {options.clip:g}"
            )
        for optimizer in self._optimizers:
            optimizer.step()
        return Losses(nats, batch.choices, batch.notes, 1).values()

    def _losses(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Losses of the targets with a weight, and these weights."""
        tokens = torch.from_numpy(batch.tokens).to(self._device, torch.long)
        weights = torch.from_numpy(batch.weights).to(self._device)
        documents = torch.from_numpy(batch.documents).to(self._device)
        mask = weights > 0
        with torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=self._bfloat16):
            losses = self._network(tokens[:, :-1], documents, tokens[:, 1:], mask)
        return losses.float(), weights[mask]

    def _train_loss(self, tally: NDArray[np.float64]) -> float:
        return Losses(*tally.tolist()).per_note

    def _validate(self) -> float:
        self._by_style = self._losses_by_style(self._hosts)
        return sum(self._by_style.values(), start=Losses()).per_note

    def _validation_parts(self) -> dict[str, float]:
        return {style: losses.per_note for style, losses in self._by_style.items()}

    def _losses_by_style(self, hosts: Hosts) -> dict[str, Losses]:
        """Losses by style, without dropout; each host measures its share of the batches."""
        self._network.eval()
        result = {part.style: Losses() for part in self._validation}
        batches = [(part.style, batch) for part in self._validation for batch in part.batches]
        with torch.no_grad():
            for number, (style, batch) in enumerate(batches):
                if hosts.owns(number):
                    losses, _ = self._losses(batch)
                    result[style] += Losses(float(losses.double().sum()), batch.choices, batch.notes)
        self._network.train()
        return {style: losses.over(hosts) for style, losses in result.items()}

    def _after_evaluation(self, number: int) -> None:
        if self._listener is not None:
            self._network.eval()
            self._listener(self._network, self.step, number)
            self._network.train()

    def _is_stale(self) -> bool:
        return 0 < self._options.patience <= self._since_best
