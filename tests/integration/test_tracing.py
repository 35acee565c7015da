"""Spans are exported as OTLP and join their traces; without an exporter nothing is imported."""

import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
import structlog
from bandmate_shared.errors import InvalidRequest
from bandmate_shared.http.app import create_app
from bandmate_shared.jobs.execution.context import Done, JobContext, Wait
from bandmate_shared.jobs.execution.inprocess import InProcessQueue
from bandmate_shared.jobs.model import NewJob
from bandmate_shared.observability import tracing
from bandmate_shared.observability.logs import configure_logging
from bandmate_shared.runtime import Runtime
from fastapi import APIRouter
from fastapi.testclient import TestClient

from tests.support.otlp_collector import OtlpCollector

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[OtlpCollector]:
    """Traces of this process go to a collector of the test's own."""
    with OtlpCollector() as opened:
        for name, value in opened.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(tracing, "_tracing", tracing._Tracing())
        tracing.start_tracing("test")
        yield opened
        tracing._tracing._provider and tracing._tracing._provider.shutdown()


def test_spans_nest_and_failures_are_marked(collector: OtlpCollector) -> None:
    with tracing.span("outer", attributes={"a": 1}) as outer:
        assert outer is not None
        with pytest.raises(ValueError, match="odd"), tracing.span("inner", kind="client"):
            raise ValueError("odd")
        outer.note("b", "two")
    tracing.flush()
    (outer_span,), (inner_span,) = collector.named("outer"), collector.named("inner")
    assert (outer_span.parent, outer_span.attributes, outer_span.failed) == ("", {"a": 1, "b": "two"}, None)
    assert (inner_span.trace, inner_span.parent, inner_span.kind) == (outer_span.trace, outer_span.id, "client")
    assert inner_span.failed is not None
    assert "odd" in inner_span.failed
    assert (outer_span.service, outer_span.pid) == ("bandmate-test", os.getpid())


def test_a_traceparent_connects_processes(collector: OtlpCollector) -> None:
    assert tracing.current_traceparent() is None
    with tracing.span("first"):
        traceparent = tracing.current_traceparent()
        assert tracing.outgoing_headers() == {"traceparent": traceparent}
    with tracing.span("second", parent=traceparent):
        pass
    with tracing.span("third", parent="nonsense"):
        pass
    tracing.flush()
    (first,), (second,), (third,) = (collector.named(name) for name in ("first", "second", "third"))
    assert (second.trace, second.parent) == (first.trace, first.id)
    assert third.parent == ""


def test_a_forked_process_sends_its_own_spans(collector: OtlpCollector) -> None:
    """The pool processes of a worker are forked from a parent with an exporter thread."""
    with tracing.span("parent"):
        pass
    child = os.fork()
    if child == 0:
        try:
            with tracing.span("child"):
                pass
            tracing.flush()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    tracing.flush()
    (child_span,) = collector.named("child")
    assert child_span.pid == child
    assert len(collector.named("parent")) == 1


def test_a_request_joins_its_callers_trace_and_names_its_route(
    collector: OtlpCollector, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    router = APIRouter()

    @router.get("/v1/things/{name}")
    def thing(name: str) -> dict[str, str | None]:
        if name == "bad":
            raise InvalidRequest("no")
        return {"trace": tracing.current_traceparent()}

    with TestClient(create_app(runtime, "test", [router]), base_url="http://127.0.0.1") as client:
        inside = client.get("/v1/things/a", headers={"traceparent": CALLER}).json()["trace"]
        client.get("/v1/things/bad")
        client.get("/healthz")
        client.get("/nowhere")
    tracing.flush()
    good, bad = collector.named("GET /v1/things/{name}")
    assert (good.trace, good.parent, good.kind) == (CALLER.split("-")[1], CALLER.split("-")[2], "server")
    assert good.attributes["http.response.status_code"] == 200
    assert inside == f"00-{good.trace}-{good.id}-01"
    assert (bad.parent, bad.attributes["http.response.status_code"], bad.failed) == ("", 422, None)
    assert {span.name for span in collector.spans()} == {"GET /v1/things/{name}", "GET (none)"}


def test_a_job_continues_the_trace_of_its_submission(
    collector: OtlpCollector, runtime: Runtime, queue: InProcessQueue
) -> None:
    def parent(context: JobContext) -> Done | Wait:
        context.stage("plan")
        if context.job.phase == "start":
            return Wait([NewJob("vocal", {})], "after")
        return Done({})

    def child(context: JobContext) -> Done:
        context.stage("sing")
        context.stage("mix")
        return Done({})

    with tracing.span("request"):
        job = runtime.store.submit(NewJob("song", {})).job
    queue.run_all(runtime, {"song": parent, "vocal": child})
    tracing.flush()
    (request,), songs, (vocal,) = (collector.named(name) for name in ("request", "job song", "job vocal"))
    assert {span.trace for span in collector.spans()} == {request.trace}
    assert [span.attributes["job.phase"] for span in songs] == ["start", "after"]
    assert [span.parent for span in songs] == [request.id, request.id]
    assert songs[0].attributes["job.id"] == job.id
    assert vocal.parent == songs[0].id
    assert [span.parent for span in collector.named("plan")] == [songs[0].id, songs[1].id]
    assert [span.parent for span in collector.named("sing") + collector.named("mix")] == [vocal.id] * 2
    assert tracing.current_traceparent() is None


def test_a_failed_attempt_has_its_error_and_closes_its_stage(
    collector: OtlpCollector, runtime: Runtime, queue: InProcessQueue
) -> None:
    def fail(context: JobContext) -> Done:
        context.stage("sing")
        raise InvalidRequest("this cannot be sung")

    runtime.store.submit(NewJob("vocal", {}))
    queue.run_all(runtime, {"vocal": fail})
    tracing.flush()
    (job,), (stage,) = collector.named("job vocal"), collector.named("sing")
    assert (job.failed, job.attributes["error.type"]) == ("this cannot be sung", "invalid-request")
    assert (job.parent, stage.parent) == ("", job.id)


def test_log_lines_inside_a_span_carry_its_ids(collector: OtlpCollector, runtime: Runtime) -> None:
    stream = io.StringIO()
    handlers = logging.getLogger().handlers
    try:
        configure_logging(runtime.settings, "test", stream)
        with tracing.span("work"):
            structlog.get_logger("a").info("inside")
            logging.getLogger("b").warning("inside too")
        structlog.get_logger("a").info("outside")
    finally:
        logging.getLogger().handlers = handlers
    tracing.flush()
    (work,) = collector.named("work")
    first, second, third = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (first["trace_id"], first["span_id"]) == (second["trace_id"], second["span_id"]) == (work.trace, work.id)
    assert "trace_id" not in third


def test_nothing_is_imported_without_an_exporter() -> None:
    code = (
        "import sys; from bandmate_shared.observability import tracing; tracing.start_tracing('x')\n"
        "with tracing.span('a', parent='b') as span: assert span is None and tracing.outgoing_headers() == {}\n"
        "tracing.flush(); print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    env = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    result = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize("variables", [{"OTEL_SDK_DISABLED": "true"}, {"OTEL_EXPORTER_OTLP_ENDPOINT": ""}])
def test_traces_can_be_turned_off(
    collector: OtlpCollector, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    tracing.start_tracing("test")
    with tracing.span("a") as span:
        assert span is None


def test_without_the_extra_a_warning_is_logged(
    collector: OtlpCollector, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    tracing.start_tracing("test")
    with tracing.span("a") as span:
        assert span is None
    assert "bandmate-shared[telemetry]" in caplog.text


def test_an_unreachable_collector_does_not_block(
    collector: OtlpCollector, monkeypatch: pytest.MonkeyPatch, wait_until: Callable[..., None]
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    monkeypatch.setattr(tracing, "_tracing", tracing._Tracing())
    tracing.start_tracing("test")
    with tracing.span("a") as span:
        assert span is not None
    tracing.flush()
