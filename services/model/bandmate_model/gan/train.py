"""Training of the GAN: dataset channel in, model folder out, as train.py does it for the other families.

A run stopped by SIGTERM leaves a checkpoint and goes on from there bit for bit. Lines of metrics look like train.py's:

    [metrics] step=40 epoch=0.07 train_loss=1.2031 valid_loss=0.8120 tokens_per_second=5120 eta_seconds=1830

train_loss: the critic's mean score of real minus of made blocks, 0 where it prefers the made ones. valid_loss: how far
made blocks lie from those of the validation split, mean over the features of features.py in standard deviations; the
weights with the least of it are kept. Tokens are steps of the roll.
"""

from __future__ import annotations

import copy
import hashlib
import json
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from bandmate_model import checkpoint
from bandmate_model.band import BandRecipe, with_band
from bandmate_model.checkpoint import Progress
from bandmate_model.data import DatasetUnusable, Piece, read_pieces
from bandmate_model.device import find_device
from bandmate_model.environment import MlFolders
from bandmate_model.gan import dataset, features
from bandmate_model.gan.condition import Condition
from bandmate_model.gan.dataset import Batch, BlockSet, Drawing
from bandmate_model.gan.losses import critic_loss, generator_loss, slope_at, slope_between
from bandmate_model.gan.networks import Critic, Generator, Sizes, asked, fire, hold
from bandmate_model.gan.options import GanOptions
from bandmate_model.gan.roll import BLOCK, BLOCK_STEPS, CELLS, PLANES
from bandmate_model.gan.shown import Shown
from bandmate_model.hosts import Resources
from bandmate_model.stop import Stop, Stopped

CHANNEL = "training"
LAST_LEARNING_RATE = 0.05
"""The learning rates end at this share of their height."""
FALL = 0.5
"""They begin to fall after this share of the run."""
USUAL_EPOCHS = 10
LEAST_STEPS = 400
CHANCE_BLOCKS = 256
"""Blocks from which it is counted how often each neuron should fire."""
MOST_GRADIENT = 5.0
"""The generator's gradient is cut to this length."""
_FAR = 1 << 40
"""Batches from here on are never trained on."""
_ONSETS = [plane.onset.stop - plane.onset.start for plane in PLANES]
"""How many neurons for onsets, those with noise, each track has."""


def run(folders: MlFolders, stop: Stop) -> None:
    """Train, and write the model folder unless stopped.

    Raises:
        ValueError, DatasetUnusable, CheckpointUnusable: with messages for people.
        Stopped: before the first step.
    """
    from bandmate_model.gan.publish import publish

    options = GanOptions.parse(folders.hyperparameters())
    hosts = Resources.read(folders.resources).hosts
    if len(hosts) > 1:
        raise ValueError(f"the gan is trained on one host, and the job has {len(hosts)}; set the instance count to 1")
    torch.set_num_threads(options.threads or torch.get_num_threads())
    device = find_device(options.device)
    blocks, identity = _prepare(folders, options, stop)
    trainer = Trainer(folders, options, blocks, device, identity)
    if not trainer.train(stop):
        _say(f"stopped at step {trainer.step}; the checkpoint is written")
        return
    publish(folders, options, blocks, trainer.best_weights(), trainer.sizes, trainer.summary(), identity)
    _say(f"done: {trainer.step} steps, best distance {trainer.best_loss:.4f}")


class Trainer:
    """The loop: critic and generator in turn, evaluation, checkpoints."""

    def __init__(
        self, folders: MlFolders, options: GanOptions, blocks: BlockSet, device: torch.device, identity: str
    ) -> None:
        self.step = 0
        self.best_loss = math.inf
        self.history: list[dict[str, float]] = []
        self._folders, self._options, self._device = folders, options, device
        condition = Condition(tuple(blocks.styles))
        self._drawing = Drawing(blocks, "train", condition=condition, mix_power=options.mix_power, seed=options.seed)
        held = "valid" if blocks.split("valid") else "train"
        self._held = Drawing(blocks, held, condition=condition, mix_power=options.mix_power, seed=options.seed + 1)
        self.sizes = Sizes(
            condition.size, options.step_width, options.beat_width, options.mixers, options.head, options.noise,
            options.bar_noise,
        )  # fmt: skip
        torch.manual_seed(options.seed)
        self.generator = Generator(self.sizes, self._chances()).to(device)
        self.critic = Critic(self.sizes).to(device)
        self.mean = copy.deepcopy(self.generator)
        self._all = nn.ModuleDict({"generator": self.generator, "critic": self.critic, "mean": self.mean})
        betas = (0.5, 0.99)
        self._optimizers = [
            torch.optim.Adam(self.generator.parameters(), lr=options.learning_rate, betas=betas),
            torch.optim.Adam(self.critic.parameters(), lr=options.critic_learning_rate, betas=betas),
        ]
        self._seconds = 0.0
        self._run = {"options": {**asdict(options), "threads": 0}, "dataset": identity}
        path = folders.checkpoints / checkpoint.FILE_NAME
        progress = checkpoint.load(path, self._all, self._optimizers, self._run)
        if progress is not None:
            self.step, self._seconds = progress.step, progress.seconds
            self.history, self.best_loss = progress.history, progress.best_loss
            _say(f"resuming at step {self.step}")
        self._total = self._total_steps()
        self._references = {mode: self._reference(mode) for mode in ("nothing", "melody")}

    def train(self, stop: Stop) -> bool:
        """True when the run is complete, False when it was stopped. A checkpoint is written in both cases."""
        options = self._options
        started, before = time.monotonic(), self._seconds
        saved = before
        gaps: list[float] = []
        since = time.monotonic()
        while self._fraction() < 1.0:
            if stop.raised:
                self._save()
                return False
            gaps.append(self._learn())
            self.step += 1
            self._seconds = before + time.monotonic() - started
            if self.step % options.log_steps == 0 or self._fraction() >= 1.0:
                self._log(max(0.0, float(np.mean(gaps))), len(gaps), time.monotonic() - since)
                gaps, since = [], time.monotonic()
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
        """Numbers for metrics.json, of the best weights: distances, features of made and real blocks, critic scores."""
        from safetensors.torch import load_file

        self.mean.load_state_dict(load_file(self.best_weights()))
        numbers: dict[str, float] = {}
        for mode in self._references:
            made, found = self.measure(mode)
            numbers[f"distance.{mode}"] = found.total
            for name, value in features.means(made).items():
                numbers[f"{mode}.{name}.generated"] = value
            for name, value in features.means(self._references[mode]).items():
                numbers[f"{mode}.{name}.reference"] = value
        numbers["valid_loss"] = float(np.mean([numbers[f"distance.{mode}"] for mode in self._references]))
        numbers |= self.critic_scores()
        numbers |= {
            "steps": float(self.step), "epochs": self._epoch(), "train_seconds": self._seconds,
            "parameters": float(sum(parameter.numel() for parameter in self.generator.parameters())),
            "critic_parameters": float(sum(parameter.numel() for parameter in self.critic.parameters())),
        }  # fmt: skip
        if self.history:
            numbers["train_loss"] = self.history[-1]["train_loss"]
        return {name: round(value, 5) for name, value in numbers.items()}

    def measure(self, mode: str) -> tuple[features.Floats, features.Distance]:
        """Features of made blocks, and how far they lie from the validation split's. `mode`: what is given."""
        found = []
        with torch.no_grad():
            for number, batch in self._held_batches(mode):
                cells = self._made(self.mean, Shown.of(batch, self._device), self._random(number, salt=1))
                roll = (cells[:, BLOCK_STEPS:] > 0.5).cpu().numpy()
                found.append(features.measure(roll, batch.there[:, BLOCK_STEPS:], batch.active))
        made = np.concatenate(found)
        return made, features.distance(made, self._references[mode])

    def critic_scores(self) -> dict[str, float]:
        """The critic's mean scores of real training and validation blocks and of made ones. Validation far below
        training means that the critic knows its training blocks by heart."""
        scores: dict[str, list[float]] = {"train": [], "valid": [], "made": []}
        with torch.no_grad():
            for number, batch in self._held_batches("nothing"):
                own = Shown.of(self._drawing.draw(_FAR + number, len(batch.roll), given="nothing"), self._device)
                held = Shown.of(batch, self._device)
                made = self._made(self.mean, held, self._random(number, salt=1))
                for name, shown, cells in (
                    ("train", own, own.cells),
                    ("valid", held, held.cells),
                    ("made", held, made),
                ):
                    scores[name].append(float(self._score(shown, cells).mean()))
        return {f"critic.{name}": float(np.mean(values)) for name, values in scores.items()}

    def _learn(self) -> float:
        """One step of the generator, with the critic's before it. The critic's mean of real minus made."""
        options = self._options
        rate = self._rate()
        heights = (options.learning_rate, options.critic_learning_rate)
        for optimizer, height in zip(self._optimizers, heights, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = height * rate
        random = self._random(self.step, salt=0)
        turns = options.critic_steps + 1
        contested = self._fraction() >= options.warmup_share
        gap = 0.0
        for turn in range(options.critic_steps):
            batch = self._drawing.draw(self.step * turns + turn, options.batch)
            gap = self.learn_critic(batch, random, penalised=self.step % options.penalty_steps == 0)
        batch = self._drawing.draw(self.step * turns + turns - 1, options.batch)
        loss = self._learn_generator(batch, random, contested=contested)
        if not (math.isfinite(gap) and math.isfinite(loss)):
            raise ValueError(
                "the loss is no longer a number; use a lower learning_rate or critic_learning_rate, or a larger penalty"
            )
        return gap

    def learn_critic(self, batch: Batch, random: torch.Generator, *, penalised: bool) -> float:
        """One step of the critic. Its mean score of real minus of made blocks, before the step."""
        options, shown = self._options, Shown.of(batch, self._device)
        with torch.no_grad():
            made = self._made(self.generator, shown, random)
        before, real = shown.cells[:, :BLOCK_STEPS], shown.cells[:, BLOCK_STEPS:]
        penalised = penalised and options.penalty > 0
        if penalised and options.loss == "logistic":  # The slope at the real blocks needs no look at them but this one.
            real.requires_grad_(True)
        real_scores = self._score(shown, torch.cat([before, real], dim=1))
        made_scores = self._score(shown, made)
        loss = critic_loss(options.loss, real_scores, made_scores)
        if penalised:

            def score(block: Tensor) -> Tensor:
                return self._score(shown, torch.cat([before, block], dim=1))

            weight = options.penalty * options.penalty_steps
            if options.loss == "logistic":
                loss = loss + weight * slope_at(real, real_scores)
            else:
                mix = torch.rand((len(real), 1, 1), generator=random).to(self._device)
                loss = loss + weight * slope_between(score, real, made[:, BLOCK_STEPS:], mix)
        optimizer = self._optimizers[1]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        return float((real_scores.mean() - made_scores.mean()).detach())

    def _learn_generator(self, batch: Batch, random: torch.Generator, *, contested: bool) -> float:
        options, shown = self._options, Shown.of(batch, self._device)
        logits = self._logits(self.generator, shown, random)
        real = shown.cells[:, BLOCK_STEPS:]
        wrong = nn.functional.binary_cross_entropy_with_logits(logits, real, reduction="none")
        likelihood = (wrong * (shown.free * asked(real))).sum() / (shown.free.sum() / CELLS).clamp(min=1.0)
        fraction = min(1.0, self._fraction())
        weight = options.imitation + (options.imitation_last - options.imitation) * fraction
        loss = weight * likelihood
        if contested:
            made = shown.with_made(self._fired(logits, random))
            loss = loss + generator_loss(options.loss, self._score(shown, made))
        optimizer = self._optimizers[0]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.generator.parameters(), MOST_GRADIENT)
        optimizer.step()
        decay = min(options.averaging, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for slow, fast in zip(self.mean.parameters(), self.generator.parameters(), strict=True):
                slow.lerp_(fast, 1 - decay)
        return float(loss.detach())

    def _logits(self, generator: Generator, shown: Shown, random: torch.Generator) -> Tensor:
        size = len(shown.cells)
        noise = torch.randn((size, self.sizes.noise), generator=random).to(self._device)
        bars = torch.randn((size, BLOCK, self.sizes.bar_noise), generator=random).to(self._device)
        logits: Tensor = generator(shown.known, shown.told, shown.condition, noise, bars)
        return logits

    def _fired(self, logits: Tensor, random: torch.Generator) -> Tensor:
        """The block's roll: onsets by chance, lengths by the logits alone."""
        uniform = torch.rand((*logits.shape[:-1], sum(_ONSETS)), generator=random).clamp_(1e-6, 1 - 1e-6)
        own = (torch.logit(uniform) * self._options.neuron_noise).to(self._device)
        noise = torch.zeros_like(logits)
        for plane, values in zip(PLANES, torch.split(own, _ONSETS, dim=-1), strict=True):
            noise[..., plane.onset] = values
        return hold(fire(logits, noise))

    def _made(self, generator: Generator, shown: Shown, random: torch.Generator) -> Tensor:
        """(B, WINDOW_STEPS, CELLS): the windows with their free cells made."""
        return shown.with_made(self._fired(self._logits(generator, shown, random), random))

    def _score(self, shown: Shown, cells: Tensor) -> Tensor:
        scores: Tensor = self.critic(cells, shown.told, shown.condition)
        return scores

    def _random(self, number: int, *, salt: int) -> torch.Generator:
        """Numbers that depend on the seed and the step alone: nothing of them has to be kept in a checkpoint."""
        seed = np.random.SeedSequence([self._options.seed, salt, number]).generate_state(1, np.uint64)[0]
        return torch.Generator().manual_seed(int(seed) >> 1)

    def _held_batches(self, mode: str) -> Iterator[tuple[int, Batch]]:
        size = min(64, self._options.evaluation_blocks)
        for number in range(-(-self._options.evaluation_blocks // size)):
            yield number, self._held.draw(number, size, given=mode)

    def _reference(self, mode: str) -> features.Floats:
        rolls = [batch for _, batch in self._held_batches(mode)]
        return np.concatenate(
            [features.measure(each.roll[:, BLOCK_STEPS:], each.there[:, BLOCK_STEPS:], each.active) for each in rolls]
        )

    def _chances(self) -> Tensor:
        """(CELLS,): how often each neuron should fire where its track plays."""
        batch = self._drawing.draw(0, CHANCE_BLOCKS, given="nothing")
        block = torch.from_numpy(batch.roll[:, BLOCK_STEPS:].astype(np.float32))
        weights = asked(block) * torch.from_numpy(batch.free())
        set_, looked_at = (block * weights).sum(dim=(0, 1)), weights.sum(dim=(0, 1))
        return (set_ + 0.1) / (looked_at + 1.0)

    def _evaluate(self) -> None:
        loss = float(np.mean([self.measure(mode)[1].total for mode in self._references]))
        if self.history:
            self.history[-1]["valid_loss"] = loss
        better = loss < self.best_loss
        self.best_loss = min(loss, self.best_loss)
        if better or not self.best_weights().is_file():
            self._folders.checkpoints.mkdir(parents=True, exist_ok=True)
            checkpoint.save_weights(self.mean, self.best_weights())
        _say(f"validation at step {self.step}: {loss:.4f} (best {self.best_loss:.4f})")

    def _log(self, gap: float, steps: int, seconds: float) -> None:
        known = [row["valid_loss"] for row in self.history if "valid_loss" in row]
        fraction = max(self._fraction(), 1e-9)
        eta = self._seconds * (1 - fraction) / fraction
        self.history.append({"step": self.step, "epoch": self._epoch(), "train_loss": gap})
        rate = steps * self._options.batch * BLOCK_STEPS / max(seconds, 1e-9)
        _say(
            f"[metrics] step={self.step} epoch={self._epoch():.3f} train_loss={gap:.4f} "
            f"valid_loss={known[-1] if known else math.nan:.4f} "
            f"tokens_per_second={rate:.0f} eta_seconds={max(0.0, eta):.0f}"
        )

    def _save(self) -> None:
        progress = Progress(self.step, self._seconds, {}, self.history, self.best_loss, 0, self._run)
        checkpoint.save(self._folders.checkpoints, self._all, self._optimizers, progress)

    def _total_steps(self) -> int:
        options = self._options
        by_epochs = math.ceil(self._drawing.slices / options.batch * (options.epochs or USUAL_EPOCHS))
        total = max(1 if options.epochs else LEAST_STEPS, by_epochs)
        return min(total, options.max_steps) if options.max_steps else total

    def _fraction(self) -> float:
        """How much of the run is done: 1 when the steps or the minutes are used up."""
        by_time = self._seconds / 60 / self._options.max_minutes if self._options.max_minutes else 0.0
        return max(self.step / self._total, by_time)

    def _rate(self) -> float:
        """Share of the learning rates: level at first, then a cosine fall."""
        gone = max(0.0, min(1.0, (self._fraction() - FALL) / (1 - FALL)))
        return LAST_LEARNING_RATE + (1 - LAST_LEARNING_RATE) * 0.5 * (1 + math.cos(math.pi * gone))

    def _epoch(self) -> float:
        return round(self.step * self._options.batch / self._drawing.slices, 4)


def _prepare(folders: MlFolders, options: GanOptions, stop: Stop) -> tuple[BlockSet, str]:
    """The blocks, and the dataset's identity."""
    channel = folders.channel(CHANNEL)
    if channel is None:
        raise DatasetUnusable(f"the job has no input channel {CHANNEL!r}")
    digest = hashlib.sha256()
    for path in sorted(channel.glob("*.parquet")):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    identity = digest.hexdigest()

    def pieces() -> Iterator[Piece]:
        for piece in with_band(read_pieces(channel), BandRecipe.parse(options.band)):
            if stop.raised:
                raise Stopped
            yield piece

    _say("preparing the blocks")
    key = hashlib.sha256(json.dumps([identity, options.band, dataset.VERSION]).encode()).hexdigest()[:16]
    blocks = dataset.build(pieces, folders.work / f"gan-{key}")
    _say(f"{len(blocks.pieces)} pieces, {len(blocks.notes)} notes, styles: {', '.join(blocks.styles)}")
    return blocks, identity


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
