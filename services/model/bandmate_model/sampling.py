"""Drawing one value of a field from logits, under a mask."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Temperatures:
    """Multiply the request's temperature, field by field: rhythm and harmony suffer from randomness first."""

    time: float = 0.95
    slot: float = 1.0
    duration: float = 0.9
    pitch: float = 0.9
    velocity: float = 1.0


@dataclass(frozen=True, slots=True)
class Draw:
    """A drawn value; its natural log-likelihood among the legal values at temperature 1; whether there was a choice."""

    value: int
    log_likelihood: float
    free: bool


def draw(
    logits: Array,
    mask: NDArray[np.bool_],
    *,
    temperature: float,
    top_p: float,
    generator: np.random.Generator,
    bias: Array | None = None,
) -> Draw:
    """Nucleus sampling (Holtzman et al., 2020) among the legal values.

    `bias` steers the draw but not the log-likelihood, which stays the network's own. Exactly one random number is used
    where there is a choice, none where there is not.
    """
    legal = np.flatnonzero(mask)
    if len(legal) == 1:
        return Draw(int(legal[0]), 0.0, False)
    plain = logits[legal].astype(np.float64)
    plain -= plain.max()
    log_total = np.log(np.exp(plain).sum())
    steered = plain if bias is None else plain + bias[legal]
    steered = steered / temperature
    weights = np.exp(steered - steered.max())
    weights /= weights.sum()
    order = np.argsort(-weights, kind="stable")
    cumulative = np.cumsum(weights[order])
    kept = int(np.searchsorted(cumulative, top_p)) + 1
    point = generator.random() * cumulative[min(kept, len(order)) - 1]
    chosen = order[min(int(np.searchsorted(cumulative, point, side="right")), kept - 1, len(order) - 1)]
    return Draw(int(legal[chosen]), float(plain[chosen] - log_total), True)
