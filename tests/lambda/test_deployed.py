"""The functions from their zip, run by an emulator: from a file in a bucket to a message for the intake."""

import base64
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bandmate_model
import pytest
from bandmate_generate import api as generate
from bandmate_music.midi.write import write_midi
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.intake import submission_queue
from bandmate_shared.intake.intake import SubmissionIntake
from bandmate_shared.jobs.execution.inprocess import InProcessQueue
from bandmate_shared.runtime import open_runtime
from bandmate_shared.settings import SharedSettings
from bandmate_train.promotion.starter import register_starter

from tests.support.tunes import tune

WORDS = "The river runs beneath the moon\nand carries all my songs away\n"


@pytest.fixture
def wired(cloud: Any) -> Any:
    """S3 → EventBridge → SQS → function, as deploy/aws sets it up."""
    incoming = cloud.queue("incoming", VisibilityTimeout="180")
    cloud.s3.put_bucket_notification_configuration(
        Bucket=cloud.name, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    events = cloud.client("events")
    pattern = {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": [cloud.name]}, "object": {"key": [{"prefix": "incoming/"}]}},
    }
    events.put_rule(Name=cloud.name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=cloud.name, Targets=[{"Id": "queue", "Arn": cloud.arn(incoming)}])
    cloud.functions.create_event_source_mapping(
        EventSourceArn=cloud.arn(incoming),
        FunctionName=cloud.deploy("objects"),
        BatchSize=10,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    return cloud


def test_files_become_requests(wired: Any) -> None:
    midi = write_midi(tune(1))
    wired.put("incoming/sub folder/My tune+1.mid.json", b'{"style": "folk", "bars": 8}')
    wired.put("incoming/sub folder/My tune+1.mid", midi)
    wired.put("incoming/words.txt", WORDS.encode(), Metadata={"style": "ballad", "key": "D", "camera": "none"})
    wired.put("incoming/order.json", b'{"style": "rock", "bars": 12}')
    wired.put("elsewhere/words.txt", WORDS.encode())
    messages = wired.wait_for(wired.submissions, 3)
    requests = sorted((SongRequest.model_validate(body) for body, _ in messages), key=lambda request: request.style)
    ballad, folk, rock = requests
    assert (ballad.lyrics, ballad.key) == (WORDS, "D major")
    assert base64.b64decode(folk.prompt or "") == midi
    assert folk.bars == 8
    assert rock.bars == 12
    assert len({attributes["idempotency_key"] for _, attributes in messages}) == 3
    assert wired.take(wired.refused) == []
    assert wired.take(wired.submissions) == []


def test_a_bad_file_is_refused_with_a_reason_and_not_redelivered(wired: Any) -> None:
    wired.put("incoming/song.mid", b"\xff\xd8\xff\xe0 a photo")
    wired.put("incoming/good.txt", WORDS.encode())
    ((note, _),) = wired.wait_for(wired.refused, 1)
    assert note["detail"] == "song.mid is not MIDI but a JPEG image"
    assert note["source"]["key"] == "incoming/song.mid"
    assert len(wired.wait_for(wired.submissions, 1)) == 1
    assert wired.take(wired.refused) == []


def test_a_schedule_calls_the_function(cloud: Any) -> None:
    function = cloud.deploy("schedule")
    message = {"schedule_arn": "arn:x", "scheduled_time": "2026-11-23T06:00:00Z", "request": {"style": "folk"}}
    _schedule(cloud, {"Arn": function, "Input": json.dumps(message)})
    ((body, attributes),) = cloud.wait_for(cloud.submissions, 1)
    assert body == {"style": "folk"}
    assert attributes["idempotency_key"].startswith("schedule-")


def test_a_schedule_needs_no_function(cloud: Any) -> None:
    _schedule(cloud, {"Arn": cloud.arn(cloud.submissions), "Input": '{"style": "folk", "bars": 4}'})
    ((body, _),) = cloud.wait_for(cloud.submissions, 1)
    assert SongRequest.model_validate(body).bars == 4


def _schedule(cloud: Any, target: dict[str, str]) -> None:
    cloud.client("scheduler").create_schedule(
        Name=cloud.name,
        ScheduleExpression="at(2026-01-01T00:00:00)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={**target, "RoleArn": "arn:aws:iam::000000000000:role/any"},
    )


def test_a_dropped_file_becomes_one_job_in_the_store(
    wired: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wait_until: Callable[..., None]
) -> None:
    """From the file to the job, with the intake that runs in the cloud."""
    for name, value in {**wired.credentials, "AWS_ENDPOINT_URL": wired.endpoint}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(submission_queue, "WAIT_SECONDS", 1)
    monkeypatch.setattr(submission_queue, "queue_url", lambda *_: wired.submissions)
    settings = SharedSettings(home=tmp_path / "home", broker_url="sqs://")
    runtime = open_runtime(settings, InProcessQueue())
    register_starter(runtime.storage, Path(bandmate_model.__file__).parent / "starter")
    stop = threading.Event()
    intake = SubmissionIntake(runtime, check=lambda request: generate.check(runtime, request))
    thread = threading.Thread(target=intake.run, args=[stop])
    thread.start()
    try:
        wired.put("incoming/words.txt", WORDS.encode(), Metadata={"style": "folk"})
        wired.put("incoming/words.txt", WORDS.encode(), Metadata={"style": "folk"})
        wired.put("incoming/tune.mid", write_midi(tune(2)))
        wired.put("incoming/strange.txt", WORDS.encode(), Metadata={"style": "klezmer-on-mars"})

        def songs() -> list[SongRequest]:
            jobs = runtime.store.list_jobs("local", kind="song")[0]
            return [SongRequest.model_validate(job.request) for job in jobs]

        wait_until(lambda: len(songs()) == 2 and runtime.store.dead_letters(), "two songs and a refusal")
        # Sent last, so the second message of the same file has been taken in when this one has.
        wired.put("incoming/last.json", b'{"style": "folk", "bars": 4}')
        wait_until(lambda: len(songs()) >= 3, "the last song")
        assert sorted(str(song.lyrics or song.bars or "prompt") for song in songs()) == ["4", WORDS, "prompt"]
        (letter,) = runtime.store.dead_letters()
        assert "klezmer-on-mars" in letter.reason
    finally:
        stop.set()
        thread.join(60)
        runtime.close()
    assert not thread.is_alive()
