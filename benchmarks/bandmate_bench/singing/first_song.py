"""The first song, as `make song` orders it from the platform."""

import json
import shutil
from pathlib import Path
from typing import Any

from bandmate_local.client import RemoteProblem, Session
from bandmate_shared.contracts.jobs import JobEvent, JobState

from bandmate_bench.singing.cases import FIRST_SONG

_NAME = "first-song"
_REQUEST: dict[str, Any] = {"style": "folk", "key": "D", "tempo": 96, "bars": 8, "seed": 7}
_FILES = ("vocals.wav", "song.wav", "vocal.json", "alignment.json")


def write_first_song(session: Session, lyrics: str, folder: Path) -> str | None:
    """The song into FOLDER/first-song/first-song, with the singer's request; why it failed, None where it did not."""
    target = folder / FIRST_SONG / _NAME
    request = {**_REQUEST, "lyrics": lyrics}
    try:
        job = session.submit("songs", request)
        job = session.follow("songs", job.id, _no_display)
        if job.state is not JobState.SUCCEEDED:
            return f"{_NAME}: {job.error.detail if job.error else job.state}"
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for artifact in job.artifacts:
            if artifact.name in _FILES:
                session.api.download(f"/v1/songs/{job.id}/artifacts/{artifact.name}", target / artifact.name)
        vocal = session.api.call("GET", f"/v1/vocals/{job.children[0]}")
    except RemoteProblem as problem:
        return f"{_NAME}: {problem.detail}"
    (target / "request.json").write_text(json.dumps(vocal["request"], indent=1) + "\n")
    return None


def _no_display(_: JobEvent) -> None:
    """Progress is told by the benchmark."""
