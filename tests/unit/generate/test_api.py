"""`/v1/songs`: what is wrong with a request is said when it is submitted."""

import base64
import subprocess
import sys
from collections.abc import Iterator

import pytest
from bandmate_generate.api import routers
from bandmate_generate.styles import STYLES
from bandmate_shared.http.app import create_app
from starlette.testclient import TestClient

from .conftest import Workplace

JPEG = base64.b64encode(b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + bytes(200)).decode()


@pytest.fixture
def client(workplace: Workplace) -> Iterator[TestClient]:
    with TestClient(
        create_app(workplace.runtime, "Bandmate generate", routers(workplace.runtime)), "http://127.0.0.1"
    ) as client:
        yield client


def test_a_good_request_becomes_a_job(client: TestClient) -> None:
    answer = client.post("/v1/songs", json={"style": "folk", "key": "D", "bars": 8})
    assert answer.status_code == 202
    assert answer.json()["state"] == "queued"
    assert answer.headers["Location"].startswith("/v1/songs/song_")


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"style": "polka"}, STYLES),
        ({"key": "H dur"}, ["key"]),
        ({"model": "gpt"}, ["gpt", "starter"]),
        ({"lyrics": "  \n \n"}, ["empty"]),
        ({"lyrics": "?!\n..."}, ["syllables"]),
        ({"lyrics": "la\n" * 10_000}, ["character"]),
        ({"lyrics": "la la\n" * 201}, ["200"]),
        ({"bars": -4}, ["bars"]),
        ({"bars": 0}, ["bars"]),
        ({"tempo": 0}, ["tempo"]),
        ({"metre": "4/3"}, ["4/3"]),
        ({"prompt": JPEG}, ["JPEG"]),
        ({"prompt": "%%%"}, ["Base64"]),
        ({"lyrics": "la " * 200, "bars": 1}, ["at least"]),
        ({"sytle": "folk"}, ["sytle"]),
    ],
)
def test_a_bad_request_is_refused_with_the_reason(
    client: TestClient, asked: dict[str, object], says: list[str]
) -> None:
    answer = client.post("/v1/songs", json=asked)
    assert answer.status_code == 422, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert all(word in answer.text for word in says), answer.text
    assert client.get("/v1/songs").json()["items"] == []


def test_the_worker_and_the_api_start_without_heavy_imports() -> None:
    """numpy and Pillow come with the first job, not with the process."""
    heavy = ("numpy", "PIL", "tinysoundfont", "matplotlib", "scipy", "torch")
    code = (
        "import sys, bandmate_generate.tasks, bandmate_generate.api; "
        f"print(*[name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
