"""Two tenants at one gateway: neither can see or cancel the other's jobs."""

import pytest

from tests.stack.stack import Stack


@pytest.fixture(scope="module")
def song_of_alice(stack: Stack) -> str:
    job = stack.submit("songs", {"style": "folk", "bars": 2, "seed": 21})
    stack.succeeded("songs", job)
    return job


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("GET", "/events"),
        ("POST", "/cancel"),
        ("GET", "/artifacts/song.mid"),
        ("GET", "/artifacts/report.json"),
    ],
)
def test_a_song_of_alice_does_not_exist_for_bob(stack: Stack, song_of_alice: str, method: str, path: str) -> None:
    address = f"/v1/songs/{song_of_alice}{path}"
    assert stack.http(method, address, tenant="alice").status_code < 300
    assert stack.http(method, address, tenant="bob").status_code == 404


def test_a_song_of_alice_is_not_in_the_list_of_bob(stack: Stack, song_of_alice: str) -> None:
    def listed(tenant: str) -> set[str]:
        return {job["id"] for job in stack.http("GET", "/v1/songs?limit=100", tenant=tenant).json()["items"]}

    assert song_of_alice in listed("alice")
    assert song_of_alice not in listed("bob")


@pytest.mark.parametrize("path", ["/v1/songs", "/v1/datasets", "/v1/trainings", "/v1/models", "/v1/vocals"])
def test_requests_without_a_valid_key_are_refused(stack: Stack, path: str) -> None:
    assert stack.http("GET", path, tenant=None).status_code == 401
    assert (
        stack.http("GET", path, tenant=None, headers={"X-API-Key": f"bm_live_{'0' * 16}_{'0' * 64}"}).status_code == 401
    )
    assert stack.http("GET", path, tenant="bob").status_code == 200


def test_the_gateway_has_no_other_routes(stack: Stack) -> None:
    for path in (
        "/metrics",
        "/v1",
        "/v1/nothing",
        "/readyz/postgres",
        "/invocations",
        "/models",
        "/.env",
        "/bandmate/",
    ):
        assert stack.http("GET", path).status_code == 404, path


def test_a_body_past_the_limit_is_refused_with_a_reason(stack: Stack) -> None:
    large = stack.http("POST", "/v1/songs", content=b'{"lyrics": "' + b"a" * 4_500_000 + b'"}')
    assert large.status_code == 413
    assert large.json()["type"].endswith("limit-exceeded")
    assert stack.http("POST", "/v1/songs", content=b"a" * 6_000_000).status_code == 413
