"""`GET /metrics` in the Prometheus text format: request durations, and what the job store tells (`jobs.metrics`).

Every app has a registry of its own, so that several apps can live in one process.
"""

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest
from starlette.responses import Response

from bandmate_shared.auth import OPERATOR_TENANT, Forbidden
from bandmate_shared.jobs.metrics import JobStoreCollector
from bandmate_shared.jobs.store import JobStore

BUCKETS_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60)


class HttpMetrics:
    """The request histogram, and the registry that all metrics of an app are registered in."""

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
        """Count one request. An unknown method is 'other': callers must not be able to invent labels."""
        known = method if method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS") else "other"
        self._seconds.labels(known, route, str(status)).observe(seconds)


def metrics_router(metrics: HttpMetrics, store: JobStore) -> APIRouter:
    """`GET /metrics`. It shows every tenant's jobs, so in service mode the operator's key is needed."""
    metrics.registry.register(JobStoreCollector(store))
    router = APIRouter(tags=["operation"])

    @router.get("/metrics", response_class=Response, summary="Prometheus metrics")
    def show_metrics(request: Request) -> Response:
        if not request.state.embedded and request.state.tenant != OPERATOR_TENANT:
            raise Forbidden(f"metrics are for the key of the tenant {OPERATOR_TENANT!r}")
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return router
