"""Parts of the stack are killed, stopped and restarted while songs are made: no job is lost or run twice."""

import json

import pytest

from tests.stack.stack import Stack, eventually

LONG = {"style": "folk", "bars": 40, "lyrics": "The kettle sings, the window glows\nA fiddle hums beneath the snow"}
SHORT = {"style": "folk", "bars": 2}


@pytest.fixture
def three_workers(stack: Stack) -> Stack:
    """The stack with three generate workers; those that an earlier test killed are back."""
    stack.scale("generate-worker", 3)
    return stack


def hosts(stack: Stack, job: str) -> list[str]:
    """The containers that worked on a song, one entry per run."""
    return [run["worker"].partition(":")[0] for run in stack.running("songs", job)]


def test_songs_spread_over_three_workers(three_workers: Stack) -> None:
    stack = three_workers
    jobs = [stack.submit("songs", {**SHORT, "seed": 100 + number}) for number in range(12)]
    used = set()
    for job in jobs:
        stack.succeeded("songs", job)
        used.update(hosts(stack, job))
    assert used == {container[:12] for container in stack.containers("generate-worker")}


def test_another_worker_finishes_the_song_of_a_killed_one(three_workers: Stack) -> None:
    stack = three_workers
    job = stack.submit("songs", {**LONG, "seed": 200})
    victim = stack.worker_in_stage("songs", job, "render")
    stack.docker("kill", victim)
    assert stack.job("songs", job)["state"] == "running", "the song was done before the kill"
    stack.succeeded("songs", job)
    lost = [event for event in stack.events("songs", job) if event["type"] == "job.lease-expired"]
    assert victim in [event["data"]["worker"].partition(":")[0] for event in lost]
    assert hosts(stack, job)[-1] != victim


def test_a_stopped_worker_releases_its_song_at_once(three_workers: Stack) -> None:
    stack = three_workers
    job = stack.submit("songs", {**LONG, "seed": 300})
    victim = stack.worker_in_stage("songs", job, "render")
    stack.docker("stop", "-t", "30", victim)
    assert stack.docker("inspect", "-f", "{{.State.ExitCode}}", victim).strip() == "0", "it had to be killed"
    stack.succeeded("songs", job)
    released = [event for event in stack.events("songs", job) if event["type"] == "job.released"]
    assert [event["data"]["worker"].partition(":")[0] for event in released] == [victim]
    assert hosts(stack, job)[-1] != victim


@pytest.mark.parametrize("part", ["redis", "postgres"])
def test_songs_survive_a_restart_of_redis_or_postgres(stack: Stack, part: str) -> None:
    if stack.mode == "sqs" and part == "redis":
        pytest.skip("no job travels by Redis in this mode")
    jobs = [stack.submit("songs", {**LONG, "bars": 16, "seed": 400 + number}) for number in range(2)]
    jobs += [stack.submit("songs", {**SHORT, "seed": 410 + number}) for number in range(3)]
    stack.worker_in_stage("songs", jobs[0], "compose")
    stack.docker("restart", "-t", "1", *stack.containers(part))
    for job in jobs:
        stack.succeeded("songs", job, 120)


def test_the_gateway_finds_an_api_under_its_new_address(stack: Stack) -> None:
    """Two replicas are stopped and started in turn while requests are sent."""
    stack.scale("generate-api", 2)
    try:
        replicas = stack.containers("generate-api")
        for replica in replicas:
            for container in replicas:
                eventually(
                    lambda container=container: served_by(stack) == address(stack, container),
                    "the gateway to know both replicas",
                )
            stack.docker("stop", "-t", "5", replica)
            answers = {stack.http("GET", "/v1/songs").status_code for _ in range(20)}
            assert answers == {200}
            stack.docker("start", replica)
            eventually(lambda replica=replica: is_healthy(stack, replica), "the replica to be back")
    finally:
        stack.scale("generate-api", 1)
        eventually(lambda: stack.http("GET", "/v1/songs").status_code == 200, "the gateway to forget the other")


def served_by(stack: Stack) -> str:
    """Send a request; returns the address of the API that answered by the gateway's log, '' where none did."""
    request_id = stack.http("GET", "/v1/songs").headers.get("X-Request-Id", "none")
    lines = stack.docker("logs", "--tail", "200", stack.containers("gateway")[0]).splitlines()
    entries = [json.loads(line) for line in lines if f'"{request_id}"' in line]
    return entries[0]["upstream"].rpartition(", ")[2] if entries else ""


def address(stack: Stack, container: str) -> str:
    """The address of a container's API on the network between the containers."""
    place = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    return stack.docker("inspect", "-f", place, container).strip() + ":8000"


def is_healthy(stack: Stack, container: str) -> bool:
    """Whether the API in a container is healthy."""
    check = "python -m bandmate_shared.service healthcheck 2>/dev/null && echo yes || echo no"
    return stack.docker("exec", container, "sh", "-c", check).strip() == "yes"
