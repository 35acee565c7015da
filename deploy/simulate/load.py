"""Arrival times of song requests: a Poisson process whose rate may vary."""

import math
import random
from collections.abc import Callable

HOUR = 3600.0
DAY = 24 * HOUR

Rate = Callable[[float], float]
"""Songs a second at a moment."""


def steady(per_hour: float) -> Rate:
    return lambda _: per_hour / HOUR


def bursty(per_hour: float) -> Rate:
    """Five minutes in each hour bring ten times what the others do; the mean stays."""
    calm = per_hour / HOUR * 12 / 21
    return lambda moment: calm * (10 if moment % HOUR < HOUR / 12 else 1)


def daily(per_hour: float) -> Rate:
    """A day: nearly nothing at four in the morning, twice the mean at four in the afternoon."""
    return lambda moment: per_hour / HOUR * (1 - 0.95 * math.cos(2 * math.pi * (moment / DAY - 1 / 6)))


PATTERNS: dict[str, Callable[[float], Rate]] = {"steady": steady, "bursty": bursty, "daily": daily}


def arrivals(rate: Rate, peak: float, seconds: float, chance: random.Random) -> list[float]:
    """Moments of a Poisson process, by thinning one of the `peak` rate (Lewis and Shedler 1979)."""
    moments: list[float] = []
    moment = 0.0
    while True:
        moment += chance.expovariate(peak)
        if moment >= seconds:
            return moments
        if chance.random() * peak <= rate(moment):
            moments.append(moment)


def peak_of(rate: Rate, seconds: float) -> float:
    """The highest rate, looked for minute by minute."""
    return max(rate(minute * 60.0) for minute in range(int(seconds // 60) + 1))
