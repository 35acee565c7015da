"""The generator in numpy: what serving runs, so that a composing container needs no torch.

It computes the same as networks.Generator, as matrix products. A block takes a few milliseconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from bandmate_model.gan.condition import Condition
from bandmate_model.gan.roll import BEAT_STEPS, BEATS, BLOCK, BLOCK_STEPS, CELLS, PLANES, SLICE_STEPS, TRACKS, Bool
from bandmate_model.model_files import ModelUnusable

BLOCK_BEATS = BLOCK * BEATS
SLOPE = np.float32(0.2)
EPSILON = np.float32(1e-5)
INPUTS = CELLS + len(TRACKS) + 2

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Widths:
    """Sizes of the network, from config.json's `network`."""

    step: int
    beat: int
    mixers: int
    head: int
    noise: int
    bar_noise: int


class Runtime:
    """The generator's weights, checked. Immutable, shared by threads."""

    def __init__(self, weights: Mapping[str, NDArray[np.generic]], widths: Widths, condition: Condition) -> None:
        """
        Raises:
            ModelUnusable: a weight is missing, or of another shape than the configuration says.
        """
        self.widths, self.condition = widths, condition
        self._weights: dict[str, Floats] = {}
        for name, shape in shapes(widths, condition.size).items():
            if name not in weights or weights[name].shape != shape:
                stored = weights[name].shape if name in weights else "nothing"
                raise ModelUnusable(f"the weights do not fit config.json: {name} should be {shape}, found {stored}")
            self._weights[name] = np.ascontiguousarray(weights[name], dtype=np.float32)
            if not np.isfinite(self._weights[name]).all():
                raise ModelUnusable(f"the weight {name} holds numbers that are not finite")

    @staticmethod
    def load(folder: Path, config: Mapping[str, Any]) -> "Runtime":
        """From a model folder and its config.json.

        Raises:
            ModelUnusable: the file or the configuration cannot be read, or they do not fit.
        """
        try:
            widths = Widths(**{name: int(value) for name, value in config["network"].items()})
            weights = load_file(folder / "model.safetensors")
        except (SafetensorError, KeyError, TypeError, ValueError, AttributeError, OSError) as error:
            raise ModelUnusable(f"the model of {folder.name} cannot be read: {error}") from error
        return Runtime(weights, widths, Condition(tuple(config["styles"])))

    def logits(
        self, roll: Bool, known: Bool, present: Bool, condition: Floats, noise: Floats, bar_noise: Floats
    ) -> Floats:
        """(BLOCK_STEPS, CELLS): above 0 where an onset would be, or where a note that sounds would go on.

        Args:
            roll: (WINDOW_STEPS, CELLS), what is known, nothing elsewhere.
            known: (2 * BLOCK, tracks), which cells of slice and track are known.
            present: (WINDOW_STEPS,), which steps exist.
            condition: condition.row.
            noise: (widths.noise,).
            bar_noise: (BLOCK, widths.bar_noise).
        """
        weights, widths = self._weights, self.widths
        block = np.zeros_like(present)
        block[BLOCK_STEPS:] = True
        known_steps = np.repeat(known, SLICE_STEPS, axis=0)
        inputs = np.concatenate([roll, known_steps, present[:, None], block[:, None]], axis=1).astype(np.float32)
        steps = _leaky(self._dense("embed", inputs))
        beats = _leaky(self._dense("join", steps.reshape(-1, BEAT_STEPS * widths.step)))
        beats += weights["place"]
        beats += self._dense("condition", condition) + weights["noise.weight"] @ noise
        beats[BLOCK_BEATS:] += np.repeat(bar_noise @ weights["bar_noise.weight"].T, BEATS, axis=0)
        for number in range(widths.mixers):
            name = f"mixers.{number}."
            across = _leaky(self._dense(name + "across_in", _normal(beats).T))
            beats = beats + self._dense(name + "across_out", across).T
            beats = beats + self._dense(name + "along_out", _leaky(self._dense(name + "along_in", _normal(beats))))
        part = self._dense("part", beats[BLOCK_BEATS:]).reshape(BLOCK_STEPS, widths.step)
        fine = _leaky(part + steps[BLOCK_STEPS:] @ weights["beside.weight"].T)
        around = np.pad(fine, ((1, 1), (0, 0)))
        fine = fine + _leaky(self._dense("near", np.concatenate([around[:-2], fine, around[2:]], axis=1)))
        heads = [
            self._dense(f"leave.{track}", _leaky(self._dense(f"enter.{track}", fine))) for track in range(len(TRACKS))
        ]
        return np.concatenate(heads, axis=1)

    def _dense(self, name: str, values: Floats) -> Floats:
        result: Floats = values @ self._weights[name + ".weight"].T + self._weights[name + ".bias"]
        return result


def shapes(widths: Widths, condition: int) -> dict[str, tuple[int, ...]]:
    """Every tensor of a served model, by name."""
    step, beat = widths.step, widths.beat
    window = 2 * BLOCK_BEATS
    result: dict[str, tuple[int, ...]] = {
        "place": (window, beat),
        "noise.weight": (beat, widths.noise),
        "bar_noise.weight": (beat, widths.bar_noise),
        "beside.weight": (step, step),
    }
    dense = {
        "embed": (step, INPUTS),
        "join": (beat, BEAT_STEPS * step),
        "condition": (beat, condition),
        "part": (BEAT_STEPS * step, beat),
        "near": (step, 3 * step),
    }
    for number in range(widths.mixers):
        dense[f"mixers.{number}.across_in"] = (2 * window, window)
        dense[f"mixers.{number}.across_out"] = (window, 2 * window)
        dense[f"mixers.{number}.along_in"] = (2 * beat, beat)
        dense[f"mixers.{number}.along_out"] = (beat, 2 * beat)
    for track, plane in enumerate(PLANES):
        dense[f"enter.{track}"] = (widths.head, step)
        dense[f"leave.{track}"] = (plane.sounding.stop - plane.onset.start, widths.head)
    for name, shape in dense.items():
        result[name + ".weight"] = shape
        result[name + ".bias"] = shape[:1]
    return result


def _leaky(values: Floats) -> Floats:
    return np.asarray(np.maximum(values, values * SLOPE))


def _normal(values: Floats) -> Floats:
    mean = np.mean(values * values, axis=-1, keepdims=True, dtype=np.float32)
    return np.asarray(values / np.sqrt(mean + EPSILON), dtype=np.float32)
