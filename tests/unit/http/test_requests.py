"""Request ids, the access log and the body limit."""

import json
from collections.abc import Iterator

import pytest
from bandmate_shared.http.app import create_app
from bandmate_shared.observability.logs import configure_logging
from bandmate_shared.runtime import Runtime
from bandmate_shared.settings import SharedSettings
from fastapi import APIRouter, Request
from starlette.testclient import TestClient

from tests.unit.http.conftest import LogStream


def test_a_plain_request_id_is_kept_and_a_wild_one_replaced(client: TestClient) -> None:
    assert client.get("/healthz", headers={"X-Request-ID": "abc-1"}).headers["x-request-id"] == "abc-1"
    wild = client.get("/healthz", headers={"X-Request-ID": "a b\tc" * 50}).headers["x-request-id"]
    assert len(wild) == 26
    assert wild != client.get("/healthz").headers["x-request-id"]


@pytest.fixture
def echo(settings: SharedSettings, runtime: Runtime) -> TestClient:
    runtime.settings = settings.model_copy(update={"max_body_bytes": 1000})
    router = APIRouter()

    @router.post("/echo")
    def echo(body: dict[str, str]) -> int:
        return len(body["text"])

    @router.post("/raw")
    async def raw(request: Request) -> int:
        return len(await request.body())

    return TestClient(create_app(runtime, "Echo", [router]), base_url="http://127.0.0.1")


@pytest.mark.parametrize("path", ["/echo", "/raw"])
def test_a_body_past_the_limit_is_refused_declared_or_chunked(echo: TestClient, path: str) -> None:
    def chunks() -> Iterator[bytes]:
        yield b'{"text": "'
        for _ in range(20):
            yield b"a" * 100
        yield b'"}'

    headers = {"Content-Type": "application/json"}
    assert echo.post("/echo", json={"text": "a" * 900}).json() == 900
    for answer in (echo.post(path, json={"text": "a" * 1000}), echo.post(path, content=chunks(), headers=headers)):
        assert answer.status_code == 413
        assert answer.json()["type"] == "urn:bandmate:problem:limit-exceeded"
        assert "1000 bytes; BANDMATE_MAX_BODY_BYTES" in answer.json()["detail"]


def test_each_request_is_one_json_line_with_its_id(
    client: TestClient, settings: SharedSettings, log_stream: LogStream
) -> None:
    configure_logging(settings, "songs", log_stream)
    client.get("/v1/songs", headers={"X-Request-ID": "abc-2"})
    line = next(json.loads(line) for line in log_stream.getvalue().splitlines() if "abc-2" in line)
    assert line["event"] == "request"
    assert (line["service"], line["path"], line["status"], line["tenant"]) == ("songs", "/v1/songs", 200, "local")
