"""The studio's page and what it asks for, through the gateway."""

import httpx2

from tests.stack.stack import Stack


def test_the_page_and_its_files_come_with_their_policy(stack: Stack) -> None:
    page = stack.http("GET", "/", tenant=None)
    assert page.status_code == 200
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert stack.http("GET", "/studio/app/main.js", tenant=None).headers["content-type"].startswith("text/javascript")
    assert stack.http("GET", "/studio/nothing", tenant=None).status_code == 404


def test_a_page_logs_in_interprets_a_sentence_and_hears_of_its_jobs(stack: Stack) -> None:
    own = {"Origin": stack.url}
    with httpx2.Client(base_url=stack.url, headers=own, timeout=30) as browser:
        assert browser.post("/v1/session", json={"key": stack.keys["alice"]}).json()["tenant"] == "alice"
        answer = browser.post("/v1/songs:interpret", json={"text": "a slow waltz in D minor"})
        assert answer.json()["request"]["key"] == "D minor"
        for path in ("/v1/styles", "/v1/voices", "/v1/instruments", "/v1/limits", "/v1/uploads"):
            assert browser.get(path).status_code == 200, path
        with browser.stream("GET", "/v1/events") as events:
            assert events.headers["content-type"].startswith("text/event-stream")
            job = browser.post("/v1/songs", json={"style": "folk", "bars": 2, "seed": 3}).json()["id"]
            assert any(job in line for line in events.iter_lines() if line.startswith("data:"))
