"""Authentication: loopback only in embedded mode, API keys in service mode, and isolation of tenants."""

from collections.abc import Callable
from typing import Any

import pytest
from bandmate_shared import auth
from bandmate_shared.auth import OPERATOR_TENANT, InsecureConfiguration, KeyStore, Unauthorized, refuse_unsafe_bind
from bandmate_shared.errors import InvalidRequest, NotFound
from bandmate_shared.jobs.execution.inprocess import InProcessQueue
from bandmate_shared.runtime import Runtime
from bandmate_shared.settings import SharedSettings
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.testclient import TestClient

from tests.unit.http.conftest import PEPPER, songs_app, write_song


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8000", "localhost:8000", "[::1]:8000"])
def test_loopback_host_headers_are_accepted(client: TestClient, host: str) -> None:
    assert client.get("/v1/songs", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:8000",
        "",
        "10.0.0.1",
        "[",
        "[::1",
        "]:8000",
        "127.0.0.1:x[",
    ],
)
def test_a_host_header_that_is_not_loopback_is_refused(client: TestClient, host: str) -> None:
    answer = client.get("/v1/songs", headers={"Host": host})
    assert (answer.status_code, answer.json()["type"]) == (421, "urn:bandmate:problem:misdirected-request")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "http://["},
        {"Origin": "["},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_page_of_another_site_cannot_post(client: TestClient, headers: dict[str, str]) -> None:
    assert client.post("/v1/songs", json={}, headers=headers).status_code == 403


def test_our_own_page_can_post(client: TestClient) -> None:
    headers = {"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-origin"}
    assert client.post("/v1/songs", json={}, headers=headers).status_code == 202


def test_a_request_from_another_machine_is_refused(app: FastAPI) -> None:
    client = TestClient(app, base_url="http://127.0.0.1:8000", client=("192.168.1.7", 50000))
    assert client.get("/v1/songs").status_code == 403


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "example.com", ""])
def test_embedded_mode_refuses_to_listen_to_a_network(settings: SharedSettings, host: str) -> None:
    with pytest.raises(InsecureConfiguration, match="embedded mode has no API keys"):
        refuse_unsafe_bind(settings, host)
    refuse_unsafe_bind(settings.model_copy(update={"mode": "service"}), host)


def test_a_service_does_not_start_without_pepper_or_keys(service: Runtime, keys: KeyStore) -> None:
    with pytest.raises(InsecureConfiguration, match="at least one API key"):
        songs_app(service)
    keys.create("acme")
    songs_app(service)
    service.settings = service.settings.model_copy(update={"key_pepper": SecretStr("short")})
    with pytest.raises(InsecureConfiguration, match="BANDMATE_KEY_PEPPER"):
        songs_app(service)


def test_a_key_is_valid_until_revoked_and_only_with_its_pepper(service: Runtime, keys: KeyStore) -> None:
    key = keys.create("acme")
    assert keys.key_of(key).tenant == "acme"
    for wrong in (key[:-1] + ("0" if key[-1] != "0" else "1"), key.replace("_", "-"), "", key + "0", "bm_live_x"):
        with pytest.raises(Unauthorized):
            keys.key_of(wrong)
    with pytest.raises(Unauthorized):
        KeyStore(service.store.database, PEPPER[::-1]).key_of(key)
    keys.revoke(key.split("_")[2])
    with pytest.raises(Unauthorized):
        keys.key_of(key)
    with pytest.raises(NotFound):
        keys.revoke(key.split("_")[2])


@pytest.mark.parametrize("tenant", ["local", "", "../acme", "ACME", "a" * 64])
def test_some_names_cannot_be_tenants(keys: KeyStore, tenant: str) -> None:
    with pytest.raises(InvalidRequest):
        keys.create(tenant)


def test_the_database_holds_no_key(service: Runtime, keys: KeyStore) -> None:
    key = keys.create("acme")
    secret = key.split("_")[3].encode()
    files = list(service.settings.home.glob("bandmate.sqlite3*"))
    assert files
    assert not any(secret in file.read_bytes() for file in files)


ROUTES = [
    ("GET", "/v1/songs/{id}"),
    ("GET", "/v1/songs/{id}/events"),
    ("POST", "/v1/songs/{id}/cancel"),
    ("GET", "/v1/songs/{id}/artifacts/song.mid"),
    ("HEAD", "/v1/songs/{id}/artifacts/song.mid"),
]


def test_every_route_needs_a_key_and_hides_the_jobs_of_others(
    service: Runtime, keys: KeyStore, queue: InProcessQueue
) -> None:
    own_key, other_key = keys.create("acme"), keys.create("zenith")
    client = TestClient(songs_app(service))

    def ask(method: str, path: str, key: str | None, **options: Any) -> Any:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return client.request(method, path, headers=headers, **options)

    job_id = ask("POST", "/v1/songs", own_key, json={"bars": 4}).json()["id"]
    queue.run_all(service, {"song": write_song})
    for method, template in ROUTES:
        path = template.format(id=job_id)
        assert ask(method, path, own_key).status_code in (200, 202), path
        assert ask(method, path, other_key).status_code == 404, path
        refused = ask(method, path, None)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Bearer")
        assert ask(method, path, "bm_live_0_0").status_code == 401
    assert ask("GET", "/v1/songs", other_key).json()["items"] == []
    assert len(ask("GET", "/v1/songs", own_key).json()["items"]) == 1
    assert ask("POST", "/v1/songs", None, json={}).status_code == 401
    assert ask("GET", "/v1/not-there", None).status_code == 401
    assert client.get("/v1/songs", headers={"X-API-Key": own_key}).status_code == 200


def test_the_same_idempotency_key_of_two_tenants_is_two_keys(service: Runtime, keys: KeyStore) -> None:
    both = [keys.create("acme"), keys.create("zenith")]
    client = TestClient(songs_app(service), headers={"Idempotency-Key": "k"})
    ids = set()
    for key in both:
        headers = {"X-API-Key": key}
        ids.add(client.post("/v1/songs", json={}, headers=headers).json()["id"])
    assert len(ids) == 2


def test_health_needs_no_key_and_metrics_the_operators(service: Runtime, keys: KeyStore) -> None:
    key, operator = keys.create("acme"), keys.create(OPERATOR_TENANT)
    client = TestClient(songs_app(service))
    assert client.get("/healthz").status_code == 200
    assert client.get("/openapi.json").status_code == 200
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"X-API-Key": key}).status_code == 403
    assert client.get("/metrics", headers={"X-API-Key": operator}).status_code == 200


def test_the_key_command(
    settings: SharedSettings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with_pepper = settings.model_copy(update={"key_pepper": SecretStr(PEPPER)})
    monkeypatch.setattr(auth, "shared_settings", lambda: with_pepper)
    run: Callable[[list[str]], int] = auth.main
    assert run(["create", "acme"]) == 0
    key = capsys.readouterr().out.strip()
    assert run(["list"]) == 0
    listed = capsys.readouterr().out
    assert "acme" in listed
    assert key.split("_")[3] not in listed
    assert run(["revoke", key.split("_")[2]]) == 0
    assert run(["revoke", "0"]) == 1
    assert run([]) == 2
