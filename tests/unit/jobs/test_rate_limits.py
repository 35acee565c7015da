"""The rate of calls to a service that all workers share."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from bandmate_shared.jobs.store import JobStore

from .conftest import Clock


def test_a_burst_is_free_and_then_calls_are_spaced(store: JobStore, clock: Clock) -> None:
    waits = [store.reserve_call("polly", 4.0, 2, 10.0) for _ in range(5)]
    assert waits == pytest.approx([0.0, 0.0, 0.25, 0.5, 0.75])
    clock.advance(1.0)
    assert store.reserve_call("polly", 4.0, 2, 10.0) == pytest.approx(0.0)
    assert store.reserve_call("polly", 4.0, 2, 10.0) == pytest.approx(0.25)


def test_a_service_that_rested_is_given_one_burst_and_no_more(store: JobStore, clock: Clock) -> None:
    clock.advance(3600.0)
    waits = [store.reserve_call("polly", 8.0, 8, 10.0) for _ in range(10)]
    assert waits == pytest.approx([0.0] * 8 + [0.125, 0.25])


def test_too_long_a_wait_is_refused_and_takes_nothing(store: JobStore, clock: Clock) -> None:
    assert [store.reserve_call("polly", 1.0, 1, 2.0) for _ in range(5)] == [0.0, 1.0, 2.0, None, None]
    clock.advance(1.0)
    assert store.reserve_call("polly", 1.0, 1, 2.0) == pytest.approx(2.0)


def test_services_do_not_share(store: JobStore) -> None:
    assert store.reserve_call("polly-neural", 1.0, 1, 0.0) == 0.0
    assert store.reserve_call("polly-neural", 1.0, 1, 0.0) is None
    assert store.reserve_call("polly-standard", 1.0, 1, 0.0) == 0.0


def test_workers_at_once_get_different_turns(store: JobStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(lambda _: store.reserve_call("polly", 10.0, 1, 60.0), range(24)))
    assert sorted(wait for wait in waits if wait is not None) == pytest.approx([number / 10.0 for number in range(24)])
