"""The OpenTelemetry side of `tracing`; imported only where traces are wanted and the SDK is installed."""

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_propagator = TraceContextTextMapPropagator()


def create_provider(service: str) -> TracerProvider:
    """A provider with an exporter of its own. OTEL_SERVICE_NAME overrides the service's name."""
    named = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": f"bandmate-{service}"}
    provider = TracerProvider(resource=Resource.create({**named, "process.pid": os.getpid()}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


def open_span(
    provider: TracerProvider,
    name: str,
    kind: str,
    parent: str | None,
    attributes: Mapping[str, str | int | float | bool],
) -> AbstractContextManager[trace.Span]:
    """A span that is current inside the block; `parent` is a W3C traceparent, None: the current span."""
    context = None if parent is None else _propagator.extract({"traceparent": parent})
    return provider.get_tracer("bandmate").start_as_current_span(
        name,
        context=context,
        kind=trace.SpanKind[kind.upper()],
        attributes=dict(attributes),
        record_exception=False,
    )


def mark_failed(span: trace.Span, error_type: str, detail: str) -> None:
    span.set_attribute("error.type", error_type)
    span.set_status(trace.Status(trace.StatusCode.ERROR, detail))


def outgoing_headers() -> dict[str, str]:
    """The traceparent header of the current span, if there is one."""
    headers: dict[str, str] = {}
    _propagator.inject(headers)
    return {name: value for name, value in headers.items() if name == "traceparent"}


def current_ids() -> dict[str, str]:
    """`trace_id` and `span_id` of the current span; empty where there is none."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return {}
    return {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}
