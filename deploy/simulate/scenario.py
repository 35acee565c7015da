"""One scenario: a variant of the installation, a pattern of requests, and the results."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from deploy.simulate.assumptions import Behaviour, Prices, task_hour
from deploy.simulate.load import DAY, HOUR, PATTERNS, arrivals, peak_of
from deploy.simulate.policy import Policy, read_policy
from deploy.simulate.simulation import Outcome, simulate
from deploy.simulate.songs import GENERATE, VOCAL, Catalogue

SPOT_SHARES = {"dev": 0.0, "small": 0.5, "large": 0.7}
SONGS = 60_000
"""About how many songs a scenario runs over; a busy one is shorter for it."""
SHORTEST = 2 * HOUR


@dataclass(frozen=True)
class Result:
    """Seconds and dollars. `wait_p…`: of a song, in all its queues; `busy`: share of the paid task time at work."""

    variant: str
    pattern: str
    per_hour: float
    songs: int
    hours: float
    wait_p50: float
    wait_p95: float
    wait_p99: float
    total_p50: float
    dollars_per_1000: float
    busy: float
    compose_share: float
    most_generate: int
    most_vocal: int
    outcome: Outcome


def policies_of(variant: str) -> list[Policy]:
    return [read_policy(variant, GENERATE), read_policy(variant, VOCAL)]


def run(
    variant: str,
    pattern: str,
    per_hour: float,
    *,
    catalogue: Catalogue,
    prices: Prices,
    change: Callable[[Policy], Policy] = lambda policy: policy,
    seed: int = 1,
    hours: float | None = None,
    behaviour: Behaviour | None = None,
) -> Result:
    """Simulate a variant under a load. `change` tries another policy than the template's."""
    chance = random.Random(seed)  # noqa: S311 - a simulation
    rate = PATTERNS[pattern](per_hour)
    seconds = hours * HOUR if hours else min(DAY, max(SHORTEST, SONGS / per_hour * HOUR))
    times = arrivals(rate, peak_of(rate, seconds), seconds, chance)
    out = simulate(
        [change(policy) for policy in policies_of(variant)],
        times,
        catalogue.draw(len(times), chance),
        seed=seed,
        behaviour=behaviour,
    )
    if out.finished != len(times):
        raise RuntimeError(f"{len(times) - out.finished} of {len(times)} songs were lost")
    spot = SPOT_SHARES[variant.split("-")[0]]
    dollars = sum(
        station.paid_seconds
        / HOUR
        * task_hour(
            station.policy.cores, station.policy.memory_gib, gpu=station.policy.gpu, spot_share=spot, prices=prices
        )
        for station in out.stations.values()
    )
    generate = out.stations[GENERATE]
    paid = sum(station.paid_seconds for station in out.stations.values())
    composing = catalogue.mean(GENERATE, compose=True) / catalogue.mean(GENERATE)
    waits, totals = sorted(out.waits), sorted(out.totals)
    return Result(
        variant=variant,
        pattern=pattern,
        per_hour=per_hour,
        songs=len(times),
        hours=out.seconds / HOUR,
        wait_p50=percentile(waits, 50),
        wait_p95=percentile(waits, 95),
        wait_p99=percentile(waits, 99),
        total_p50=percentile(totals, 50),
        dollars_per_1000=1000 * dollars / max(len(times), 1),
        busy=sum(station.busy_seconds for station in out.stations.values()) / paid if paid else 0.0,
        compose_share=composing * generate.busy_seconds / generate.paid_seconds if generate.paid_seconds else 0.0,
        most_generate=max((state[GENERATE][1] for _, state in out.samples), default=0),
        most_vocal=max((state[VOCAL][1] for _, state in out.samples), default=0),
        outcome=out,
    )


def percentile(ordered: list[float], share: float) -> float:
    """The value that `share` percent of an ascending list do not exceed; 0 for an empty one."""
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, int(len(ordered) * share / 100))]
