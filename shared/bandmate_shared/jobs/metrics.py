"""Prometheus collectors over the job store: jobs by state, queue depths, dead letters, webhooks, durations of jobs.

Workers serve no HTTP and may end before anyone scrapes them, so all of it is read from the store at each scrape. Every
process that serves `/metrics` counts the same jobs: over several of them take the maximum, not the sum.
"""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

from prometheus_client import Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import SQLAlchemyError

from bandmate_shared.errors import Unavailable
from bandmate_shared.jobs import webhooks
from bandmate_shared.jobs.database.schema import dead_letters, jobs, outbox
from bandmate_shared.jobs.model import utc_now
from bandmate_shared.jobs.store import JobStore

BUCKETS_SECONDS = (0.5, 1, 2.5, 5, 10, 20, 40, 60, 120, 300, 600, 1800, 7200)

VISIBILITY_DELAY = timedelta(seconds=60)
"""An end may become visible this long after its `finished_at`: clocks differ, and transactions take a while."""


class JobStoreCollector(Collector):
    """Reads the job store at each scrape."""

    def __init__(self, store: JobStore) -> None:
        self._store = store
        self._ended = EndedJobs()

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("bandmate_job_store_up", "1 when the job store answered this scrape.")
        try:
            gauges = self._read()
        except (SQLAlchemyError, Unavailable):
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        yield from gauges
        yield from self._ended.metrics()

    def _read(self) -> list[Metric]:
        counted = GaugeMetricFamily("bandmate_jobs", "Jobs in the store.", labels=("kind", "state"))
        depth = GaugeMetricFamily("bandmate_queue_depth", "Jobs that wait for a worker.", labels=("queue",))
        oldest = GaugeMetricFamily(
            "bandmate_queue_oldest_job_seconds", "Age of the oldest job that waits for a worker.", labels=("queue",)
        )
        dead_letter_counts = GaugeMetricFamily("bandmate_dead_letters", "Dead letters not redriven.", labels=("queue",))
        unconfirmed = GaugeMetricFamily("bandmate_webhooks", "Webhooks not yet received.", labels=("state",))
        with self._store.database.reading() as connection:
            by_kind = select(jobs.c.kind, jobs.c.state, func.count()).group_by(jobs.c.kind, jobs.c.state)
            for kind, state, number in connection.execute(by_kind):
                counted.add_metric([kind, state], number)
            not_redriven = dead_letters.c.redriven_at.is_(None)
            by_queue = select(dead_letters.c.queue, func.count()).where(not_redriven).group_by(dead_letters.c.queue)
            for queue, number in connection.execute(by_queue):
                dead_letter_counts.add_metric([queue], number)
            waiting = select(outbox.c.queue, func.min(jobs.c.created_at)).join(jobs).group_by(outbox.c.queue)
            for queue, since in connection.execute(waiting):
                oldest.add_metric([queue], max((utc_now() - since).total_seconds(), 0.0))
            for state, number in webhooks.counts(connection).items():
                unconfirmed.add_metric([state], number)
            self._ended.count(connection)
        for queue, number in self._store.backlog().items():
            depth.add_metric([queue], number)
        return [counted, depth, oldest, dead_letter_counts, unconfirmed]

    def describe(self) -> Iterator[Metric]:
        """Nothing: without this, registering would read the store."""
        return iter(())


class EndedJobs:
    """Counts and durations of the jobs that ended since this process started counting; `count` is called per scrape."""

    def __init__(self) -> None:
        self._ended = Counter("bandmate_jobs_ended_total", "Jobs that ended.", ("kind", "outcome"), registry=None)
        self._seconds = Histogram(
            "bandmate_job_seconds",
            "From a job's first start to its end, the wait for its children included.",
            ("kind", "outcome"),
            buckets=BUCKETS_SECONDS,
            registry=None,
        )
        self._wait = Histogram(
            "bandmate_job_wait_seconds",
            "From a job's submission to its first start.",
            ("kind",),
            buckets=BUCKETS_SECONDS,
            registry=None,
        )
        self._began = self._newest = utc_now()
        self._seen: dict[tuple[str, datetime], None] = {}
        self._counting = threading.Lock()

    def metrics(self) -> Iterator[Metric]:
        """What has been counted."""
        for metric in (self._ended, self._seconds, self._wait):
            yield from metric.collect()

    def count(self, connection: Connection) -> None:
        """Add the jobs that ended since the last call."""
        with self._counting:
            for key, kind, outcome, created, started, finished in list(self._uncounted(connection)):
                self._seen[key] = None
                self._newest = max(self._newest, finished)
                self._ended.labels(kind, outcome).inc()
                if started is not None:
                    self._seconds.labels(kind, outcome).observe((finished - started).total_seconds())
                    self._wait.labels(kind).observe((started - created).total_seconds())
            self._seen = {key: None for key in self._seen if key[1] > self._newest - VISIBILITY_DELAY}

    def _uncounted(
        self, connection: Connection
    ) -> Iterator[tuple[tuple[str, datetime], str, str, datetime, datetime | None, datetime]]:
        since = max(self._began, self._newest - VISIBILITY_DELAY)
        times = jobs.c.created_at, jobs.c.started_at, jobs.c.finished_at
        query = select(jobs.c.id, jobs.c.kind, jobs.c.state, *times).where(jobs.c.finished_at > since)
        for job_id, kind, state, created, started, finished in connection.execute(query):
            # A job that was redriven ends twice, at different times.
            if (job_id, finished) not in self._seen:
                yield (job_id, finished), kind, state, created, started, finished
