"""`kill -9` in each stage of each kind of job, one stage an attempt: every job still ends once, and well.

BANDMATE_FAILPOINT has the process that does the work kill itself on entering a stage; `#2` means on the second attempt
only. So one job walks through a death in each of its stages, and before, between and after them.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests import history
from tests.platform_process import PlatformProcess
from tests.tunes import write_tunes

TINY = {"epochs": 1, "hidden": 16, "layers": 1, "streams": 2, "steps": 64, "evaluation_takes": 1}
WORDS = "The kettle sings, the window glows"


def deaths(kind: str, *stages: str) -> list[str]:
    """A failpoint for each stage, on one attempt after the other."""
    return [f"{kind}.{stage}#{attempt}" for attempt, stage in enumerate(stages, 1)]


# A song has two phases, and its attempts are counted anew in the second: `@claimed#1` fires in both.
SONG = deaths("song", "@claimed", "compose", "score", "render", "mix")
SONG += ["song.report#2", "song.@manifest#3", "song.@finished#4"]
VOCAL = deaths("vocal", "@claimed", "speech", "sing", "mix", "@manifest", "@finished")
DATASET = deaths("dataset", "@claimed", "collect", "read", "clean", "write", "@manifest", "@finished")
TRAINING = deaths("training", "prepare", "train", "evaluate", "register", "@manifest")

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def merciless(start_platform: Callable[..., PlatformProcess]) -> PlatformProcess:
    return start_platform(
        BANDMATE_FAILPOINT=",".join(SONG + VOCAL + DATASET + TRAINING),
        BANDMATE_MAX_ATTEMPTS="9",
        BANDMATE_LEASE_SECONDS="1.5",
        BANDMATE_HEARTBEAT_SECONDS="0.3",
    )


def test_a_song_a_dataset_and_a_training_survive_a_death_in_every_stage(
    merciless: PlatformProcess, tmp_path: Path
) -> None:
    write_tunes(tmp_path / "midi", 12)
    dataset = merciless.submit("datasets", {"name": "tunes", "sources": [str(tmp_path / "midi")]})
    song = merciless.submit("songs", {"style": "folk", "bars": 2, "seed": 1, "lyrics": WORDS})
    cleaned = merciless.finished("datasets", dataset, 200)
    assert cleaned["state"] == "succeeded", cleaned["error"]
    training = merciless.submit("trainings", {"dataset": "tunes", "hyperparameters": TINY})
    sung = merciless.finished("songs", song, 200)
    assert sung["state"] == "succeeded", sung["error"]
    trained = merciless.finished("trainings", training, 250)
    assert trained["state"] == "succeeded", trained["error"]
    (vocal,) = sung["children"]
    merciless.stop()
    home = merciless.home
    # A run for each death, and one that ends each phase (a song has two). `@finished` dies after the end.
    # More where a busy machine lost a lease besides: that costs an attempt, and no job.
    assert history.count(home, song, "job.running") >= len(SONG) + 2
    assert history.count(home, vocal, "job.running") >= len(VOCAL)
    assert history.count(home, dataset, "job.running") >= len(DATASET)
    assert history.count(home, training, "job.running") >= len(TRAINING) + 1
