"""Generator and critic, in torch: for training only. runtime.py runs the generator in numpy.

Both read a window of eight slices, the block in its second half. Steps are embedded, six of them joined to a beat, and
the 32 beats pass mixers (Tolstikhin et al., 2021): a dense layer across the beats, so that a bar can repeat an earlier
one, and one across the channels. The generator goes back from beats to steps, with a separate head for each track."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from bandmate_model.gan.roll import (
    BEAT_STEPS,
    BEATS,
    BLOCK,
    BLOCK_STEPS,
    CELLS,
    DRUMS,
    KIT,
    PITCHED,
    PITCHES,
    PLANES,
    SLICE_STEPS,
    TRACKS,
)

BLOCK_BEATS = BLOCK * BEATS
WINDOW_BEATS = 2 * BLOCK_BEATS
MARKS = len(TRACKS) + 2
INPUTS = CELLS + MARKS
SLOPE = 0.2
EPSILON = 1e-5


@dataclass(frozen=True, slots=True)
class Sizes:
    """Widths. `noise` numbers are drawn for the block, `bar_noise` for each of its slices."""

    condition: int
    step: int = 48
    beat: int = 96
    mixers: int = 3
    head: int = 40
    noise: int = 48
    bar_noise: int = 16


def marks(known: Tensor, present: Tensor) -> Tensor:
    """(B, WINDOW_STEPS, MARKS): of each step which tracks are known, whether it exists, whether it is of the block.

    `known` (B, slices, tracks), `present` (B, WINDOW_STEPS).
    """
    known_steps = known.repeat_interleave(SLICE_STEPS, dim=1)
    block = torch.zeros_like(present)
    block[:, BLOCK_STEPS:] = 1.0
    return torch.cat([known_steps, present[..., None], block[..., None]], dim=2)


def _fold() -> Tensor:
    """(cells, planes * 12 + kit): which pitch class of which plane a cell is."""
    groups = []
    for track in PITCHED:
        for plane in (PLANES[track].onset, PLANES[track].sounding):
            groups.append((plane.start, PITCHES[track], 12))
    matrix = torch.zeros(CELLS, 12 * len(groups) + len(KIT))
    for number, (first_cell, pitches, classes) in enumerate(groups):
        for row in range(pitches):
            matrix[first_cell + row, classes * number + row % 12] = 1.0
    drums = PLANES[DRUMS].onset
    matrix[drums.start : drums.stop, 12 * len(groups) :] = torch.eye(len(KIT))
    return matrix


class StepEmbedding(nn.Module):
    """A linear layer whose weight of a pitch is its own plus its pitch class's: so octaves start out alike."""

    fold: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("fold", _fold(), persistent=False)
        self.own = nn.Parameter(torch.randn(width, INPUTS) * 0.15)
        self.shared = nn.Parameter(torch.randn(width, self.fold.shape[1]) * 0.15)
        self.bias = nn.Parameter(torch.zeros(width))

    def weight(self) -> Tensor:
        return self.own + functional.pad(self.shared @ self.fold.T, (0, MARKS))

    def forward(self, cells: Tensor, step_marks: Tensor) -> Tensor:
        """(B, steps, width) of cells (B, steps, CELLS) and marks (B, steps, MARKS)."""
        weight = self.weight()
        beside = functional.linear(step_marks, weight[:, CELLS:], self.bias)
        return functional.linear(cells, weight[:, :CELLS]) + beside


class Mixer(nn.Module):
    """Mixes the beats, then the channels, each with a residual connection."""

    def __init__(self, beats: int, width: int) -> None:
        super().__init__()
        self.across_in, self.across_out = nn.Linear(beats, 2 * beats), nn.Linear(2 * beats, beats)
        self.along_in, self.along_out = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        for layer in (self.across_out, self.along_out):
            nn.init.normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)

    def forward(self, beats: Tensor) -> Tensor:
        mixed = self.across_out(_leaky(self.across_in(_normal(beats).transpose(1, 2)))).transpose(1, 2)
        beats = beats + mixed
        result: Tensor = beats + self.along_out(_leaky(self.along_in(_normal(beats))))
        return result


class Generator(nn.Module):
    """Known cells, condition and noise to the logits of the block's cells."""

    def __init__(self, sizes: Sizes, chances: Tensor | None = None) -> None:
        """`chances` (CELLS,): how often each neuron should fire, which initialises the outputs."""
        super().__init__()
        self.sizes = sizes
        self.embed = StepEmbedding(sizes.step)
        self.join = nn.Linear(BEAT_STEPS * sizes.step, sizes.beat)
        self.place = nn.Parameter(torch.randn(WINDOW_BEATS, sizes.beat) * 0.1)
        self.condition = nn.Linear(sizes.condition, sizes.beat)
        self.noise = nn.Linear(sizes.noise, sizes.beat, bias=False)
        self.bar_noise = nn.Linear(sizes.bar_noise, sizes.beat, bias=False)
        self.mixers = nn.ModuleList([Mixer(WINDOW_BEATS, sizes.beat) for _ in range(sizes.mixers)])
        self.part = nn.Linear(sizes.beat, BEAT_STEPS * sizes.step)
        self.beside = nn.Linear(sizes.step, sizes.step, bias=False)
        self.near = nn.Linear(3 * sizes.step, sizes.step)
        self.enter = nn.ModuleList([nn.Linear(sizes.step, sizes.head) for _ in TRACKS])
        self.leave = nn.ModuleList([nn.Linear(sizes.head, plane.sounding.stop - plane.onset.start) for plane in PLANES])
        if chances is not None:
            odds = torch.logit(chances.clamp(3e-4, 0.97))
            for plane, head in zip(PLANES, self.leave, strict=True):
                assert isinstance(head, nn.Linear), "made above"
                with torch.no_grad():
                    head.bias.copy_(odds[plane.onset.start : plane.sounding.stop])

    def forward(self, cells: Tensor, step_marks: Tensor, condition: Tensor, noise: Tensor, bar_noise: Tensor) -> Tensor:
        """(B, BLOCK_STEPS, CELLS), of what is known, `marks`, and noises (B, noise) and (B, BLOCK, bar_noise)."""
        sizes = self.sizes
        steps = _leaky(self.embed(cells, step_marks))
        beats = _leaky(self.join(steps.reshape(len(cells), WINDOW_BEATS, BEAT_STEPS * sizes.step)))
        bar_beats = self.bar_noise(bar_noise).repeat_interleave(BEATS, dim=1)
        context = (self.condition(condition) + self.noise(noise))[:, None]
        beats = beats + self.place + context + functional.pad(bar_beats, (0, 0, BLOCK_BEATS, 0))
        for mixer in self.mixers:
            beats = mixer(beats)
        part = self.part(beats[:, BLOCK_BEATS:]).reshape(len(cells), BLOCK_STEPS, sizes.step)
        fine = _leaky(part + self.beside(steps[:, BLOCK_STEPS:]))
        around = functional.pad(fine, (0, 0, 1, 1))
        fine = fine + _leaky(self.near(torch.cat([around[:, :-2], fine, around[:, 2:]], dim=2)))
        heads = zip(self.enter, self.leave, strict=True)
        return torch.cat([leave(_leaky(enter(fine))) for enter, leave in heads], dim=2)


class Critic(nn.Module):
    """The realism of a window: the sum of a score for each beat of the block and one for the whole."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.embed = StepEmbedding(sizes.step)
        self.join = nn.Linear(BEAT_STEPS * sizes.step, sizes.beat)
        self.place = nn.Parameter(torch.randn(WINDOW_BEATS, sizes.beat) * 0.1)
        self.condition = nn.Linear(sizes.condition, sizes.beat)
        self.mixers = nn.ModuleList([Mixer(WINDOW_BEATS, sizes.beat) for _ in range(max(1, sizes.mixers - 1))])
        self.local = nn.Linear(sizes.beat + 1, 1)
        self.whole = nn.Sequential(
            nn.Linear(BLOCK_BEATS * sizes.beat, sizes.beat), nn.LeakyReLU(SLOPE), nn.Linear(sizes.beat, 1)
        )

    def forward(self, cells: Tensor, step_marks: Tensor, condition: Tensor) -> Tensor:
        """(B,) of whole windows, `marks`, conditions. The spread of the batch is an input, so that a lack of variety
        can be detected."""
        steps = _leaky(self.embed(cells, step_marks))
        beats = _leaky(self.join(steps.reshape(len(cells), WINDOW_BEATS, -1)))
        beats = beats + self.place + self.condition(condition)[:, None]
        for mixer in self.mixers:
            beats = mixer(beats)
        beats = _normal(beats[:, BLOCK_BEATS:])
        spread = torch.sqrt(beats.var(dim=0, unbiased=False) + 1e-6).mean().expand(len(cells), BLOCK_BEATS, 1)
        local = self.local(torch.cat([beats, spread], dim=2)).mean(dim=(1, 2))
        result: Tensor = local + self.whole(beats.reshape(len(cells), -1))[:, 0]
        return result


def fire(logits: Tensor, noise: Tensor | None = None) -> Tensor:
    """Binary neurons: 1 where a logit, with `noise` added, is above 0. Gradients pass as through the sigmoid (Dong and
    Yang, 2018)."""
    fired: Tensor = _Fired.apply(logits if noise is None else logits + noise)  # type: ignore[no-untyped-call]
    return fired


class _Fired(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, raised: Tensor) -> Tensor:
        context.save_for_backward(raised)
        return (raised > 0).to(raised.dtype)

    @staticmethod
    @once_differentiable
    def backward(context: Any, slope: Tensor) -> Tensor:
        soft = torch.sigmoid(context.saved_tensors[0])
        return slope * (soft * (1 - soft))


def hold(fired: Tensor) -> Tensor:
    """A roll from the neurons' outputs: (B, steps, CELLS) each. In the sounding planes a neuron says whether a pitch
    that sounds continues to sound. So a note's length is decided step by step after its onset, which independent
    neurons could not do."""
    onset = torch.cat([fired[..., PLANES[track].onset] for track in PITCHED], dim=-1)
    gate = torch.cat([fired[..., PLANES[track].sounding] for track in PITCHED], dim=-1)
    sounding: Tensor = _Sounding.apply(onset, gate)  # type: ignore[no-untyped-call]
    sizes = list(PITCHES)
    planes = zip(torch.split(onset, sizes, dim=-1), torch.split(sounding, sizes, dim=-1), strict=True)
    return torch.cat([*(cells for pair in planes for cells in pair), fired[..., PLANES[DRUMS].onset]], dim=-1)


class _Sounding(torch.autograd.Function):
    """s[t] = o[t] or (s[t-1] and g[t]) over the steps (B, steps, pitches), as sums and products.

    One scan over all tracks each way: with autograd its slices took half of a training step.
    """

    @staticmethod
    def forward(context: Any, onset: Tensor, gate: Tensor) -> Tensor:
        # Steps first, so that a step is contiguous in memory.
        begun, lasts = onset.transpose(0, 1).contiguous(), gate.transpose(0, 1).contiguous()
        sounding = begun.clone()
        silent = 1 - begun
        for step in range(1, len(begun)):
            sounding[step].addcmul_(silent[step], sounding[step - 1] * lasts[step])
        context.save_for_backward(silent, lasts, sounding)
        return sounding.transpose(0, 1)

    @staticmethod
    @once_differentiable
    def backward(context: Any, slope: Tensor) -> tuple[Tensor, Tensor]:
        silent, lasts, sounding = context.saved_tensors
        total = slope.transpose(0, 1).contiguous().clone()
        passed = silent * lasts
        for step in range(len(total) - 1, 0, -1):
            total[step - 1].addcmul_(total[step], passed[step])
        onset, gate = total.clone(), torch.zeros_like(total)
        onset[1:] *= 1 - sounding[:-1] * lasts[1:]
        gate[1:] = total[1:] * silent[1:] * sounding[:-1]
        return onset.transpose(0, 1), gate.transpose(0, 1)


def neuron_mask(roll: Tensor) -> Tensor:
    """(B, steps, CELLS): 1 where a real roll determines what a neuron should do. A gate counts only while a note may
    end."""
    weights = torch.ones_like(roll)
    for track in PITCHED:
        onset, sounding = roll[..., PLANES[track].onset], roll[..., PLANES[track].sounding]
        before = functional.pad(sounding[:, :-1], (0, 0, 1, 0))
        weights[..., PLANES[track].sounding] = before * (1 - onset)
    return weights


def _leaky(values: Tensor) -> Tensor:
    return functional.leaky_relu(values, SLOPE)


def _normal(values: Tensor) -> Tensor:
    """Scales each beat's channels to mean square 1. Statistics over the batch would not work with a gradient
    penalty."""
    return values / torch.sqrt(values.square().mean(dim=-1, keepdim=True) + EPSILON)
