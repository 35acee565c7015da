"""A sung song by every way in: HTTP through the gateway, and a message on the queue."""

import hashlib
import io
import json
import shlex
from typing import Any

import httpx2
import pytest
import soundfile

from tests.stack.stack import Stack, eventually

WORDS = "The kettle sings, the window glows"
REQUEST = {"style": "folk", "key": "D", "tempo": 100, "metre": "4/4", "bars": 2, "seed": 11, "lyrics": WORDS}
PROMISED = {"song.mid", "song.musicxml", "instrumental.wav", "pianoroll.png", "song.wav", "vocals.wav", "report.json"}


@pytest.fixture(scope="module")
def song(stack: Stack) -> dict[str, Any]:
    """One sung song, shared by the tests of this module."""
    return stack.succeeded("songs", stack.submit("songs", REQUEST))


def download(stack: Stack, job: dict[str, Any], name: str) -> bytes:
    response = stack.http("GET", f"/v1/songs/{job['id']}/artifacts/{name}", follow_redirects=True)
    assert response.status_code == 200, response.text
    return response.content


def test_every_promised_file_comes_through_the_gateway_as_its_hash_says(stack: Stack, song: dict[str, Any]) -> None:
    listed = {artifact["name"]: artifact for artifact in song["artifacts"]}
    assert set(listed) >= PROMISED
    for name, entry in listed.items():
        data = download(stack, song, name)
        assert len(data) == entry["size"]
        assert hashlib.sha256(data).hexdigest() == entry["sha256"]


def test_the_song_and_its_stems_are_not_silent(stack: Stack, song: dict[str, Any]) -> None:
    for name in ("song.wav", "instrumental.wav", "vocals.wav"):
        samples, rate = soundfile.read(io.BytesIO(download(stack, song, name)), always_2d=True)
        assert len(samples) / rate > 2 * 4 * 60 / 100
        assert abs(samples).max() > 0.05, f"{name} is silent"


def test_the_report_tells_the_seed_the_job_and_a_free_soundfont(stack: Stack, song: dict[str, Any]) -> None:
    report = json.loads(download(stack, song, "report.json"))
    assert report["seed"] == 11
    assert report["job_id"] == song["id"]
    assert {name: entry for name, entry in report["properties"].items() if not entry["met"]} == {}
    assert "FluidR3" in json.dumps(report)


def test_the_same_request_gives_the_same_bytes(stack: Stack, song: dict[str, Any]) -> None:
    def music(job: dict[str, Any]) -> dict[str, str]:
        return {
            artifact["name"]: artifact["sha256"]
            for artifact in job["artifacts"]
            if artifact["media_type"] != "application/json"
        }

    assert music(stack.succeeded("songs", stack.submit("songs", REQUEST))) == music(song)


def test_events_come_through_the_gateway_while_the_song_is_being_made(stack: Stack) -> None:
    job = stack.submit("songs", {"style": "folk", "bars": 16, "seed": 12})
    headers = {"Authorization": f"Bearer {stack.keys['alice']}"}
    types: list[str] = []
    with httpx2.stream(
        "GET", f"{stack.url}/v1/songs/{job}/events", headers=headers, timeout=60, trust_env=False
    ) as events:
        for line in events.iter_lines():
            if line.startswith("data:"):
                types.append(json.loads(line[5:])["type"])
                if types[-1] == "stage" and types.count("stage") == 1:
                    assert stack.job("songs", job)["state"] == "running", "the gateway keeps events back"
    assert types[-1] == "job.succeeded"


def test_a_message_on_the_queue_becomes_one_sung_song(stack: Stack) -> None:
    send_submission(stack, json.dumps({**REQUEST, "seed": 13}), key="from-a-queue")
    send_submission(stack, json.dumps({**REQUEST, "seed": 13}), key="from-a-queue")
    eventually(lambda: [job["state"] for job in stack.jobs_of_seed(13)] == ["succeeded"], "the submitted song")


def send_submission(stack: Stack, body: str, key: str) -> None:
    """Send a submission with the queue's own command line or API, without our code."""
    if stack.mode == "redis":
        add = ["redis-cli", "XADD", "bandmate-submissions", "*", "request", body, "idempotency_key", key]
        stack.execute("redis", "sh", "-c", shlex.join(add))
        return
    stack.inside(
        "import boto3, json, os\n"
        "sqs = boto3.client('sqs', region_name=os.environ['AWS_REGION'])\n"
        "url = sqs.get_queue_url(QueueName='bandmate-submissions')['QueueUrl']\n"
        f"attributes = {{'idempotency_key': {{'DataType': 'String', 'StringValue': {key!r}}}}}\n"
        f"sqs.send_message(QueueUrl=url, MessageBody={body!r}, MessageAttributes=attributes)\n"
        "print(json.dumps('sent'))\n"
    )
