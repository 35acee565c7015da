"""`/v1/songs`: what is wrong with a request is said when it is submitted."""

import base64
import subprocess
import sys
from collections.abc import Iterator

import pytest
from bandmate_generate.api import routers
from bandmate_generate.styles import STYLES
from bandmate_shared.http.app import create_app
from bandmate_shared.jobs.context import Done, JobContext
from bandmate_shared.jobs.inprocess import InProcessQueue
from bandmate_shared.jobs.model import NewJob
from bandmate_shared.music.midi_write import write_midi
from starlette.testclient import TestClient

from .composing import encoded, tune
from .conftest import Workplace

TUNE, LONG = encoded(tune()), encoded(tune(200))
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
        ({"chords": "C | F | Hm7"}, ["bar 3", "Hm7"]),
        ({"instruments": ["guitr"]}, ["guitr", "guitar"]),
        ({"density": "loud"}, ["sparse", "full"]),
        ({"infill": {"bars": "5-8"}}, ["infill", "prompt"]),
        ({"prompt": TUNE, "infill": {"bars": "7-9"}}, ["bar 9", "8 bars"]),
        ({"prompt": TUNE, "infill": {"bars": "2", "tracks": ["Tuba"]}}, ["Tuba", "Tune", "Bass"]),
        ({"prompt": LONG, "add": ["drums"]}, ["200 bars", "128"]),
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


def finished(place: Workplace, tenant: str, request: dict[str, object], **files: bytes) -> str:
    """A song that is done; keyword `take_1` stands for the file take-1/song.mid."""
    store = place.runtime.store
    job = store.submit(NewJob("song", request, tenant)).job

    def handler(context: JobContext) -> Done:
        for name, data in files.items():
            context.add("song.mid" if name == "song" else f"{name.replace('_', '-')}/song.mid", data, "audio/midi")
        return Done({})

    queue = place.runtime.publisher
    assert isinstance(queue, InProcessQueue)
    queue.run_all(place.runtime, {"song": handler})
    return job.id


def test_a_song_of_ones_own_may_be_worked_on(client: TestClient, workplace: Workplace) -> None:
    mine = finished(workplace, "local", {"style": "folk"}, song=write_midi(tune()))
    answer = client.post("/v1/songs", json={"prompt": f"song:{mine}", "infill": {"bars": "5-8"}})
    assert answer.status_code == 202, answer.text
    request = answer.json()["request"]
    assert (request["prompt"], request["style"]) == (TUNE, "folk")
    other = client.post("/v1/songs", json={"prompt": f"song:{mine}", "variation": 0.2, "style": "pop"})
    assert other.json()["request"]["style"] == "pop"


def test_a_take_of_a_song_goes_by_its_number(client: TestClient, workplace: Workplace) -> None:
    mine = finished(workplace, "local", {"style": "folk"}, take_1=write_midi(tune(4)), take_2=write_midi(tune()))
    unnamed = client.post("/v1/songs", json={"prompt": f"song:{mine}", "add": ["drums"]})
    assert unnamed.status_code == 422
    assert f"song:{mine}/take-1" in unnamed.text
    named = client.post("/v1/songs", json={"prompt": f"song:{mine}/take-2", "add": ["drums"]})
    assert named.json()["request"]["prompt"] == TUNE


def test_a_song_of_anothers_or_one_that_is_not_done_cannot_be_worked_on(
    client: TestClient, workplace: Workplace
) -> None:
    theirs = finished(workplace, "acme", {"style": "folk"}, song=write_midi(tune()))
    waiting = client.post("/v1/songs", json={"bars": 2}).json()["id"]
    for source, status in ((theirs, 404), ("song_" + "0" * 26, 404), ("nonsense", 404), (waiting, 422)):
        answer = client.post("/v1/songs", json={"prompt": f"song:{source}", "variation": 0.5})
        assert answer.status_code == status, answer.text
        assert source in answer.text


def test_every_wish_is_in_the_openapi(client: TestClient) -> None:
    fields = client.get("/openapi.json").json()["components"]["schemas"]["SongRequest"]["properties"]
    assert {
        "instruments", "tracks", "density", "polyphony", "chords", "infill", "add", "variation", "temperature", "top_p",
        "top_k", "candidates", "prompt",
    } <= set(fields)  # fmt: skip


def test_the_worker_and_the_api_start_without_heavy_imports() -> None:
    """numpy and Pillow come with the first job, not with the process."""
    heavy = ("numpy", "PIL", "tinysoundfont", "matplotlib", "scipy", "torch")
    code = (
        "import sys, bandmate_generate.tasks, bandmate_generate.api; "
        f"print(*[name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
