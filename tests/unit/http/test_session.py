"""Login of a page in service mode: the cookie, its end, and requests that pages of other origins make with it."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from bandmate_shared import auth
from bandmate_shared.auth import SESSION_COOKIE, KeyStore
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.http.app import create_app
from bandmate_shared.http.job_routes import job_router
from bandmate_shared.jobs.model import utc_now
from bandmate_shared.runtime import Runtime
from fastapi import FastAPI
from starlette.testclient import TestClient

URL = "https://band.example"
OWN = {"Origin": URL}


@pytest.fixture
def key(keys: KeyStore) -> str:
    return keys.create("tenant-a")


@pytest.fixture
def page(service: Runtime, key: str) -> Iterator[TestClient]:
    """A page of the service's own origin, not logged in."""
    app = create_app(service, "Songs", [job_router(service, "songs", ["song"], SongRequest)])
    with TestClient(app, base_url=URL) as client:
        yield client


def log_in(page: TestClient, key: str) -> str:
    answer = page.post("/v1/session", json={"key": key}, headers=OWN)
    assert answer.status_code == 200, answer.text
    assert answer.json()["tenant"] == "tenant-a"
    return str(answer.headers["set-cookie"])


def test_a_key_becomes_a_cookie_that_scripts_cannot_read(page: TestClient, key: str) -> None:
    assert page.get("/v1/songs").status_code == 401
    cookie = log_in(page, key)
    assert {"HttpOnly", "SameSite=strict", "Secure", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert key not in cookie
    assert page.get("/v1/session").json()["tenant"] == "tenant-a"
    assert page.post("/v1/songs", json={}, headers=OWN).status_code == 202
    assert len(page.get("/v1/songs").json()["items"]) == 1
    assert page.delete("/v1/session", headers=OWN).status_code == 204
    assert page.get("/v1/songs").status_code == 401


@pytest.mark.parametrize(
    "headers",
    [{}, {"Origin": "https://evil.example"}, {"Origin": "null"}, {**OWN, "Sec-Fetch-Site": "same-site"}],
    ids=["no origin", "another", "opaque", "a subdomain's"],
)
def test_what_another_page_asks_for_by_the_cookie_is_refused(
    page: TestClient, key: str, headers: dict[str, str]
) -> None:
    log_in(page, key)
    assert page.post("/v1/songs", json={}, headers=headers).status_code == 403
    assert page.get("/v1/songs").json()["items"] == []
    assert page.get("/v1/songs", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert page.post("/v1/songs", json={}, headers={"X-API-Key": key, **headers}).status_code == 202, "a key is enough"


def test_a_session_ends_with_its_time_and_with_its_key(
    page: TestClient, key: str, keys: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(page, key)
    later = utc_now() + timedelta(days=8)
    with monkeypatch.context() as patch:
        patch.setattr(auth, "utc_now", lambda: later)
        assert page.get("/v1/songs").status_code == 401
    assert page.get("/v1/songs").status_code == 200
    keys.revoke(keys.listed()[0].id)
    assert page.get("/v1/songs").status_code == 401


def test_a_forged_cookie_and_a_wrong_key_are_refused(page: TestClient, key: str) -> None:
    assert page.post("/v1/session", json={"key": "bm_live_no"}, headers=OWN).status_code == 401
    log_in(page, key)
    token = page.cookies[SESSION_COOKIE]
    key_id, expires, signature = token.split(".")
    for forged in (f"{key_id}.{int(expires) + 1}.{signature}", f"{key_id}.{expires}.{'0' * 64}", "x"):
        page.cookies.clear()
        page.cookies.set(SESSION_COOKIE, forged)
        assert page.get("/v1/songs").status_code == 401


def test_in_embedded_mode_everybody_is_logged_in(client: TestClient, app: FastAPI) -> None:
    assert client.get("/v1/session").json()["tenant"] == "local"
    assert client.post("/v1/session", json={"key": "x"}).status_code == 409


def test_text_is_compressed_and_files_of_sound_are_not(client: TestClient) -> None:
    for _ in range(10):
        client.post("/v1/songs", json={"lyrics": "la la"})
    answer = client.get("/v1/songs", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in answer.headers["vary"]
    assert len(answer.json()["items"]) == 10
    assert "content-encoding" not in client.get("/v1/songs", headers={"Accept-Encoding": "identity"}).headers
    assert "content-encoding" not in client.get("/healthz", headers={"Accept-Encoding": "gzip"}).headers
