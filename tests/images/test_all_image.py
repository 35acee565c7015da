"""The image for a home server: one command, one volume, and songs for whoever has the key."""

import os
import re
import time
import uuid
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.images.conftest import BUILD_SECONDS, CONFINED, REPOSITORY, Container, Run, docker

SECONDS = 240
WORDS = "The kettle sings, the window glows\nAnd we will sing till half past four"


@pytest.fixture(scope="session")
def image() -> str:
    name = os.environ.get("BANDMATE_ALL_IMAGE", "bandmate/all:dev")
    if docker("image", "inspect", name, check=False).startswith("[]"):
        docker(
            "build", "-f", "services/Dockerfile", "--target", "all", "-t", name, str(REPOSITORY), seconds=BUILD_SECONDS
        )
    return name


@pytest.fixture
def volume() -> Iterator[str]:
    name = f"bandmate-image-test-{uuid.uuid4().hex[:10]}"
    docker("volume", "create", name)
    yield name
    docker("volume", "rm", "--force", name, check=False)


def started(run: Run, volume: str) -> Container:
    """The container as the documentation starts it, on any port of the loopback, once it is healthy."""
    options = (*CONFINED, "--publish", "127.0.0.1::8000", "--volume", f"{volume}:/var/lib/bandmate")
    container = run(options=options)
    deadline = time.monotonic() + SECONDS
    while container.inspect()["State"]["Health"]["Status"] != "healthy":
        assert container.inspect()["State"]["Running"], container.logs()
        assert time.monotonic() < deadline, container.logs()
        time.sleep(0.5)
    return container


def finished(client: httpx2.Client, request: dict[str, Any]) -> dict[str, Any]:
    answer = client.post("/v1/songs", json=request)
    assert answer.status_code == 202, answer.text
    deadline = time.monotonic() + SECONDS
    while True:
        job: dict[str, Any] = client.get(f"/v1/songs/{answer.json()['id']}").json()
        if job["state"] not in ("queued", "running", "waiting"):
            return job
        assert time.monotonic() < deadline, job
        time.sleep(0.2)


def test_one_container_writes_and_sings_and_keeps_its_songs(run: Run, volume: str) -> None:
    container = started(run, volume)
    [key] = re.findall(r"bm_live_\w+", container.logs())
    with httpx2.Client(base_url=container.url(8000), timeout=30) as stranger:
        assert stranger.get("/").status_code == 200, "the page asks for the key"
        assert stranger.post("/v1/songs", json={"style": "folk"}).status_code == 401
    headers = {"Authorization": f"Bearer {key}"}
    with httpx2.Client(base_url=container.url(8000), timeout=30, headers=headers) as client:
        song = finished(client, {"style": "folk", "lyrics": WORDS, "seed": 5, "candidates": 1})
        assert (song["state"], song["error"]) == ("succeeded", None)
        assert {"song.wav", "vocals.wav", "song.musicxml"} <= {file["name"] for file in song["artifacts"]}
        assert client.get(f"/v1/songs/{song['id']}/score.svg").status_code == 200
    container.signal("TERM")
    assert container.wait() == 0, container.logs()

    again = started(run, volume)
    assert "bm_live_" not in again.logs(), "the key is printed once"
    with httpx2.Client(base_url=again.url(8000), timeout=30, headers=headers) as client:
        assert [item["id"] for item in client.get("/v1/songs").json()["items"]] == [song["id"]]
    more = docker("exec", again.name, "python", "-m", "bandmate_local.home_server", "key")
    headers = {"Authorization": f"Bearer {more}"}
    assert httpx2.get(f"{again.url(8000)}/v1/limits", headers=headers, timeout=30).status_code == 200


def test_it_runs_as_nobody_in_particular(image: str) -> None:
    assert docker("run", "--rm", "--entrypoint", "id", image, "-u") == "10001"
    find = "import importlib.util; print(importlib.util.find_spec('torch'))"
    assert docker("run", "--rm", "--entrypoint", "python", image, "-c", find) == "None", "without torch"
