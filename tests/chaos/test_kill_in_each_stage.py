"""`kill -9` in each stage of each kind of job, one stage per attempt: every job still succeeds once.

BANDMATE_FAILPOINT makes the working process kill itself on entering a stage; `#2` means on the second attempt only. So
one job is killed in each of its stages, and before, between and after them.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import history
from tests.support.platform_process import PlatformProcess
from tests.support.tunes import write_tunes

TINY = {"epochs": 1, "hidden": 16, "layers": 1, "streams": 2, "steps": 64, "evaluation_takes": 1}
WORDS = "The kettle sings, the window glows"


def failpoints(kind: str, *stages: str) -> list[str]:
    """A failpoint for each stage, on one attempt after the other."""
    return [f"{kind}.{stage}#{attempt}" for attempt, stage in enumerate(stages, 1)]


# A song has two phases, and the second counts its attempts from one again: `@claimed#1` fires in both.
SONG = failpoints("song", "@claimed", "compose", "score", "render", "mix")
SONG += ["song.report#2", "song.@manifest#3", "song.@finished#4"]
VOCAL = failpoints("vocal", "@claimed", "speech", "sing", "mix", "@manifest", "@finished")
DATASET = failpoints("dataset", "@claimed", "collect", "read", "clean", "write", "@manifest", "@finished")
TRAINING = failpoints("training", "prepare", "train", "evaluate", "register", "@manifest")

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def failing_platform(start_platform: Callable[..., PlatformProcess]) -> PlatformProcess:
    return start_platform(
        BANDMATE_FAILPOINT=",".join(SONG + VOCAL + DATASET + TRAINING),
        BANDMATE_MAX_ATTEMPTS="20",
        BANDMATE_LEASE_SECONDS="4",
        BANDMATE_HEARTBEAT_SECONDS="0.3",
    )


def test_a_song_a_dataset_and_a_training_survive_a_kill_in_every_stage(
    failing_platform: PlatformProcess, tmp_path: Path
) -> None:
    write_tunes(tmp_path / "midi", 12)
    dataset = failing_platform.submit("datasets", {"name": "tunes", "sources": [str(tmp_path / "midi")]})
    song = failing_platform.submit("songs", {"style": "folk", "bars": 2, "seed": 1, "lyrics": WORDS})
    cleaned = failing_platform.finished("datasets", dataset, 200)
    assert cleaned["state"] == "succeeded", cleaned["error"]
    training = failing_platform.submit("trainings", {"dataset": "tunes", "hyperparameters": TINY})
    sung = failing_platform.finished("songs", song, 200)
    assert sung["state"] == "succeeded", sung["error"]
    trained = failing_platform.finished("trainings", training, 250)
    assert trained["state"] == "succeeded", trained["error"]
    (vocal,) = sung["children"]
    failing_platform.stop()
    home = failing_platform.home
    # A run for each kill, and one that ends each phase (a song has two). `@finished` kills after the end.
    # On a busy machine there are more: a lost lease costs an attempt, but no job.
    assert history.count(home, song, "job.running") >= len(SONG) + 2
    assert history.count(home, vocal, "job.running") >= len(VOCAL)
    assert history.count(home, dataset, "job.running") >= len(DATASET)
    assert history.count(home, training, "job.running") >= len(TRAINING) + 1
