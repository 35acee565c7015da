"""Random costs: the cheapest of several choices under them is a sample of the choices by their probabilities."""

import math
import random

import numpy as np

from bandmate_generate.lead.statistics import Costs


def gumbel_costs(rng: random.Random, size: int, scale: float) -> Costs:
    """`size` random costs; at scale 1 the minimum of costs plus these samples as a softmax would (Gumbel 1954)."""
    draws = [rng.random() for _ in range(size)]
    return np.array(
        [round(100 * scale * math.log(-math.log(min(max(u, 1e-9), 1 - 1e-9)))) for u in draws], dtype=np.int64
    )
