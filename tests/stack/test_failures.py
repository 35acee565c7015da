"""Parts of the stack die, stop and come back while songs are being made: nothing is lost, nothing happens twice."""

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
    """The containers that worked on a song, one an entry for each run."""
    return [run["worker"].partition(":")[0] for run in stack.running("songs", job)]


def test_songs_spread_over_three_workers(three_workers: Stack) -> None:
    stack = three_workers
    jobs = [stack.submit("songs", {**SHORT, "seed": 100 + number}) for number in range(12)]
    at_work = set()
    for job in jobs:
        stack.succeeded("songs", job)
        at_work.update(hosts(stack, job))
    assert at_work == {container[:12] for container in stack.containers("generate-worker")}


def test_a_killed_workers_song_is_finished_by_another(three_workers: Stack) -> None:
    stack = three_workers
    job = stack.submit("songs", {**LONG, "seed": 200})
    victim = stack.worker_in_stage("songs", job, "render")
    stack.docker("kill", victim)
    assert stack.job("songs", job)["state"] == "running", "the song was done before the kill"
    stack.succeeded("songs", job)
    lost = [event for event in stack.events("songs", job) if event["type"] == "job.lease-expired"]
    assert victim in [event["data"]["worker"].partition(":")[0] for event in lost]
    assert hosts(stack, job)[-1] != victim


def test_a_stopped_worker_gives_its_song_back_at_once(three_workers: Stack) -> None:
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
def test_songs_survive_a_restart_of_what_carries_them(stack: Stack, part: str) -> None:
    if stack.mode == "sqs" and part == "redis":
        pytest.skip("no job travels by Redis in this mode")
    jobs = [stack.submit("songs", {**LONG, "bars": 16, "seed": 400 + number}) for number in range(2)]
    jobs += [stack.submit("songs", {**SHORT, "seed": 410 + number}) for number in range(3)]
    stack.worker_in_stage("songs", jobs[0], "compose")
    stack.docker("restart", "-t", "1", *stack.containers(part))
    for job in jobs:
        stack.succeeded("songs", job, 120)


def test_the_gateway_finds_an_api_under_its_new_address(stack: Stack) -> None:
    """Two replicas; one after the other is stopped and started while somebody asks."""
    stack.scale("generate-api", 2)
    try:
        replicas = stack.containers("generate-api")
        for replica in replicas:
            for one in replicas:
                eventually(lambda one=one: served_by(stack) == address(stack, one), "the gateway to know both replicas")
            stack.docker("stop", "-t", "5", replica)
            answers = {stack.http("GET", "/v1/songs").status_code for _ in range(20)}
            assert answers == {200}
            stack.docker("start", replica)
            eventually(lambda replica=replica: answers_in(stack, replica), "the replica to be back")
    finally:
        stack.scale("generate-api", 1)
        eventually(lambda: stack.http("GET", "/v1/songs").status_code == 200, "the gateway to forget the other")


def served_by(stack: Stack) -> str:
    """Ask once; the address of the API that the gateway says it had the answer from, '' where it had none."""
    asked = stack.http("GET", "/v1/songs").headers.get("X-Request-Id", "none")
    lines = stack.docker("logs", "--tail", "200", stack.containers("gateway")[0]).splitlines()
    told = [json.loads(line) for line in lines if f'"{asked}"' in line]
    return told[0]["upstream"].rpartition(", ")[2] if told else ""


def address(stack: Stack, container: str) -> str:
    """Where a container's API listens on the network between the containers."""
    place = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    return stack.docker("inspect", "-f", place, container).strip() + ":8000"


def answers_in(stack: Stack, container: str) -> bool:
    """Whether the API in a container answers there."""
    check = "python -m bandmate_shared.service healthcheck 2>/dev/null && echo yes || echo no"
    return stack.docker("exec", container, "sh", "-c", check).strip() == "yes"
