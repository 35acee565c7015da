"""Prometheus metrics: how long requests take, how many jobs there are of each kind and state, how deep the queues are.

Every app has a registry of its own, so that several apps can live in one process.
"""

from collections.abc import Iterator

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response

from bandmate_shared.auth import OPERATOR_TENANT, Forbidden
from bandmate_shared.errors import Unavailable
from bandmate_shared.http.job_metrics import EndedJobs
from bandmate_shared.jobs.model import utc_now
from bandmate_shared.jobs.schema import dead_letters, jobs, outbox
from bandmate_shared.jobs.store import JobStore

BUCKETS_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60)


class HttpMetrics:
    """The request histogram, and the registry that everything of an app hangs on."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._seconds = Histogram(
            "bandmate_http_request_seconds",
            "Time to the end of the answer; an event stream lasts as long as its job.",
            ("method", "route", "status"),
            buckets=BUCKETS_SECONDS,
            registry=self.registry,
        )

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request. A method nobody knows is 'other': labels must not be the caller's to invent."""
        known = method if method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS") else "other"
        self._seconds.labels(known, route, str(status)).observe(seconds)


class StoreCollector(Collector):
    """What the job store knows at each scrape."""

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
        dead = GaugeMetricFamily("bandmate_dead_letters", "Dead letters not redriven.", labels=("queue",))
        with self._store.database.reading() as connection:
            by_kind = select(jobs.c.kind, jobs.c.state, func.count()).group_by(jobs.c.kind, jobs.c.state)
            for kind, state, number in connection.execute(by_kind):
                counted.add_metric([kind, state], number)
            alive = dead_letters.c.redriven_at.is_(None)
            by_queue = select(dead_letters.c.queue, func.count()).where(alive).group_by(dead_letters.c.queue)
            for queue, number in connection.execute(by_queue):
                dead.add_metric([queue], number)
            waiting = select(outbox.c.queue, func.min(jobs.c.created_at)).join(jobs).group_by(outbox.c.queue)
            for queue, since in connection.execute(waiting):
                oldest.add_metric([queue], max((utc_now() - since).total_seconds(), 0.0))
            self._ended.count(connection)
        for queue, number in self._store.backlog().items():
            depth.add_metric([queue], number)
        return [counted, depth, oldest, dead]

    def describe(self) -> Iterator[Metric]:
        """Nothing: without this, registering would read the store."""
        return iter(())


def metrics_router(metrics: HttpMetrics, store: JobStore) -> APIRouter:
    """`GET /metrics`. They tell of every tenant's jobs, so in service mode the operator's key is needed."""
    metrics.registry.register(StoreCollector(store))
    router = APIRouter(tags=["operation"])

    @router.get("/metrics", response_class=Response, summary="Prometheus metrics")
    def show_metrics(request: Request) -> Response:
        if not request.state.embedded and request.state.tenant != OPERATOR_TENANT:
            raise Forbidden(f"metrics are for the key of the tenant {OPERATOR_TENANT!r}")
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return router
