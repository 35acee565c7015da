"""Traces: one follows a song from the request that asked for it, through every worker, to the model and the singer.

    with span("compose", kind="client"):             # a child of the span that is current here
        http.post(url, headers=outgoing_headers())   # what is asked joins the trace

On where `OTEL_EXPORTER_OTLP_ENDPOINT` (or `…_TRACES_ENDPOINT`) is set and `bandmate-shared[telemetry]` installed. All
of OpenTelemetry's own variables count. Otherwise nothing is imported and a span costs a comparison.

Every process makes its exporter when it opens its first span, so one that was forked from another has one of its own.
"""

import importlib.util
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Literal

Kind = Literal["internal", "server", "client", "consumer"]
Attribute = str | int | float | bool

_SWITCHES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_FLUSH_MILLISECONDS = 3000
_NOTHING: AbstractContextManager["Span | None"] = nullcontext()

log = logging.getLogger(__name__)


class Span:
    """A stretch of work under way."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def name(self, name: str) -> None:
        """Give it another name, once more is known."""
        self._inner.update_name(name)

    def note(self, name: str, value: Attribute) -> None:
        """Add an attribute, named as OpenTelemetry's conventions name it where they do."""
        self._inner.set_attribute(name, value)

    def failed(self, kind: str, detail: str) -> None:
        """Mark it as failed, with the error's stable type and its detail."""
        from opentelemetry.trace import Status, StatusCode

        self._inner.set_attribute("error.type", kind)
        self._inner.set_status(Status(StatusCode.ERROR, detail))


class _Tracing:
    """The process's tracer, made when it is first needed."""

    def __init__(self) -> None:
        self.service = "bandmate"
        self.on = False
        self._process = 0
        self._tracer: Any = None
        self._provider: Any = None

    def start(self, service: str) -> None:
        self.service = service
        wanted = any(os.environ.get(name) for name in _SWITCHES)
        self.on = wanted and os.environ.get("OTEL_SDK_DISABLED", "").lower() != "true"
        if self.on and importlib.util.find_spec("opentelemetry.exporter.otlp.proto.http") is None:
            log.warning("%s is set, but there are no traces: install bandmate-shared[telemetry]", _SWITCHES[1])
            self.on = False

    def tracer(self) -> Any:
        if self._process != os.getpid():
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor

            named = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": f"bandmate-{self.service}"}
            self._provider = TracerProvider(resource=Resource.create({**named, "process.pid": os.getpid()}))
            self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
            self._tracer = self._provider.get_tracer("bandmate")
            self._process = os.getpid()
        return self._tracer

    def flush(self) -> None:
        if self.on and self._process == os.getpid():
            self._provider.force_flush(_FLUSH_MILLISECONDS)


_tracing = _Tracing()


def start_tracing(service: str) -> None:
    """Say who this process is, and look whether traces are wanted. Call it once a process, or again to change that."""
    _tracing.start(service)


def flush() -> None:
    """Send what waits to be sent, within three seconds. For processes that end without Python's own farewell."""
    _tracing.flush()


def span(
    name: str, *, kind: Kind = "internal", parent: str | None = None, attributes: Mapping[str, Attribute] | None = None
) -> AbstractContextManager[Span | None]:
    """A span around a block, current inside it; None where there are no traces.

    `parent` is a W3C traceparent; without one the span that is current here is the parent. An exception that leaves the
    block marks the span as failed.
    """
    return _open(name, kind, parent, attributes or {}) if _tracing.on else _NOTHING


@contextmanager
def _open(name: str, kind: Kind, parent: str | None, attributes: Mapping[str, Attribute]) -> Iterator[Span]:
    from opentelemetry.trace import SpanKind
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    context = None if parent is None else TraceContextTextMapPropagator().extract({"traceparent": parent})
    with _tracing.tracer().start_as_current_span(
        name, context=context, kind=SpanKind[kind.upper()], attributes=dict(attributes), record_exception=False
    ) as inner:
        yield Span(inner)


def current_traceparent() -> str | None:
    """The current span as a W3C traceparent, to be kept with what will go on elsewhere. None where there is none."""
    return outgoing_headers().get("traceparent")


def outgoing_headers() -> dict[str, str]:
    """Headers that let another process join the trace; empty where there is none."""
    if not _tracing.on:
        return {}
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    headers: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(headers)
    return {name: value for name, value in headers.items() if name == "traceparent"}


def current_ids() -> dict[str, str]:
    """`trace_id` and `span_id` of the current span, for log lines; empty where there is none."""
    if not _tracing.on or "opentelemetry.trace" not in sys.modules:
        return {}
    from opentelemetry import trace

    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return {}
    return {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}
