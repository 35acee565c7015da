"""The whole platform on S3: a dataset from an upload, the starter model, a sung song; nothing on disk."""

import hashlib
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bandmate_music.midi.write import write_midi
from bandmate_shared.objects.base import Storage
from bandmate_shared.objects.blobs import get_manifest
from bandmate_shared.objects.open import open_storage
from bandmate_shared.registry.dataset_versions import latest_revision

from tests.support.moto_server import MotoServer
from tests.support.platform_process import PlatformProcess
from tests.support.tunes import tune

SONG = {
    "style": "folk",
    "key": "D",
    "tempo": 100,
    "metre": "4/4",
    "bars": 4,
    "seed": 11,
    "lyrics": "The kettle sings, the window glows",
}


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
    files = {}
    for listed in job["artifacts"]:
        answer = platform.http("GET", f"/v1/{noun}/{job['id']}/artifacts/{listed['name']}")
        assert answer.status_code == 200, answer.text
        assert hashlib.sha256(answer.content).hexdigest() == listed["sha256"]
        files[listed["name"]] = answer.content
    return files


def make_dataset_from_upload(platform: PlatformProcess) -> dict[str, Any]:
    archive_file = io.BytesIO()
    with zipfile.ZipFile(archive_file, "w") as archive:
        for number in range(5):
            archive.writestr(f"jigs/{number}.mid", write_midi(tune(number)))
    data = archive_file.getvalue()
    announced = platform.http("POST", "/v1/uploads", json={"filename": "jigs.zip", "size": len(data)}).json()
    assert platform.http("PUT", announced["send"]["url"], content=data).json()["state"] == "received"
    request = {"name": "jigs", "sources": [announced["source"]]}
    return platform.finished("datasets", platform.submit("datasets", request), 180)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_dataset_and_a_sung_song_on_s3(platform: PlatformProcess, bucket: str) -> None:
    storage: Storage = open_storage(f"s3://{bucket}/bandmate")
    dataset = make_dataset_from_upload(platform)
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
    assert {artifact.name for artifact in manifest.artifacts} == set(files)
    assert not (platform.home / "store").exists()
