"""The simulation against theory, and invariants for any input."""

import math
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.simulate.assumptions import Behaviour, Prices, task_hour
from deploy.simulate.load import PATTERNS, arrivals, peak_of, steady
from deploy.simulate.policy import Policy, Tracking
from deploy.simulate.simulation import Outcome, simulate
from deploy.simulate.songs import Song, Stop

FIXED = Policy(
    service="generate",
    fewest=4,
    most=4,
    trackings=(Tracking(target=2, waiting=True, working=True),),
    out_cooldown=120,
    in_cooldown=300,
    steps=(),
    step_threshold=1,
    step_periods=1,
    cores=1,
    memory_gib=2,
    gpu=False,
)
FROM_ZERO = replace(FIXED, fewest=0, most=10, steps=((0.0, 1), (19.0, 5)))
VOCAL = replace(FROM_ZERO, service="vocal")


def erlang_c(servers: int, offered: float) -> float:
    """Chance that an arrival at M/M/c has to wait (Erlang 1917)."""
    busy = offered**servers / math.factorial(servers) * servers / (servers - offered)
    return busy / (sum(offered**number / math.factorial(number) for number in range(servers)) + busy)


@pytest.mark.parametrize(("servers", "load"), [(1, 0.5), (1, 0.8), (4, 0.7), (10, 0.9)])
def test_waiting_agrees_with_erlang(servers: int, load: float) -> None:
    chance = random.Random(servers)
    offered = servers * load
    times = arrivals(lambda _: offered, offered, 40_000 / offered, chance)
    songs: list[Song] = [(Stop("generate", chance.expovariate(1.0)),) for _ in times]
    out = simulate([replace(FIXED, fewest=servers, most=servers)], times, songs, scaling=False)
    waited = erlang_c(servers, offered)
    mean = waited / (servers - offered)
    assert sum(wait > 0 for wait in out.waits) / len(times) == pytest.approx(waited, rel=0.06)
    assert sum(out.waits) / len(times) == pytest.approx(mean, rel=0.15)


songs_of_two = st.lists(
    st.tuples(
        st.floats(0, 900),
        st.one_of(
            st.builds(lambda seconds: (Stop("generate", seconds),), st.floats(0.1, 90)),
            st.builds(
                lambda generate_seconds, vocal_seconds: (
                    Stop("generate", generate_seconds),
                    Stop("vocal", vocal_seconds),
                    Stop("generate", 0.1),
                ),
                st.floats(0.1, 90),
                st.floats(0.1, 90),
            ),
        ),
    ),
    min_size=1,
    max_size=60,
)


@settings(max_examples=40, deadline=None)
@given(submissions=songs_of_two, seed=st.integers(0, 9), gpu=st.booleans())
def test_no_song_is_lost_and_queues_are_first_come_first_served(
    submissions: list[tuple[float, Song]], seed: int, gpu: bool
) -> None:
    submissions.sort(key=lambda submission: submission[0])
    policies = [replace(FROM_ZERO, gpu=gpu), VOCAL]
    out = simulate(
        policies, [when for when, _ in submissions], [song for _, song in submissions], seed=seed, keep_starts=True
    )
    assert out.finished == len(submissions)
    assert len(out.starts) == sum(len(song) for _, song in submissions)
    for service in ("generate", "vocal"):
        arrivals_in_order = [arrival for name, arrival, _ in out.starts if name == service]
        assert arrivals_in_order == sorted(arrivals_in_order)
    for station in out.stations.values():
        assert station.backlog == 0
        assert station.busy_seconds <= station.task_seconds + 1e-6
    for total, wait in zip(out.totals, out.waits, strict=True):
        assert total >= wait >= 0


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 100))
def test_bounds_hold_each_minute(seed: int) -> None:
    out = _busy_hour(FROM_ZERO, 600, seed)
    for _, state in out.samples:
        _, desired, running = state["generate"]
        assert 0 <= desired <= 10
        assert running <= 10


@pytest.mark.parametrize("policy", [FIXED, FROM_ZERO], ids=["fixed", "from-zero"])
def test_more_songs_never_cost_less(policy: Policy) -> None:
    paid = [_busy_hour(policy, rate, 1).stations["generate"].paid_seconds for rate in (10, 100, 400, 1000)]
    assert paid == sorted(paid)


def test_more_tasks_never_wait_longer() -> None:
    waits = [sum(_busy_hour(replace(FIXED, fewest=number, most=number), 1000, 2).waits) for number in (3, 4, 6, 10)]
    assert waits == sorted(waits, reverse=True)
    assert waits[0] > waits[-1]


def test_the_first_song_of_a_quiet_service_waits_for_alarm_and_start() -> None:
    behaviour = Behaviour(fargate_start=(40.0, 40.0))
    out = simulate([FROM_ZERO], [30.0], [(Stop("generate", 1.0),)], behaviour=behaviour)
    # Asked for at 30 s; seen at 60 s, acted on a minute later, 40 s to start, a second of work.
    assert out.totals == [pytest.approx(120 + 40 + 1 - 30)]


def test_running_tasks_are_not_stopped() -> None:
    """Scale-in to zero while a long song runs: the song finishes at the same time."""
    songs: list[Song] = [(Stop("generate", 3000.0),), *[(Stop("generate", 1.0),)] * 40]
    out = simulate([FROM_ZERO], [0.0] * 41, songs, keep_starts=True)
    began = out.starts[0][2]
    assert max(out.totals) == pytest.approx(began + 3000.0)
    assert min(state["generate"][1] for moment, state in out.samples if moment > began + 60) == 1


@pytest.mark.parametrize("name", PATTERNS)
def test_every_pattern_has_the_mean_it_says(name: str) -> None:
    rate = PATTERNS[name](1000)
    day = 24 * 3600.0
    times = arrivals(rate, peak_of(rate, day), day, random.Random(5))
    assert len(times) == pytest.approx(24_000, rel=0.03)
    assert times == sorted(times)


def test_spot_is_cheaper_and_gpus_are_dearer() -> None:
    prices = Prices()
    full = task_hour(1, 4, gpu=False, spot_share=0, prices=prices)
    assert full == pytest.approx(0.04048 + 4 * 0.004445)
    assert task_hour(1, 4, gpu=False, spot_share=1, prices=prices) == pytest.approx(0.3 * full)
    assert task_hour(1, 4, gpu=True, spot_share=0, prices=prices) > full


def _busy_hour(policy: Policy, per_hour: float, seed: int) -> Outcome:
    chance = random.Random(seed)
    times = arrivals(steady(per_hour), per_hour / 3600, 3600.0, chance)
    songs: list[Song] = [(Stop("generate", chance.uniform(2, 15)),) for _ in times]
    return simulate([policy], times, songs, seed=seed)
