"""The parts of a real platform are killed while it works: every accepted job is finished once."""

import json
import random
import time
from collections.abc import Callable

import pytest

from tests.support import history
from tests.support.platform_process import PlatformProcess, eventually, run_bandmate

WORDS = "The kettle sings, the window glows\nA fiddle hums beneath the snow"
SUNG = {"style": "folk", "bars": 32, "lyrics": WORDS}

pytestmark = [pytest.mark.chaos, pytest.mark.slow]

StartPlatform = Callable[..., PlatformProcess]


def is_running(platform: PlatformProcess, part: str) -> bool:
    try:
        return platform.part(part).is_running()
    except LookupError:
        return False


def in_stage(platform: PlatformProcess, job: str, *stages: str) -> Callable[[], bool]:
    def reached() -> bool:
        current = platform.job("songs", job)
        return current["stage"] in stages or current["state"] in ("succeeded", "failed")

    return reached


def test_songs_survive_kills_of_workers_model_http_and_redis(start_platform: StartPlatform) -> None:
    platform = start_platform(BANDMATE_MAX_ATTEMPTS="6")
    for number, (part, stages) in enumerate(
        [
            ("generate", ("compose",)),
            ("generate", ("render", "mix")),
            ("model", ("compose",)),
            ("redis", ("compose",)),
            ("vocal", ("sing",)),
            ("http", ("score", "render")),
            ("redis", ("sing",)),
        ]
    ):
        job = platform.submit("songs", {**SUNG, "seed": number})
        eventually(in_stage(platform, job, *stages), f"{job} to reach {stages}")
        platform.kill_part(part)
        ended = platform.finished("songs", job, 60)
        assert ended["state"] == "succeeded", (part, ended["error"])
        eventually(lambda part=part: is_running(platform, part), f"{part} to run again")
        if (part, stages) == ("generate", ("compose",)):  # The only stage long enough to be hit reliably.
            assert history.count(platform.home, job, "job.lease-expired") >= 1, "the worker did not die at work"


def test_jobs_submitted_while_redis_is_down_are_done_afterwards(start_platform: StartPlatform) -> None:
    platform = start_platform()
    platform.kill_part("redis")
    jobs = [platform.submit("songs", {"style": "folk", "bars": 2, "seed": seed}) for seed in range(4)]
    for job in jobs:
        ended = platform.finished("songs", job, 60)
        assert ended["state"] == "succeeded", ended["error"]


def test_a_job_whose_worker_dies_on_every_attempt_becomes_a_dead_letter_and_can_be_redriven(
    start_platform: StartPlatform,
) -> None:

    platform = start_platform(
        BANDMATE_FAILPOINT="song.score*", BANDMATE_LEASE_SECONDS="1.5", BANDMATE_HEARTBEAT_SECONDS="0.3"
    )
    job = platform.submit("songs", {"style": "folk", "bars": 2, "seed": 1})
    ended = platform.finished("songs", job, 60)
    assert ended["state"] == "failed"
    assert ended["error"]["type"] == "attempts-exhausted"
    platform.stop()

    letters = json.loads(run_bandmate(platform.home, "jobs", "dead-letters", "--json").stdout)
    assert [(letter["queue"], letter["job_id"]) for letter in letters] == [("bandmate-generate", job)]
    assert "attempts" in letters[0]["reason"]

    repaired = PlatformProcess(platform.home)
    try:
        repaired.start()
        redriven = run_bandmate(platform.home, "jobs", "redrive", letters[0]["id"])
        assert redriven.returncode == 0, redriven.stderr
        assert repaired.finished("songs", job, 60)["state"] == "succeeded"
    finally:
        repaired.stop()


def test_random_kills_lose_no_job(start_platform: StartPlatform) -> None:
    """Ten jobs, and every second or so some part dies, the supervisor included."""
    chance = random.Random(7)
    platform = start_platform(BANDMATE_MAX_ATTEMPTS="20", BANDMATE_LEASE_SECONDS="2", BANDMATE_HEARTBEAT_SECONDS="0.4")
    jobs = [platform.submit("songs", {"style": "folk", "bars": 2, "seed": seed}) for seed in range(10)]
    for _ in range(8):
        time.sleep(chance.uniform(0.3, 1.5))  # Not a synchronisation: the time of the kill varies.
        part = chance.choice(("generate", "generate", "model", "redis", "http", "supervisor"))
        try:
            if part == "supervisor":
                platform.kill()
                platform.start()
            else:
                platform.kill_part(part)
        except LookupError:  # It is dead already.
            continue
    for job in jobs:
        ended = platform.finished("songs", job, 120)
        assert ended["state"] == "succeeded", ended["error"]
