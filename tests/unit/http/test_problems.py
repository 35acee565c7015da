"""Every error is a problem detail with a usable explanation."""

import pytest
from bandmate_shared.contracts.problems import Problem
from bandmate_shared.errors import StorageFull
from bandmate_shared.http.app import create_app
from bandmate_shared.runtime import Runtime
from fastapi import APIRouter
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient


def test_each_wrong_field_is_named_with_what_was_given(client: TestClient) -> None:
    answer = client.post("/v1/songs", json={"bars": -3, "tempo": 0, "style": "folk", "colour": "blue"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    Problem.model_validate(problem)
    assert problem["type"] == "urn:bandmate:problem:invalid-request"
    assert problem["instance"] == "/v1/songs"
    messages = {error["field"]: error["message"] for error in problem["errors"]}
    assert set(messages) == {"bars", "tempo", "colour"}
    assert messages["bars"].endswith("not -3")
    assert messages["colour"] == "there is no such field"
    assert "bars: " in problem["detail"]
    assert problem["request_id"] == answer.headers["x-request-id"]


def test_our_own_validators_give_their_own_messages(client: TestClient) -> None:
    problem = client.post("/v1/songs", json={"lyrics": "...\n!!"}).json()
    assert problem["detail"] == "lyrics: the lyrics hold no syllables: not one letter was found in them"


def test_a_long_value_is_shortened_in_the_problem(client: TestClient) -> None:
    problem = client.post("/v1/songs", json={"style": "x" * 100_000}).json()
    assert len(problem["detail"]) < 400


def test_a_refusal_by_the_service_reaches_the_user(client: TestClient) -> None:
    answer = client.post("/v1/songs", json={"style": "noise"})
    assert (answer.status_code, answer.json()["detail"]) == (422, "there is no style 'noise'")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b'{"bars": }', 400),
        (b"\xff\xfe{}", 400),
        (b"[" * 200_000, 400),
        (b"", 422),
        (b"[]", 422),
        (b'"song"', 422),
        (b"null", 422),
        (b'{"style": "\\ud800"}', 422),
        (b'{"lyrics": "la\\u0000la"}', 422),
        (b'{"tempo": NaN}', 422),
        (b'{"tempo": 1e999}', 422),
        (b'{"bars": ' + b"9" * 5000 + b"}", 400),
    ],
)
def test_hostile_bodies_get_a_problem(client: TestClient, body: bytes, status: int) -> None:
    answer = client.post("/v1/songs", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert Problem.model_validate_json(answer.content).detail


def test_a_form_is_answered_with_a_hint_to_send_json(client: TestClient) -> None:
    answer = client.post("/v1/songs", data={"bars": "4"})
    assert answer.status_code == 422
    assert "Content-Type: application/json" in answer.json()["detail"]


def test_no_such_address_and_no_such_method(client: TestClient) -> None:
    missing = client.get("/v1/nothing")
    assert (missing.status_code, missing.json()["title"]) == (404, "Not found")
    wrong = client.delete("/v1/songs")
    assert wrong.status_code == 405
    assert wrong.headers["allow"]
    assert wrong.headers["content-type"] == "application/problem+json"


def _failing_client(runtime: Runtime, error: Exception) -> TestClient:
    router = APIRouter()

    @router.get("/fail")
    def fail() -> None:
        raise error

    return TestClient(create_app(runtime, "Failing", [router]), base_url="http://127.0.0.1")


def test_an_unexpected_error_shows_its_id_and_no_traceback(runtime: Runtime) -> None:
    answer = _failing_client(runtime, RuntimeError("secret path /var/x")).get("/fail")
    assert answer.status_code == 500
    assert answer.json()["type"] == "urn:bandmate:problem:internal"
    assert answer.headers["x-request-id"] in answer.json()["detail"]
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


def test_database_errors_become_unavailable_or_storage_full(runtime: Runtime) -> None:
    away = _failing_client(runtime, OperationalError("SELECT secret", {}, Exception("server closed"))).get("/fail")
    assert (away.status_code, away.headers["retry-after"]) == (503, "5")
    assert "SELECT" not in away.text
    full = _failing_client(runtime, OperationalError("INSERT", {}, Exception("database or disk is full"))).get("/fail")
    assert (full.status_code, full.json()["type"]) == (507, "urn:bandmate:problem:storage-full")
    also_full = _failing_client(runtime, StorageFull("no room")).get("/fail")
    assert also_full.status_code == 507
