"""Songs written in a process of its own: requests on standard input, hashes of the files on standard output."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Sequence

from bandmate_shared.contracts.songs import SongRequest

from bandmate_bench.judging.open_model import open_model
from bandmate_bench.judging.songs import Song, write_song


def in_another_process(model: str | None, songs: Sequence[Song]) -> list[str]:
    """The SHA-256 of each song's file, written again by a new process, one after the other.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    task = {
        "model": model,
        "songs": [[song.request.model_dump(mode="json", exclude_none=True), song.plan.seed] for song in songs],
    }
    completed = subprocess.run(
        [sys.executable, "-m", "bandmate_bench.judging.replay"],
        input=json.dumps(task).encode(),
        check=True,
        stdout=subprocess.PIPE,
    )
    hashes: list[str] = json.loads(completed.stdout)
    return hashes


def hash_of(song: Song) -> str:
    return hashlib.sha256(song.midi).hexdigest()


def main() -> None:
    task = json.load(sys.stdin)
    model = open_model(task["model"])
    songs = [write_song(model, SongRequest.model_validate(request), seed) for request, seed in task["songs"]]
    json.dump([hash_of(song) for song in songs], sys.stdout)


if __name__ == "__main__":
    main()
