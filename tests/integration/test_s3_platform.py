"""The whole platform on S3: a dataset out of an upload, the starter model, a sung song; nothing on the disk."""

import hashlib
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bandmate_shared.dataset_versions import latest_revision
from bandmate_shared.music.midi_write import write_midi
from bandmate_shared.storage import Storage, get_manifest, open_storage

from tests.moto_server import MotoServer
from tests.platform_process import PlatformProcess
from tests.tunes import tune

SONG = {
    "style": "folk", "key": "D", "tempo": 100, "metre": "4/4", "bars": 4, "seed": 11,
    "lyrics": "The kettle sings, the window glows",
}  # fmt: skip


@pytest.fixture
def platform(aws: MotoServer, bucket: str, tmp_path: Path) -> Iterator[PlatformProcess]:
    # Patient leases: several S3 clients are made at once, each a second of work on a busy machine.
    env = {**aws.environment, "BANDMATE_STORAGE_URL": f"s3://{bucket}/bandmate", "BANDMATE_LEASE_SECONDS": "15"}
    process = PlatformProcess(tmp_path / "home", env)
    try:
        yield process.start()
    finally:
        process.stop()


def files_of(platform: PlatformProcess, noun: str, job: dict[str, Any]) -> dict[str, bytes]:
    """Every artifact, its hash checked."""
    found = {}
    for one in job["artifacts"]:
        answer = platform.http("GET", f"/v1/{noun}/{job['id']}/artifacts/{one['name']}")
        assert answer.status_code == 200, answer.text
        assert hashlib.sha256(answer.content).hexdigest() == one["sha256"]
        found[one["name"]] = answer.content
    return found


def dataset_of_an_upload(platform: PlatformProcess) -> dict[str, Any]:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(5):
            archive.writestr(f"jigs/{number}.mid", write_midi(tune(number)))
    data = packed.getvalue()
    announced = platform.http("POST", "/v1/uploads", json={"filename": "jigs.zip", "size": len(data)}).json()
    assert platform.http("PUT", announced["send"]["url"], content=data).json()["state"] == "received"
    request = {"name": "jigs", "sources": [announced["source"]]}
    return platform.finished("datasets", platform.submit("datasets", request), 180)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_dataset_and_a_sung_song_on_s3(platform: PlatformProcess, bucket: str) -> None:
    storage: Storage = open_storage(f"s3://{bucket}/bandmate")
    dataset = dataset_of_an_upload(platform)
    assert dataset["state"] == "succeeded", dataset["error"]
    assert dataset["result"]["accepted"] == 5
    assert latest_revision(storage, "jigs") == (1, dataset["result"]["version"])
    assert "manifest.json" in files_of(platform, "datasets", dataset)

    song = platform.finished("songs", platform.submit("songs", SONG), 240)
    assert song["state"] == "succeeded", song["error"]
    files = files_of(platform, "songs", song)
    assert {"song.mid", "song.wav", "vocals.wav"} <= set(files)
    part = platform.http("GET", f"/v1/songs/{song['id']}/artifacts/song.wav", headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, files["song.wav"][100:200])
    manifest = get_manifest(storage, song["id"])
    assert manifest is not None
    assert {one.name for one in manifest.artifacts} == set(files)
    assert not (platform.home / "store").exists()
