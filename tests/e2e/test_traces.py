"""One trace follows a sung song through the real platform: API, workers, model and singer, four processes at least."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.otlp_collector import CollectedSpan, OtlpCollector
from tests.support.platform_process import PlatformProcess, eventually

REQUEST = {
    "style": "song",
    "key": "D",
    "tempo": 110,
    "bars": 4,
    "seed": 5,
    "lyrics": "The kettle sings, the window glows\nA fiddle hums beneath the snow",
}
CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture(scope="module")
def collector() -> Iterator[OtlpCollector]:
    with OtlpCollector() as opened:
        yield opened


@pytest.fixture(scope="module")
def traced(collector: OtlpCollector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformProcess]:
    # A long lease, because each job must be one attempt also on a busy machine.
    patient = {"BANDMATE_LEASE_SECONDS": "60"}
    process = PlatformProcess(tmp_path_factory.mktemp("traced") / "home", {**collector.environment, **patient})
    try:
        yield process.start()
    finally:
        process.stop()


def test_one_trace_spans_all_processes_of_a_song(
    traced: PlatformProcess, collector: OtlpCollector, tmp_path: Path
) -> None:
    job_id = traced.submit("songs", REQUEST, {"traceparent": CALLER})
    assert traced.finished("songs", job_id)["state"] == "succeeded"
    eventually(lambda: len(collector.named("job song")) == 2, "both spans of the song")
    spans = [span for span in collector.spans() if span.trace == CALLER.split("-")[1]]

    def only(name: str) -> CollectedSpan:
        (match,) = [span for span in spans if span.name == name]
        return match

    request = only("POST /v1/songs")
    assert request.parent == CALLER.split("-")[2]
    start, end = (
        span
        for phase in ("start", "mix-down")
        for span in spans
        if span.attributes.get("job.phase") == phase and span.name == "job song"
    )
    assert (start.parent, end.parent) == (request.id, request.id)
    assert start.attributes["job.id"] == job_id
    assert only("compose").parent == start.id
    (client_span,) = [span for span in spans if span.name.startswith("ask ")]
    assert (client_span.parent, client_span.kind) == (only("compose").id, "client")
    (server_span,) = [span for span in spans if span.name == "POST /models/{name}/invoke"]
    assert (server_span.parent, server_span.kind) == (client_span.id, "server")
    vocal = only("job vocal")
    assert vocal.parent == start.id
    (mixing,) = [span for span in spans if span.name == "mix" and span.service == "bandmate-vocal"]
    assert mixing.parent == vocal.id == only("speech").parent
    assert {span.service for span in spans} == {
        "bandmate-http",
        "bandmate-generate",
        "bandmate-model",
        "bandmate-vocal",
    }
    assert len({span.pid for span in spans}) == 4
    assert all(span.failed is None for span in spans)
    # The requests that poll for the job have their own traces.
    assert {span.name for span in collector.spans() if span.trace != request.trace} == {"GET /v1/songs/{job_id}"}
