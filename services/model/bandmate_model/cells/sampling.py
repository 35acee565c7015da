"""Drawing one token from logits, among the legal ones."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Draw(NamedTuple):
    """A drawn token, and its natural log-likelihood among the legal ones at temperature 1."""

    token: int
    log_likelihood: float


def draw(
    logits: NDArray[np.float64],
    ids: NDArray[np.int64],
    bias: NDArray[np.float64] | None,
    *,
    temperature: float,
    top_p: float,
    top_k: int,
    point: float,
) -> Draw:
    """Nucleus sampling (Holtzman et al., 2020) among the legal tokens `ids`, whose `logits` stand beside them.

    `bias` steers the draw but not the log-likelihood, which stays the network's own. `point`: a random number of 0..1.
    """
    plain = logits - logits.max()
    weights = np.exp(plain)
    total = weights.sum()
    if bias is not None or temperature != 1.0:
        steered = plain if bias is None else plain + bias
        weights = np.exp((steered - steered.max()) / temperature)
    if top_p < 1.0 or top_k:
        order = np.argsort(-weights, kind="stable")
        cumulative = weights[order].cumsum()
        kept = int(cumulative.searchsorted(top_p * cumulative[-1])) + 1
        kept = min(kept, len(order), top_k or len(order))
        chosen = order[min(int(cumulative.searchsorted(point * cumulative[kept - 1], side="right")), kept - 1)]
    else:
        cumulative = weights.cumsum()
        chosen = min(int(cumulative.searchsorted(point * cumulative[-1], side="right")), len(ids) - 1)
    return Draw(int(ids[chosen]), float(plain[chosen] - np.log(total)))
