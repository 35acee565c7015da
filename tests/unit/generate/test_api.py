"""`/v1/songs`: errors of a request are reported when it is submitted."""

import base64
import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
from bandmate_generate.api import routers
from bandmate_generate.planning.styles import STYLES
from bandmate_music.instruments import parse_instrument
from bandmate_music.midi.write import write_midi
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.contracts.trainings import ModelAlias, ModelFile, ModelManifest
from bandmate_shared.http.app import create_app
from bandmate_shared.jobs.execution.context import Done, JobContext
from bandmate_shared.jobs.execution.inprocess import InProcessQueue
from bandmate_shared.jobs.model import NewJob
from bandmate_shared.objects.blobs import blob_key, put_blob
from bandmate_shared.registry.models import PRODUCTION, alias_revision_key, manifest_key
from starlette.testclient import TestClient

from .composing import encoded, tune
from .conftest import Workplace

TUNE, LONG = encoded(tune()), encoded(tune(300))
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


def test_a_piece_of_any_length_may_get_a_part(client: TestClient) -> None:
    answer = client.post("/v1/songs", json={"prompt": LONG, "add": ["drums"]})
    assert answer.status_code == 202, answer.text


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"style": "polka"}, STYLES),
        ({"style": "waltzer"}, ["nearest are waltz, jazz-waltz,"]),
        ({"style": "jazz"}, ["jazz-waltz", "swing"]),
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
    ],
)
def test_a_bad_request_is_refused_with_the_reason(
    client: TestClient, fields: dict[str, object], message: list[str]
) -> None:
    answer = client.post("/v1/songs", json=fields)
    assert answer.status_code == 422, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert all(word in answer.text for word in message), answer.text
    assert client.get("/v1/songs").json()["items"] == []


def test_the_styles_the_instruments_and_the_limits_are_listed(client: TestClient) -> None:
    styles = {style["name"]: style for style in client.get("/v1/styles").json()["items"]}
    assert list(styles) == list(STYLES)
    assert styles["folk"]["metres"][0] == "4/4"
    assert [track["instrument"] for track in styles["folk"]["tracks"]][1:] == [
        "Acoustic Guitar (steel)",
        "Acoustic Bass",
    ]
    assert (styles["folk"]["can_sing"], styles["drums"]["can_sing"]) == (True, False)
    instruments = client.get("/v1/instruments").json()["items"]
    assert len(instruments) == 129
    violin = next(instrument for instrument in instruments if instrument["program"] == 40)
    assert (violin["name"], violin["family"]) == ("Violin", "Strings")
    for instrument in instruments:
        for name in (instrument["name"], *instrument["names"]):
            [track] = SongRequest.model_validate({"tracks": [{"instrument": name}]}).tracks or []
            parsed = parse_instrument(track.instrument)
            assert (parsed.program, parsed.is_drum) == (instrument["program"], instrument["is_drum"])
    limits = client.get("/v1/limits").json()
    assert client.post("/v1/songs", json={"bars": limits["bars"] + 1}).status_code == 422
    assert client.post("/v1/songs", json={"takes": limits["takes"] + 1}).status_code == 422
    assert client.post("/v1/songs", json={"tempo": limits["tempo_max"] + 1}).status_code == 422


def learn(place: Workplace, tenant: str, model_id: str, created: str, *styles: str) -> None:
    """Register a model of a tenant's that has learnt these styles."""
    storage = place.runtime.storage
    config = put_blob(storage, json.dumps({"styles": styles}).encode())
    files = [ModelFile(name="config.json", sha256=config, size=storage.size(blob_key(config)))]
    known = place.model.model_dump() | {"id": model_id, "sha256": "0" * 64, "files": files, "created": created}
    manifest = ModelManifest.model_validate(known)
    storage.put(manifest_key(model_id, tenant), manifest.model_dump_json().encode())


def test_own_styles_are_listed_with_the_model_that_knows_them(client: TestClient, workplace: Workplace) -> None:
    learn(workplace, "local", "reels-1", "2026-01-01T00:00:00Z", "reels", "pop", "groove")
    learn(workplace, "local", "reels-2", "2026-01-02T00:00:00Z", "reels", "jigs")
    learn(workplace, "acme", "secret", "2026-01-03T00:00:00Z", "polka")

    def own() -> dict[str, str | None]:
        items = client.get("/v1/styles").json()["items"]
        return {style["name"]: style["model"] for style in items if style["own"]}

    assert own() == {"jigs": "reels-2", "reels": "reels-2"}, "no style of the table, of the starter or of others"
    assert client.post("/v1/songs", json={"style": "reels", "bars": 4}).status_code == 422
    assert client.post("/v1/songs", json={"style": "reels", "model": "reels-2", "bars": 4}).status_code == 202
    production = ModelAlias(alias=PRODUCTION, model="reels-1").model_dump_json().encode()
    workplace.runtime.storage.put(alias_revision_key(PRODUCTION, 1), production)
    assert own() == {"jigs": "reels-2", "reels": None}
    assert client.post("/v1/songs", json={"style": "reels", "bars": 4}).status_code == 202


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
    song_id = finished(workplace, "local", {"style": "folk"}, song=write_midi(tune()))
    answer = client.post("/v1/songs", json={"prompt": f"song:{song_id}", "infill": {"bars": "5-8"}})
    assert answer.status_code == 202, answer.text
    request = answer.json()["request"]
    assert (request["prompt"], request["style"]) == (f"song:{song_id}", "folk"), "named, not copied"
    other = client.post("/v1/songs", json={"prompt": f"song:{song_id}", "variation": 0.2, "style": "pop"})
    assert other.json()["request"]["style"] == "pop"


def test_a_song_is_a_version_of_the_one_it_names(client: TestClient, workplace: Workplace) -> None:
    song_id = finished(workplace, "local", {"style": "folk"}, song=write_midi(tune()))
    answer = client.post("/v1/songs", json={"derived_from": song_id, "style": "waltz", "bars": 4})
    assert answer.json()["derived_from"] == song_id
    versions = client.get(f"/v1/songs/{song_id}/versions").json()["items"]
    assert [song["id"] for song in versions] == [song_id, answer.json()["id"]]
    foreign = finished(workplace, "acme", {"style": "folk"}, song=write_midi(tune()))
    for source in (foreign, "song_" + "0" * 26):
        refused = client.post("/v1/songs", json={"derived_from": source, "bars": 4})
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (404, "derived_from")


def test_a_take_of_a_song_goes_by_its_number(client: TestClient, workplace: Workplace) -> None:
    song_id = finished(workplace, "local", {"style": "folk"}, take_1=write_midi(tune(4)), take_2=write_midi(tune()))
    unnamed = client.post("/v1/songs", json={"prompt": f"song:{song_id}", "add": ["drums"]})
    assert unnamed.status_code == 422
    assert f"song:{song_id}/take-1" in unnamed.text
    named = client.post("/v1/songs", json={"prompt": f"song:{song_id}/take-2", "add": ["drums"]})
    assert named.json()["request"]["prompt"] == f"song:{song_id}/take-2"
    assert named.json()["derived_from"] == song_id


def test_a_song_of_anothers_or_one_that_is_not_done_cannot_be_worked_on(
    client: TestClient, workplace: Workplace
) -> None:
    other_tenants_id = finished(workplace, "acme", {"style": "folk"}, song=write_midi(tune()))
    waiting = client.post("/v1/songs", json={"bars": 2}).json()["id"]
    for source, status in ((other_tenants_id, 404), ("song_" + "0" * 26, 404), ("nonsense", 404), (waiting, 422)):
        answer = client.post("/v1/songs", json={"prompt": f"song:{source}", "variation": 0.5})
        assert answer.status_code == status, answer.text
        assert source in answer.text


def test_every_wish_is_in_the_openapi(client: TestClient) -> None:
    fields = client.get("/openapi.json").json()["components"]["schemas"]["SongRequest"]["properties"]
    names = "instruments tracks density polyphony chords infill add variation temperature top_p top_k candidates"
    assert {*names.split(), "prompt"} <= set(fields)


def test_the_worker_and_the_api_start_without_heavy_imports() -> None:
    """numpy and Pillow come with the first job, not with the process."""
    heavy = ("numpy", "PIL", "tinysoundfont", "matplotlib", "scipy", "torch")
    code = (
        "import sys, bandmate_generate.tasks, bandmate_generate.api; "
        f"print(*[name for name in {heavy} if name in sys.modules])"
    )
    completed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert completed.stdout.split() == []


def test_a_sentence_is_interpreted_and_nothing_is_submitted(client: TestClient) -> None:
    answer = client.post("/v1/songs:interpret", json={"text": "a purple waltz in D minor, about rain"}).json()
    assert answer["request"]["style"] == "waltz"
    assert answer["request"]["key"] == "D minor"
    assert answer["understood"][0] == {"field": "style", "value": "waltz", "words": "waltz"}
    assert answer["ignored"] == ["purple"]
    assert "no words are written" in answer["notes"][0]
    assert client.get("/v1/songs").json()["items"] == []
    assert client.post("/v1/songs:interpret", json={"text": ""}).status_code == 422


def test_a_song_may_be_asked_for_in_a_sentence(client: TestClient) -> None:
    answer = client.post("/v1/songs", json={"text": "a waltz in D minor, eight bars", "bars": 12})
    assert answer.status_code == 202
    request = answer.json()["request"]
    assert (request["style"], request["key"], request["bars"]) == ("waltz", "D minor", 12)
    again = client.post("/v1/songs", json=request)
    assert again.json()["request"] == request


def test_words_on_demand_without_a_writer_are_refused_by_name(client: TestClient) -> None:
    answer = client.post("/v1/songs", json={"lyrics": {"about": "rain"}})
    assert answer.status_code == 422
    assert "BANDMATE_WORDS_URL" in answer.json()["detail"]
    assert answer.json()["errors"][0]["field"] == "lyrics"
