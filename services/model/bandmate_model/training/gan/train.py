"""Training of the GAN: critic and generator in turn.

In the metrics lines train_loss is the critic's mean score of real minus generated blocks, 0 where it prefers generated
ones. valid_loss is the distance of generated blocks from those of the validation split, mean over the features of
features.py in standard deviations; the weights with the smallest are kept. Tokens are steps of the roll.
"""

from __future__ import annotations

import copy
import hashlib
import json
import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn

from bandmate_model.gan.condition import Condition
from bandmate_model.gan.roll import BLOCK, BLOCK_STEPS, CELLS, PLANES
from bandmate_model.training.device import find_device
from bandmate_model.training.distributed import OneHost
from bandmate_model.training.environment import MlFolders
from bandmate_model.training.gan import dataset, features
from bandmate_model.training.gan.dataset import Batch, BlockSet, Drawing
from bandmate_model.training.gan.device_batch import DeviceBatch
from bandmate_model.training.gan.losses import critic_loss, generator_loss, r1_penalty
from bandmate_model.training.gan.networks import Critic, Generator, Sizes, fire, hold, neuron_mask
from bandmate_model.training.gan.options import GanOptions
from bandmate_model.training.gan.publish import publish
from bandmate_model.training.hosts import Resources
from bandmate_model.training.loop import LossNotFinite, TrainingLoop, say
from bandmate_model.training.source import DatasetSource
from bandmate_model.training.stop import Stop

LAST_LEARNING_RATE = 0.05
"""The learning rates end at this share of their peak."""
DECAY_START = 0.5
"""Share of the run after which the learning rates begin to fall."""
USUAL_EPOCHS = 10
CHANCE_BLOCKS = 256
"""How many blocks are used to measure how often each neuron should fire."""
MAX_GRADIENT_NORM = 5.0
"""The generator's gradient is clipped to this norm."""
_UNTRAINED_BATCHES = 1 << 40
"""Batches from this number on are not used for training."""
_ONSETS = [plane.onset.stop - plane.onset.start for plane in PLANES]
"""Neurons for onsets of each track: those with noise."""


def run(folders: MlFolders, stop: Stop) -> None:
    """Train, and write the model folder unless stopped.

    Raises:
        ValueError, DatasetUnusable, CheckpointUnusable: with messages for people.
        Stopped: before the first step.
    """
    options = GanOptions.parse(folders.hyperparameters())
    hosts = Resources.read(folders.resources).hosts
    if len(hosts) > 1:
        raise ValueError(f"the gan is trained on one host, and the job has {len(hosts)}; set the instance count to 1")
    torch.set_num_threads(options.threads or torch.get_num_threads())
    device = find_device(options.device)
    source = DatasetSource.open(folders)
    say("preparing the blocks")
    key = hashlib.sha256(json.dumps([source.sha256, options.band, dataset.VERSION]).encode()).hexdigest()[:16]
    blocks = dataset.build(lambda: source.pieces(options.band, stop), folders.work / f"gan-{key}")
    say(f"{len(blocks.pieces)} pieces, {len(blocks.notes)} notes, styles: {', '.join(blocks.styles)}")
    trainer = GanTrainer(folders, options, blocks, device, source.sha256)
    if not trainer.train(stop):
        say(f"stopped at step {trainer.step}; the checkpoint is written")
        return
    publish(folders, options, blocks, trainer.best_weights(), trainer.sizes, trainer.summary(), source)
    say(f"done: {trainer.step} steps, best distance {trainer.best_loss:.4f}")


class GanTrainer(TrainingLoop):
    """One run of the GAN. Constructed again with the folders of a run that was stopped, it resumes there."""

    _options: GanOptions
    tally_size = 2

    def __init__(
        self, folders: MlFolders, options: GanOptions, blocks: BlockSet, device: torch.device, identity: str
    ) -> None:
        self._device = device
        condition = Condition(tuple(blocks.styles))
        self._drawing = Drawing(blocks, "train", condition=condition, mix_power=options.mix_power, seed=options.seed)
        split = "valid" if blocks.split("valid") else "train"
        self._held_out = Drawing(blocks, split, condition=condition, mix_power=options.mix_power, seed=options.seed + 1)
        widths = (options.step_width, options.beat_width, options.mixers, options.head)
        self.sizes = Sizes(condition.size, *widths, options.noise, options.bar_noise)
        torch.manual_seed(options.seed)
        self.generator = Generator(self.sizes, self._firing_rates()).to(device)
        self.critic = Critic(self.sizes).to(device)
        self.mean = copy.deepcopy(self.generator)
        betas = (0.5, 0.99)
        super().__init__(
            folders,
            options,
            OneHost(),
            trained=nn.ModuleDict({"generator": self.generator, "critic": self.critic, "mean": self.mean}),
            published=self.mean,
            optimizers=[
                torch.optim.Adam(self.generator.parameters(), lr=options.learning_rate, betas=betas),
                torch.optim.Adam(self.critic.parameters(), lr=options.critic_learning_rate, betas=betas),
            ],
            run={"options": options.decisive(), "dataset": identity},
            steps_per_epoch=self._drawing.slices / options.batch,
            usual_epochs=USUAL_EPOCHS,
            tokens_per_step=options.batch * BLOCK_STEPS,
        )
        self._resume()
        self._references = {mode: self._reference(mode) for mode in ("nothing", "melody")}

    def summary(self) -> dict[str, float]:
        """Numbers for metrics.json, of the best weights: distances, features and critic scores."""
        self.mean.load_state_dict(load_file(self.best_weights()))
        numbers: dict[str, float] = {}
        for mode in self._references:
            generated, distance = self.measure(mode)
            numbers[f"distance.{mode}"] = distance.total
            for name, value in features.means(generated).items():
                numbers[f"{mode}.{name}.generated"] = value
            for name, value in features.means(self._references[mode]).items():
                numbers[f"{mode}.{name}.reference"] = value
        numbers["valid_loss"] = float(np.mean([numbers[f"distance.{mode}"] for mode in self._references]))
        numbers |= self.critic_scores()
        numbers |= self._run_numbers()
        numbers["critic_parameters"] = float(sum(parameter.numel() for parameter in self.critic.parameters()))
        return {name: round(value, 5) for name, value in numbers.items()}

    def measure(self, mode: str) -> tuple[features.Floats, features.Distance]:
        """Features of generated blocks, and their distance from the validation split's. `mode`: what is given."""
        measured = []
        with torch.no_grad():
            for number, batch in self._held_out_batches(mode):
                cells = self._generate(self.mean, DeviceBatch.of(batch, self._device), self._random(number, salt=1))
                roll = (cells[:, BLOCK_STEPS:] > 0.5).cpu().numpy()
                measured.append(features.measure(roll, batch.present[:, BLOCK_STEPS:], batch.active))
        generated = np.concatenate(measured)
        return generated, features.distance(generated, self._references[mode])

    def critic_scores(self) -> dict[str, float]:
        """The critic's mean scores of training, validation and generated blocks. Validation far below training means
        that the critic has memorised its training blocks."""
        scores: dict[str, list[float]] = {"train": [], "valid": [], "made": []}
        with torch.no_grad():
            for number, batch in self._held_out_batches("nothing"):
                drawn = self._drawing.draw(_UNTRAINED_BATCHES + number, len(batch.roll), given="nothing")
                train, valid = DeviceBatch.of(drawn, self._device), DeviceBatch.of(batch, self._device)
                generated = self._generate(self.mean, valid, self._random(number, salt=1))
                for name, source, cells in (
                    ("train", train, train.cells),
                    ("valid", valid, valid.cells),
                    ("made", valid, generated),
                ):
                    scores[name].append(float(self._score(source, cells).mean()))
        return {f"critic.{name}": float(np.mean(values)) for name, values in scores.items()}

    def _train_loss(self, tally: NDArray[np.float64]) -> float:
        gaps, steps = tally
        return max(0.0, float(gaps / max(1.0, steps)))

    def _validate(self) -> float:
        return float(np.mean([self.measure(mode)[1].total for mode in self._references]))

    def _learn(self) -> Sequence[float]:
        """The critic's steps and one of the generator; returns the critic's mean of real minus generated, and 1."""
        options = self._options
        rate = self._rate()
        peaks = (options.learning_rate, options.critic_learning_rate)
        for optimizer, peak in zip(self._optimizers, peaks, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = peak * rate
        random = self._random(self.step, salt=0)
        turns = options.critic_steps + 1
        adversarial = self._fraction() >= options.warmup_share
        gap = 0.0
        for turn in range(options.critic_steps):
            batch = self._drawing.draw(self.step * turns + turn, options.batch)
            gap = self.learn_critic(batch, random, penalised=self.step % options.penalty_steps == 0)
        batch = self._drawing.draw(self.step * turns + turns - 1, options.batch)
        loss = self._learn_generator(batch, random, adversarial=adversarial)
        if not (math.isfinite(gap) and math.isfinite(loss)):
            raise LossNotFinite(
                "the loss is not a finite number; use a lower learning_rate or critic_learning_rate, "
                "or a larger penalty"
            )
        return gap, 1.0

    def learn_critic(self, batch: Batch, random: torch.Generator, *, penalised: bool) -> float:
        """One step of the critic; returns its mean score of real minus of generated blocks, before the step."""
        options, source = self._options, DeviceBatch.of(batch, self._device)
        with torch.no_grad():
            generated = self._generate(self.generator, source, random)
        before, real = source.cells[:, :BLOCK_STEPS], source.cells[:, BLOCK_STEPS:]
        penalised = penalised and options.penalty > 0
        if penalised:
            real.requires_grad_(True)
        real_scores = self._score(source, torch.cat([before, real], dim=1))
        generated_scores = self._score(source, generated)
        loss = critic_loss(real_scores, generated_scores)
        if penalised:
            loss = loss + options.penalty * options.penalty_steps * r1_penalty(real, real_scores)
        optimizer = self._optimizers[1]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        return float((real_scores.mean() - generated_scores.mean()).detach())

    def _learn_generator(self, batch: Batch, random: torch.Generator, *, adversarial: bool) -> float:
        options, source = self._options, DeviceBatch.of(batch, self._device)
        logits = self._logits(self.generator, source, random)
        real = source.cells[:, BLOCK_STEPS:]
        wrong = nn.functional.binary_cross_entropy_with_logits(logits, real, reduction="none")
        likelihood = (wrong * (source.free * neuron_mask(real))).sum() / (source.free.sum() / CELLS).clamp(min=1.0)
        fraction = min(1.0, self._fraction())
        weight = options.imitation + (options.imitation_last - options.imitation) * fraction
        loss = weight * likelihood
        if adversarial:
            generated = source.with_generated(self._fire(logits, random))
            loss = loss + generator_loss(self._score(source, generated))
        optimizer = self._optimizers[0]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.generator.parameters(), MAX_GRADIENT_NORM)
        optimizer.step()
        decay = min(options.averaging, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for slow, fast in zip(self.mean.parameters(), self.generator.parameters(), strict=True):
                slow.lerp_(fast, 1 - decay)
        return float(loss.detach())

    def _logits(self, generator: Generator, source: DeviceBatch, random: torch.Generator) -> Tensor:
        size = len(source.cells)
        noise = torch.randn((size, self.sizes.noise), generator=random).to(self._device)
        bars = torch.randn((size, BLOCK, self.sizes.bar_noise), generator=random).to(self._device)
        logits: Tensor = generator(source.known, source.marks, source.condition, noise, bars)
        return logits

    def _fire(self, logits: Tensor, random: torch.Generator) -> Tensor:
        """The block's roll: onsets sampled, lengths by the logits alone."""
        uniform = torch.rand((*logits.shape[:-1], sum(_ONSETS)), generator=random).clamp_(1e-6, 1 - 1e-6)
        sampled = (torch.logit(uniform) * self._options.neuron_noise).to(self._device)
        noise = torch.zeros_like(logits)
        for plane, values in zip(PLANES, torch.split(sampled, _ONSETS, dim=-1), strict=True):
            noise[..., plane.onset] = values
        return hold(fire(logits, noise))

    def _generate(self, generator: Generator, source: DeviceBatch, random: torch.Generator) -> Tensor:
        """(B, WINDOW_STEPS, CELLS): the windows with their free cells generated."""
        return source.with_generated(self._fire(self._logits(generator, source, random), random))

    def _score(self, source: DeviceBatch, cells: Tensor) -> Tensor:
        scores: Tensor = self.critic(cells, source.marks, source.condition)
        return scores

    def _random(self, number: int, *, salt: int) -> torch.Generator:
        """Random numbers from seed, salt and step alone, so that a checkpoint need not keep the generator's state."""
        seed = np.random.SeedSequence([self._options.seed, salt, number]).generate_state(1, np.uint64)[0]
        return torch.Generator().manual_seed(int(seed) >> 1)

    def _held_out_batches(self, mode: str) -> Iterator[tuple[int, Batch]]:
        size = min(64, self._options.evaluation_blocks)
        for number in range(-(-self._options.evaluation_blocks // size)):
            yield number, self._held_out.draw(number, size, given=mode)

    def _reference(self, mode: str) -> features.Floats:
        return np.concatenate(
            [
                features.measure(batch.roll[:, BLOCK_STEPS:], batch.present[:, BLOCK_STEPS:], batch.active)
                for _, batch in self._held_out_batches(mode)
            ]
        )

    def _firing_rates(self) -> Tensor:
        """(CELLS,): how often each neuron should fire where its track plays."""
        batch = self._drawing.draw(0, CHANCE_BLOCKS, given="nothing")
        block = torch.from_numpy(batch.roll[:, BLOCK_STEPS:].astype(np.float32))
        weights = neuron_mask(block) * torch.from_numpy(batch.free())
        fired, total = (block * weights).sum(dim=(0, 1)), weights.sum(dim=(0, 1))
        return (fired + 0.1) / (total + 1.0)

    def _rate(self) -> float:
        """Share of the peak learning rates: constant at first, then cosine decay."""
        decayed = max(0.0, min(1.0, (self._fraction() - DECAY_START) / (1 - DECAY_START)))
        return LAST_LEARNING_RATE + (1 - LAST_LEARNING_RATE) * 0.5 * (1 + math.cos(math.pi * decayed))
