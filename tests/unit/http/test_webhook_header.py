"""Submissions with a webhook: by the header, by the API key, and the idempotency keys beside them."""

from collections.abc import Iterator

import pytest
from bandmate_shared import auth
from bandmate_shared.auth import KeyStore
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.errors import InvalidRequest, NotFound
from bandmate_shared.http.app import create_app
from bandmate_shared.http.job_routes import job_router
from bandmate_shared.runtime import Runtime
from bandmate_shared.settings import SharedSettings
from bandmate_shared.webhooks.addresses import RefusedAddress
from bandmate_shared.webhooks.signature import secret_for
from pydantic import SecretStr, ValidationError
from starlette.testclient import TestClient

HOOK = "https://band.example/hook"
OTHER = "https://other.example/hook"


@pytest.fixture
def key(keys: KeyStore) -> str:
    return keys.create("tenant-a")


@pytest.fixture
def caller(service: Runtime, key: str) -> Iterator[TestClient]:
    """A tenant's program."""
    app = create_app(service, "Songs", [job_router(service, "songs", ["song"], SongRequest)])
    with TestClient(app, base_url="https://band.example", headers={"X-API-Key": key}) as client:
        yield client


def reported(runtime: Runtime) -> list[tuple[str, str | None]]:
    """Where the ends of the jobs so far are reported; they are cancelled for that. Oldest first."""
    jobs, _ = runtime.store.list_jobs(None)
    for job in reversed(jobs):
        runtime.store.cancel(job.id)
    return [(webhook.url, webhook.key_id) for webhook in reversed(runtime.store.webhooks())]


def test_a_song_is_reported_to_the_address_in_the_header(client: TestClient, runtime: Runtime) -> None:
    assert client.post("/v1/songs", json={}, headers={"Webhook-Url": HOOK}).status_code == 202
    assert client.post("/v1/songs", json={}).status_code == 202
    assert reported(runtime) == [(HOOK, None)]


@pytest.mark.parametrize(
    ("url", "status", "kind"),
    [
        ("http://band.example/hook", 422, "invalid-request"),
        ("https://10.0.0.1/hook", 422, "refused-address"),
        ("https://[::ffff:169.254.169.254]/", 422, "refused-address"),
        ("hook", 422, "invalid-request"),
    ],
)
def test_an_address_that_is_not_reached_is_refused_at_the_field(
    client: TestClient, runtime: Runtime, url: str, status: int, kind: str
) -> None:
    answer = client.post("/v1/songs", json={}, headers={"Webhook-Url": url})
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:bandmate:problem:{kind}")
    assert answer.json()["errors"][0]["field"] == "Webhook-Url"
    assert runtime.store.list_jobs(None) == ([], None)


def test_a_key_has_an_address_of_its_own_which_the_header_replaces(
    caller: TestClient, service: Runtime, keys: KeyStore
) -> None:
    [listed] = keys.listed()
    keys.set_webhook(listed.id, HOOK)
    caller.post("/v1/songs", json={})
    caller.post("/v1/songs", json={}, headers={"Webhook-Url": OTHER})
    keys.set_webhook(listed.id, None)
    caller.post("/v1/songs", json={})
    assert reported(service) == [(HOOK, listed.id), (OTHER, listed.id)]


def test_what_a_page_asks_for_is_reported_by_the_key_of_its_session(service: Runtime, key: str, keys: KeyStore) -> None:
    keys.set_webhook(keys.listed()[0].id, HOOK)
    app = create_app(service, "Songs", [job_router(service, "songs", ["song"], SongRequest)])
    own = {"Origin": "https://band.example"}
    with TestClient(app, base_url="https://band.example", headers=own) as page:
        page.post("/v1/session", json={"key": key})
        assert page.post("/v1/songs", json={}).status_code == 202
    assert reported(service) == [(HOOK, keys.listed()[0].id)]


def test_an_idempotency_key_belongs_to_its_webhook(client: TestClient, runtime: Runtime) -> None:
    first = {"Idempotency-Key": "k", "Webhook-Url": HOOK}
    song = client.post("/v1/songs", json={}, headers=first).json()
    assert client.post("/v1/songs", json={}, headers=first).json()["id"] == song["id"]
    assert client.post("/v1/songs", json={}, headers={**first, "Webhook-Url": OTHER}).status_code == 409
    assert client.post("/v1/songs", json={}, headers={"Idempotency-Key": "k"}).status_code == 409
    assert reported(runtime) == [(HOOK, None)]


def test_the_description_names_the_header_and_the_webhooks(client: TestClient) -> None:
    description = client.get("/openapi.json").json()
    parameters = description["paths"]["/v1/songs"]["post"]["parameters"]
    assert [parameter["name"] for parameter in parameters].count("Webhook-Url") == 1
    assert set(description["webhooks"]) == {"job.succeeded", "job.failed", "job.cancelled"}
    for item in description["webhooks"].values():
        schema = item["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        assert "data" in description["components"]["schemas"][schema]["properties"]


def test_the_operators_command_sets_an_address_and_shows_the_secret(
    service: Runtime, keys: KeyStore, key: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "shared_settings", lambda: service.settings)
    key_id = keys.listed()[0].id

    def call(*arguments: str) -> str:
        status = auth.main(list(arguments))
        return f"{status} {capsys.readouterr().out}".strip()

    secret = secret_for(service.settings, key_id)
    assert call("webhook", key_id) == f"0 no URL  {secret}"
    assert call("webhook", key_id, HOOK) == f"0 {HOOK}  {secret}"
    assert keys.key_of(key).webhook_url == HOOK
    assert call("list").endswith(HOOK)
    assert call("webhook", key_id, "none") == f"0 no URL  {secret}"
    assert call("webhook", key_id, "http://band.example/") == "1"
    assert call("webhook", "0" * 16, HOOK) == "1"
    with pytest.raises(InvalidRequest):
        keys.set_webhook(key_id, "ftp://band.example/")
    with pytest.raises(RefusedAddress):
        keys.set_webhook(key_id, "https://192.168.0.1/")
    keys.revoke(key_id)
    with pytest.raises(NotFound):
        keys.set_webhook(key_id, HOOK)


def test_tenants_never_reach_the_inside() -> None:
    assert SharedSettings(webhook_private=True).webhook_private
    with pytest.raises(ValidationError, match="BANDMATE_WEBHOOK_PRIVATE is for embedded mode"):
        SharedSettings(mode="service", webhook_private=True, key_pepper=SecretStr("p" * 32))
