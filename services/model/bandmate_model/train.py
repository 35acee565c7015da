"""The training side of the container: dataset channel in, model folder out.

Read `run` from top to bottom. A run stopped by SIGTERM leaves a checkpoint and ends with status 0; started again with
the same folders it goes on from there. Every line of metrics looks like

    [metrics] step=40 epoch=0.07 train_loss=5.0124 valid_loss=nan tokens_per_second=5120 eta_seconds=1830

Losses are natural-log units an event (all five fields of a note, or the end of a bar); tokens are events.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
import time
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from bandmate_model import checkpoint
from bandmate_model.architectures import Vocabulary, architecture
from bandmate_model.band import BandRecipe, with_band
from bandmate_model.batches import Batch, Streams, validation_runs
from bandmate_model.checkpoint import CheckpointUnusable, Progress
from bandmate_model.context import COLUMNS
from bandmate_model.data import DatasetUnusable, Piece, TrainingSet, build, read_pieces
from bandmate_model.distributed import Hosts, OneHost, join_hosts
from bandmate_model.environment import MlFolders
from bandmate_model.hosts import HostLost, Resources
from bandmate_model.options import TrainingOptions
from bandmate_model.publish import publish, warm_start
from bandmate_model.settings import ModelSettings
from bandmate_model.stop import Stop, Stopped

CHANNEL = "training"
INITIAL_CHANNEL = "initial"
"""A model folder whose weights a run starts from, where they fit."""
LAST_LEARNING_RATE = 0.02
"""The learning rate ends at this share of its height."""
VALIDATION_ROWS = 12_000
USUAL_EPOCHS = 8
LEAST_STEPS = 400
_TARGET_TIME = COLUMNS.index("target_time")


@dataclass(slots=True)
class Losses:
    """Sums of losses: (fields,) and how many events and notes they are of."""

    fields: np.ndarray
    events: int
    notes: int

    @property
    def an_event(self) -> float:
        return float(self.fields.sum()) / max(1, self.events)

    def over(self, hosts: Hosts) -> Losses:
        """The sum over the hosts."""
        total = hosts.sum(np.array([*self.fields, self.events, self.notes], dtype=np.float64))
        return Losses(total[:5], int(total[5]), int(total[6]))


def main(stop: Stop) -> int:
    """Run a training job in <BANDMATE_ML_ROOT>. 0: completed or stopped in order; 1: failed, with a failure file."""
    settings = ModelSettings()
    folders = MlFolders(settings.ml_root)
    try:
        run(folders, stop, settings)
    except Stopped:
        _say("stopped before the first step")
    except (DatasetUnusable, CheckpointUnusable, HostLost, ValueError) as error:
        folders.write_failure(str(error))
        sys.stderr.write(f"training failed: {error}\n")
        return 1
    except Exception as error:  # The reason has to reach the failure file, whatever it is.
        traceback.print_exc()
        folders.write_failure(f"training failed unexpectedly ({type(error).__name__}: {error}); see the log")
        return 1
    return 0


def run(folders: MlFolders, stop: Stop, settings: ModelSettings | None = None) -> None:
    """Train, and write the model folder unless stopped. With several hosts, the first one writes it.

    Raises:
        ValueError, DatasetUnusable, CheckpointUnusable, HostLost: with messages for people.
        Stopped: before the first step.
    """
    options = TrainingOptions.parse(folders.hyperparameters())
    torch.set_num_threads(options.threads or torch.get_num_threads())
    torch.manual_seed(options.seed)
    hosts = join_hosts(Resources.read(folders.resources), settings or ModelSettings(), options.streams, stop)
    training, dataset = _prepare(folders, options, stop)
    styles = training.styles
    network = architecture(options.architecture).build(Vocabulary(tuple(styles)), options.network())
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network.to(device)
    initial = folders.channel(INITIAL_CHANNEL)
    if initial is not None:
        _say(f"starting from the weights of a model: {warm_start(network, initial, styles)} tensors taken over")
    hosts.begin_alike(network, options.seed)
    trainer = Trainer(folders, options, training, network, device, dataset, hosts)
    if not trainer.train(stop):
        _say(f"stopped at step {trainer.step}; the checkpoint is written")
        return
    if hosts.is_first:
        publish(folders, options, training, trainer.best_weights(), trainer.summary(), dataset)
    hosts.wait_for_first()
    _say(f"done: {trainer.step} steps, best validation loss {trainer.best_loss:.4f}")


class Trainer:
    """The loop: batches, gradient steps, evaluation, checkpoints."""

    def __init__(
        self, folders: MlFolders, options: TrainingOptions, training: TrainingSet, network: nn.Module,
        device: torch.device, dataset: str, hosts: Hosts,
    ) -> None:  # fmt: skip
        self.step = 0
        self.best_loss = math.inf
        self.history: list[dict[str, float]] = []
        self.by_style: dict[str, Losses] = {}
        self._folders, self._options, self._network, self._device = folders, options, network, device
        self._hosts = hosts
        self._streams = Streams(
            training, streams=options.streams, steps=options.steps, seed=options.seed, mix_power=options.mix_power,
            styles=training.styles,
        )  # fmt: skip
        self._validation = validation_runs(
            training, streams=options.streams, steps=options.steps, styles=training.styles,
            rows_a_style=VALIDATION_ROWS,
        )  # fmt: skip
        self._optimizer = torch.optim.AdamW(
            network.parameters(), lr=options.learning_rate, betas=(0.9, 0.98), weight_decay=options.weight_decay
        )
        self._bfloat16 = _bfloat16(options.precision, device)
        self._state: tuple[Tensor, ...] | None = None
        self._seconds = 0.0
        self._run = {"options": {**asdict(options), "threads": 0}, "dataset": dataset}
        saved = hosts.file_of_first(folders.checkpoints / checkpoint.FILE_NAME, folders.work / "of-first.safetensors")
        loaded = checkpoint.load(saved, network, self._optimizer, self._run, hosts.rank)
        if loaded is not None:
            progress, carried = loaded
            self._state = tuple(value[:, hosts.lanes(options.streams)] for value in carried) if carried else None
            self.step, self._seconds = progress.step, progress.seconds
            self.history, self.best_loss = progress.history, progress.best_loss
            self._streams.seek(progress.streams)
            _say(f"resuming at step {self.step}")
        self._total = self._total_steps()

    def train(self, stop: Stop) -> bool:
        """True when the run is complete, False when it was stopped. A checkpoint is written in both cases."""
        options = self._options
        started, before = time.monotonic(), self._seconds
        saved = before
        tally, tally_from = Losses(np.zeros(5), 0, 0), time.monotonic()
        while self._fraction() < 1.0:
            if self._hosts.any(stop.raised):
                self._save()
                return False
            losses = self._learn()
            tally = Losses(tally.fields + losses.fields, tally.events + losses.events, tally.notes + losses.notes)
            self.step += 1
            self._seconds = self._hosts.from_first(before + time.monotonic() - started)
            if self.step % options.log_steps == 0 or self._fraction() >= 1.0:
                self._log(tally, time.monotonic() - tally_from)
                tally, tally_from = Losses(np.zeros(5), 0, 0), time.monotonic()
            if self.step % options.evaluate_steps == 0 or self._fraction() >= 1.0:
                self._evaluate()
            if self._seconds - saved > options.checkpoint_minutes * 60:
                self._save()
                saved = self._seconds
        self._save()
        return True

    def best_weights(self) -> Path:
        return self._folders.checkpoints / checkpoint.BEST_NAME

    def summary(self) -> dict[str, float]:
        """Numbers for metrics.json: losses of the best weights, and what the run took."""
        from safetensors.torch import load_file

        self._network.load_state_dict(load_file(self.best_weights()))
        by_style = self._validate(OneHost())
        total = _sum(by_style.values())
        names = ("time", "slot", "duration", "pitch", "velocity")
        numbers = {
            "valid_loss": total.an_event,
            "valid_loss_note": float(total.fields.sum()) / max(1, total.notes),
            "valid_perplexity_event": math.exp(min(50.0, total.an_event)),
            **{f"valid_loss_{name}": float(total.fields[k]) / max(1, total.events) for k, name in enumerate(names)},
            **{f"valid_loss_{style}": losses.an_event for style, losses in by_style.items()},
            **{
                f"valid_loss_note_{style}": float(losses.fields.sum()) / max(1, losses.notes)
                for style, losses in by_style.items()
            },
            "valid_events": float(total.events),
            "steps": float(self.step),
            "epochs": self._epoch(),
            "train_seconds": self._seconds,
            "parameters": float(sum(parameter.numel() for parameter in self._network.parameters())),
        }
        if self.history:
            numbers["train_loss"] = self.history[-1]["train_loss"]
        return {name: round(value, 5) for name, value in numbers.items()}

    def _learn(self) -> Losses:
        """One gradient step."""
        options = self._options
        rate = options.learning_rate * self._rate()
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        batch = self._streams.draw()
        count = _count(batch)
        losses = self._losses(batch.only(self._hosts.lanes(options.streams)))
        loss = losses.sum() / max(1, count.events)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._hosts.add_gradients(self._network)
        nn.utils.clip_grad_norm_(self._network.parameters(), options.clip)
        self._optimizer.step()
        fields = self._hosts.sum(losses.detach().sum(dim=(1, 2)).double().cpu().numpy())
        if not np.isfinite(fields).all():
            raise ValueError("the loss is no longer a number; use a lower learning_rate")
        return Losses(fields, count.events, count.notes)

    def _losses(self, batch: Batch) -> Tensor:
        """Losses (fields, streams, steps) of a batch that goes on from the last."""
        if self._state is not None:
            keep = torch.from_numpy(~batch.fresh).to(self._device, torch.float32)[None, :, None]
            self._state = tuple(value.detach().float() * keep for value in self._state)
        with torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=self._bfloat16):
            losses, self._state = self._network(
                torch.from_numpy(batch.rows).to(self._device), torch.from_numpy(batch.conditions).to(self._device),
                self._state,
            )  # fmt: skip
        return losses  # type: ignore[no-any-return]

    def _validate(self, hosts: Hosts) -> dict[str, Losses]:
        """Losses by style, in full precision, without dropout; each of the hosts measures its share."""
        self._network.eval()
        kept, self._state = self._state, None
        result = {run_.style: Losses(np.zeros(5), 0, 0) for run_ in self._validation}
        bfloat16, self._bfloat16 = self._bfloat16, False
        with torch.no_grad():
            for number, run_ in enumerate(self._validation):
                if not hosts.takes(number):
                    continue
                self._state = None
                for batch in run_.batches:
                    fields = self._losses(batch).sum(dim=(1, 2)).double().cpu().numpy()
                    count = _count(batch)
                    found = Losses(fields, count.events, count.notes)
                    result[run_.style] = _sum([result[run_.style], found])
        self._bfloat16 = bfloat16
        self._state = kept
        self._network.train()
        return {style: losses.over(hosts) for style, losses in result.items()}

    def _evaluate(self) -> None:
        """Measure the validation split, and keep the weights if they are the best so far."""
        loss = _sum(self._validate(self._hosts).values()).an_event
        if self.history:
            self.history[-1]["valid_loss"] = loss
        better = loss < self.best_loss
        self.best_loss = min(loss, self.best_loss)
        if self._hosts.is_first and (better or not self.best_weights().is_file()):
            self._folders.checkpoints.mkdir(parents=True, exist_ok=True)
            checkpoint.save_weights(self._network, self.best_weights())
        _say(f"validation at step {self.step}: {loss:.4f} (best {self.best_loss:.4f})")

    def _log(self, tally: Losses, seconds: float) -> None:
        known = [row["valid_loss"] for row in self.history if "valid_loss" in row]
        fraction = max(self._fraction(), 1e-9)
        eta = self._seconds * (1 - fraction) / fraction
        self.history.append({"step": self.step, "epoch": self._epoch(), "train_loss": tally.an_event})
        if not self._hosts.is_first:
            return
        sys.stdout.write(
            f"[metrics] step={self.step} epoch={self._epoch():.3f} train_loss={tally.an_event:.4f} "
            f"valid_loss={known[-1] if known else math.nan:.4f} "
            f"tokens_per_second={tally.events / max(seconds, 1e-9):.0f} eta_seconds={max(0.0, eta):.0f}\n"
        )
        sys.stdout.flush()

    def _save(self) -> None:
        state = self._hosts.join_lanes(self._state, self._options.streams)
        random = self._hosts.join_random()
        progress = Progress(self.step, self._seconds, self._streams.position(), self.history, self.best_loss, self._run)
        if self._hosts.is_first:
            checkpoint.save(self._folders.checkpoints, self._network, self._optimizer, state, random, progress)

    def _total_steps(self) -> int:
        options = self._options
        an_epoch = self._streams.rows_an_epoch() / (options.streams * options.steps)
        by_epochs = math.ceil(an_epoch * (options.epochs or USUAL_EPOCHS))
        total = max(1 if options.epochs else LEAST_STEPS, by_epochs)
        return min(total, options.max_steps) if options.max_steps else total

    def _fraction(self) -> float:
        """How much of the run is done: 1 when the steps or the minutes are used up."""
        by_time = self._seconds / 60 / self._options.max_minutes if self._options.max_minutes else 0.0
        return max(self.step / self._total, by_time)

    def _rate(self) -> float:
        """Share of the learning rate: a straight rise, then a cosine fall."""
        warm = min(1.0, (self.step + 1) / max(1, self._options.warmup_steps))
        fall = 0.5 * (1 + math.cos(math.pi * min(1.0, self._fraction())))
        return warm * (LAST_LEARNING_RATE + (1 - LAST_LEARNING_RATE) * fall)

    def _epoch(self) -> float:
        return round(self.step * self._options.streams * self._options.steps / self._streams.rows_an_epoch(), 4)


def _prepare(folders: MlFolders, options: TrainingOptions, stop: Stop) -> tuple[TrainingSet, str]:
    """The training rows, and the dataset's identity."""
    channel = folders.channel(CHANNEL)
    if channel is None:
        raise DatasetUnusable(f"the job has no input channel {CHANNEL!r}")
    digest = hashlib.sha256()
    for path in sorted(channel.glob("*.parquet")):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    dataset = digest.hexdigest()
    recipe = BandRecipe.parse(options.band)

    def pieces() -> Iterator[Piece]:
        def watched(source: Iterable[Piece]) -> Iterator[Piece]:
            for piece in source:
                if stop.raised:
                    raise Stopped
                yield piece

        yield from watched(with_band(read_pieces(channel), recipe))

    _say("preparing the training rows")
    key = hashlib.sha256(json.dumps([dataset, options.band, COLUMNS]).encode()).hexdigest()[:16]
    training = build(pieces, folders.work / key)
    _say(f"{len(training.pieces)} pieces, {len(training.rows)} events, styles: {', '.join(training.styles)}")
    return training, dataset


def _count(batch: Batch) -> Losses:
    times = batch.rows[..., _TARGET_TIME]
    notes = int((batch.rows[..., _TARGET_TIME + 1] > 0).sum())
    return Losses(np.zeros(5), int((times >= 0).sum()), notes)


def _sum(losses: Iterable[Losses]) -> Losses:
    found = list(losses)
    fields = sum((each.fields for each in found), start=np.zeros(5))
    return Losses(fields, sum(each.events for each in found), sum(each.notes for each in found))


def _bfloat16(precision: str, device: torch.device) -> bool:
    if precision == "auto":
        return device.type == "cuda" or bool(torch.cpu._is_avx512_bf16_supported())
    return precision == "bfloat16"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
