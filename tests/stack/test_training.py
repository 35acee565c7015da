"""From a zip of MIDI to a song by the model trained on it, through the gateway."""

import zipfile
from pathlib import Path

from tests.stack.stack import Stack
from tests.support.tunes import write_tunes

TINY = {"epochs": 1, "hidden": 16, "feedforward": 24, "layers": 1, "streams": 2, "steps": 64, "evaluation_takes": 1}


def test_an_upload_becomes_a_dataset_a_model_and_a_song(stack: Stack, tmp_path: Path) -> None:
    dataset = stack.submit("datasets", {"name": "tunes", "sources": [upload(stack, tunes(tmp_path))]})
    cleaned = stack.succeeded("datasets", dataset)
    training = stack.submit("trainings", {"dataset": "tunes", "name": "tiny", "hyperparameters": TINY})
    trained = stack.succeeded("trainings", training, 240)
    models = {model["id"]: model for model in stack.http("GET", "/v1/models").json()["items"]}
    trained_models = [model for model in models.values() if model["job_id"] == training]
    assert len(trained_models) == 1, (cleaned["result"], trained["result"])
    assert stack.http("GET", f"/v1/models/{trained_models[0]['id']}", tenant="bob").status_code == 404
    song = stack.succeeded("songs", stack.submit("songs", {"bars": 2, "seed": 31, "model": trained_models[0]["id"]}))
    assert {"song.mid", "song.wav"} <= {artifact["name"] for artifact in song["artifacts"]}


def tunes(folder: Path) -> bytes:
    """A zip of a dozen tunes."""
    write_tunes(folder / "midi", 12)
    archive = folder / "tunes.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        for path in sorted((folder / "midi").iterdir()):
            zipped.write(path, path.name)
    return archive.read_bytes()


def upload(stack: Stack, data: bytes) -> str:
    """Announce and send a file; returns its source for a request."""
    announced = stack.http("POST", "/v1/uploads", json={"filename": "tunes.zip", "size": len(data)})
    assert announced.status_code == 201, announced.text
    form = announced.json()["send"]
    assert form["method"] == "PUT"
    sent = stack.http("PUT", form["url"], content=data, headers={"Content-Type": "application/octet-stream"})
    assert sent.status_code == 200, sent.text
    return str(announced.json()["source"])
