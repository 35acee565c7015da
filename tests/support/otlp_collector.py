"""A collector of traces on loopback: OTLP over HTTP, as protobuf, decoded with OpenTelemetry's definitions."""

import threading
from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span as WireSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from tests.support.http_stand_in import HttpStandIn, StandInHandler


@dataclass(frozen=True)
class CollectedSpan:
    """A received span: ids in hexadecimal digits, `parent` '' for a root, `failed` the message of an error."""

    service: str
    pid: int
    name: str
    kind: str
    trace: str
    id: str
    parent: str
    attributes: dict[str, Any]
    failed: str | None


class OtlpCollector(HttpStandIn):
    """A context manager. `spans()` returns all spans received so far; `environment` points exporters here."""

    def __init__(self) -> None:
        super().__init__(_Handler)
        self._spans: list[CollectedSpan] = []
        self._lock = threading.Lock()

    @property
    def environment(self) -> dict[str, str]:
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}

    def spans(self) -> list[CollectedSpan]:
        with self._lock:
            return list(self._spans)

    def named(self, name: str) -> list[CollectedSpan]:
        return [span for span in self.spans() if span.name == name]

    def receive(self, body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            resource_attributes = _values(resource.resource.attributes)
            spans = [_collected(span, resource_attributes) for scope in resource.scope_spans for span in scope.spans]
            with self._lock:
                self._spans += spans


class _Handler(StandInHandler):
    server: OtlpCollector

    def do_POST(self) -> None:  # noqa: N802 - http.server's name
        body = self.read_body()
        assert self.path == "/v1/traces"
        assert self.headers["Content-Type"] == "application/x-protobuf"
        self.server.receive(body)
        answer = ExportTraceServiceResponse().SerializeToString()
        self.respond(200, {"Content-Type": "application/x-protobuf"}, answer)


def _collected(span: WireSpan, resource_attributes: dict[str, Any]) -> CollectedSpan:
    return CollectedSpan(
        service=resource_attributes["service.name"],
        pid=resource_attributes["process.pid"],
        name=span.name,
        kind=WireSpan.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        attributes=_values(span.attributes),
        failed=span.status.message if span.status.code == Status.STATUS_CODE_ERROR else None,
    )


def _values(attributes: Any) -> dict[str, Any]:
    return {attribute.key: getattr(attribute.value, attribute.value.WhichOneof("value")) for attribute in attributes}
