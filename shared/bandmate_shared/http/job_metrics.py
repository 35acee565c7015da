"""Counts and durations of the jobs that ended since this process began to look, read from the job store.

Workers serve no HTTP, and may end before anyone asked them; the store knows of every end. Each process that serves
`/metrics` counts the same jobs: over several of them take the maximum, not the sum.
"""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

from prometheus_client import Counter, Histogram
from prometheus_client.core import Metric
from sqlalchemy import Connection, select

from bandmate_shared.jobs.model import utc_now
from bandmate_shared.jobs.schema import jobs

BUCKETS_SECONDS = (0.5, 1, 2.5, 5, 10, 20, 40, 60, 120, 300, 600, 1800, 7200)

LATE = timedelta(seconds=60)
"""An end may become visible this long after the time that it carries: clocks differ, and transactions take a while."""


class EndedJobs:
    """Brought up to date by `count`, once a scrape."""

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
        """Take note of the jobs that ended since the last call."""
        with self._counting:
            for key, kind, outcome, created, started, finished in list(self._new(connection)):
                self._seen[key] = None
                self._newest = max(self._newest, finished)
                self._ended.labels(kind, outcome).inc()
                if started is not None:
                    self._seconds.labels(kind, outcome).observe((finished - started).total_seconds())
                    self._wait.labels(kind).observe((started - created).total_seconds())
            self._seen = {key: None for key in self._seen if key[1] > self._newest - LATE}

    def _new(
        self, connection: Connection
    ) -> Iterator[tuple[tuple[str, datetime], str, str, datetime, datetime | None, datetime]]:
        since = max(self._began, self._newest - LATE)
        times = jobs.c.created_at, jobs.c.started_at, jobs.c.finished_at
        query = select(jobs.c.id, jobs.c.kind, jobs.c.state, *times).where(jobs.c.finished_at > since)
        for job_id, kind, state, created, started, finished in connection.execute(query):
            # A job that was redriven ends twice, at different times.
            if (job_id, finished) not in self._seen:
                yield (job_id, finished), kind, state, created, started, finished
