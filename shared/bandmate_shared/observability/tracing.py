"""Distributed traces with OpenTelemetry: from the request for a song through every worker to the model and the singer.

    with span("compose", kind="client"):             # a child of the span that is current here
        http.post(url, headers=outgoing_headers())   # the called service joins the trace

On where `OTEL_EXPORTER_OTLP_ENDPOINT` (or `…_TRACES_ENDPOINT`) is set and `bandmate-shared[telemetry]` installed. All
of OpenTelemetry's own variables count. Otherwise nothing is imported and a span costs a comparison.

Every process creates its exporter when it opens its first span, so a forked process has one of its own.
"""

import importlib.util
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Literal

Kind = Literal["internal", "server", "client", "consumer"]
Attribute = str | int | float | bool

_SWITCHES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_FLUSH_MILLISECONDS = 3000
_NO_SPAN: AbstractContextManager["Span | None"] = nullcontext()

log = logging.getLogger(__name__)


class _Tracing:
    """The process's trace provider, created when it is first needed. `otel` is None where there are no traces."""

    def __init__(self) -> None:
        self.otel: Any = None
        self._service = "bandmate"
        self._process = 0
        self._provider: Any = None

    def start(self, service: str) -> None:
        self._service = service
        self.otel = None
        is_enabled = any(os.environ.get(name) for name in _SWITCHES)
        if not is_enabled or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
            return
        if importlib.util.find_spec("opentelemetry.exporter.otlp.proto.http") is None:
            log.warning("%s is set, but there are no traces: install bandmate-shared[telemetry]", _SWITCHES[1])
            return
        from bandmate_shared.observability import otel  # optional extra

        self.otel = otel

    def provider(self) -> Any:
        if self._process != os.getpid():
            self._provider = self.otel.create_provider(self._service)
            self._process = os.getpid()
        return self._provider

    def flush(self) -> None:
        if self.otel is not None and self._process == os.getpid():
            self._provider.force_flush(_FLUSH_MILLISECONDS)


_tracing = _Tracing()


class Span:
    """An open span."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def name(self, name: str) -> None:
        """Rename it, once more is known."""
        self._inner.update_name(name)

    def note(self, name: str, value: Attribute) -> None:
        """Add an attribute, named as OpenTelemetry's conventions name it where they do."""
        self._inner.set_attribute(name, value)

    def failed(self, error_type: str, detail: str) -> None:
        """Mark it as failed, with the error's stable type and its detail."""
        _tracing.otel.mark_failed(self._inner, error_type, detail)


def start_tracing(service: str) -> None:
    """Set this process's service name, and check whether traces are wanted. Call it again to change either."""
    _tracing.start(service)


def flush() -> None:
    """Send the finished spans, within three seconds. For processes that end without Python's exit handlers."""
    _tracing.flush()


def span(
    name: str, *, kind: Kind = "internal", parent: str | None = None, attributes: Mapping[str, Attribute] | None = None
) -> AbstractContextManager[Span | None]:
    """A span around a block, current inside it; None where there are no traces.

    `parent` is a W3C traceparent; without one the span that is current here is the parent. An exception that leaves the
    block marks the span as failed.
    """
    return _open(name, kind, parent, attributes or {}) if _tracing.otel is not None else _NO_SPAN


@contextmanager
def _open(name: str, kind: Kind, parent: str | None, attributes: Mapping[str, Attribute]) -> Iterator[Span]:
    with _tracing.otel.open_span(_tracing.provider(), name, kind, parent, attributes) as inner:
        yield Span(inner)


def current_traceparent() -> str | None:
    """The current span as a W3C traceparent, to store with work that goes on elsewhere. None where there is none."""
    return outgoing_headers().get("traceparent")


def outgoing_headers() -> dict[str, str]:
    """Headers that let another process join the trace; empty where there is none."""
    headers: dict[str, str] = _tracing.otel.outgoing_headers() if _tracing.otel is not None else {}
    return headers


def current_ids() -> dict[str, str]:
    """`trace_id` and `span_id` of the current span, for log lines; empty where there is none."""
    ids: dict[str, str] = _tracing.otel.current_ids() if _tracing.otel is not None else {}
    return ids
