"""The handlers in this process, on a bucket and queues of the emulator."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from bandmate_music.midi.write import write_midi
from bandmate_shared.contracts.songs import SongRequest
from botocore.exceptions import ClientError

from tests.support.tunes import tune

WORDS = b"The river runs beneath the moon\nand carries all my songs away\n"
CallHandler = Callable[[str, dict[str, Any]], Any]


def event(cloud: Any, key: str, put: dict[str, Any], size: int) -> dict[str, Any]:
    """EventBridge's event for an object."""
    detail = {"bucket": {"name": cloud.name}, "object": {"key": key, "size": size, "etag": put["ETag"].strip('"')}}
    return {"source": "aws.s3", "detail-type": "Object Created", "detail": detail}


def drop_file(cloud: Any, key: str, data: bytes, **options: Any) -> dict[str, Any]:
    """Put a file; returns its event."""
    return event(cloud, key, cloud.put(key, data, **options), len(data))


def batch(*bodies: dict[str, Any] | str) -> dict[str, Any]:
    """The event of a function for a batch of messages."""
    records = [
        {
            "messageId": f"message-{number}",
            "receiptHandle": "handle",
            "body": body if isinstance(body, str) else json.dumps(body),
            "attributes": {"ApproximateReceiveCount": "1"},
            "messageAttributes": {},
            "md5OfBody": "",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:bandmate-incoming",
            "awsRegion": "us-east-1",
        }
        for number, body in enumerate(bodies)
    ]
    return {"Records": records}


def test_the_idempotency_key_depends_on_the_file(cloud: Any, call_handler: CallHandler) -> None:
    first = drop_file(cloud, "incoming/a.txt", WORDS)
    assert call_handler("objects", first) == call_handler("objects", first) == {"submitted": 1}
    call_handler("objects", drop_file(cloud, "incoming/a.txt", WORDS + b"and on it goes\n"))
    call_handler("objects", drop_file(cloud, "incoming/b.txt", WORDS))
    keys = [attributes["idempotency_key"] for _, attributes in cloud.take(cloud.submissions)]
    assert len(keys) == 4
    assert len(set(keys)) == 3
    assert all(len(key) <= 200 for key in keys)


def test_the_same_file_with_other_options_is_another_song(cloud: Any, call_handler: CallHandler) -> None:
    call_handler("objects", drop_file(cloud, "incoming/a.txt", WORDS))
    call_handler("objects", drop_file(cloud, "incoming/a.txt", WORDS, Metadata={"style": "rock"}))
    cloud.put("incoming/a.txt.json", b'{"style": "ballad", "bars": 12}')
    call_handler("objects", drop_file(cloud, "incoming/a.txt", WORDS, Metadata={"style": "rock", "key": "A"}))
    messages = cloud.take(cloud.submissions)
    assert [body.get("style") for body, _ in messages] == [None, "rock", "ballad"]
    assert messages[2][0]["key"] == "A"
    assert len({attributes["idempotency_key"] for _, attributes in messages}) == 3


def test_a_prompt_of_half_a_megabyte_fits(cloud: Any, call_handler: CallHandler) -> None:
    midi = write_midi(tune(1))
    large = midi + bytes(780_000 - len(midi))
    assert call_handler("objects", drop_file(cloud, "incoming/large.mid", large)) == {"submitted": 1}
    ((body, _),) = cloud.take(cloud.submissions)
    assert base64.b64decode(SongRequest.model_validate(body).prompt or "") == large


@pytest.mark.parametrize(
    ("key", "data", "reason"),
    [
        ("incoming/a.mid", b"no music", "a.mid is not MIDI but plain text"),
        ("incoming/a.mid", b"MThd" + bytes(900_000), "a queue's message holds 1,048,576"),
        ("incoming/a.mid", b"MThd" + bytes(1_100_000), "the file has 1,100,004 bytes"),
        ("incoming/a.txt", b"\xff\xfe\x00w", "a.txt is not UTF-8 text"),
        ("incoming/a.json", b"{", "a.json is not JSON"),
        ("incoming/a.json", b'{"styel": "folk"}', "a.json names styel"),
        ("incoming/a.wav", b"RIFF", "a.wav is neither a .mid"),
    ],
)
def test_an_invalid_file_is_refused_with_the_reason(
    cloud: Any, call_handler: CallHandler, key: str, data: bytes, reason: str
) -> None:
    assert call_handler("objects", drop_file(cloud, key, data)) == {"submitted": 0}
    ((note, _),) = cloud.take(cloud.refused)
    assert reason in note["detail"]
    assert note["source"]["key"] == key
    assert cloud.take(cloud.submissions) == []


def test_options_hidden_files_and_folders_are_ignored(cloud: Any, call_handler: CallHandler) -> None:
    for key in ("incoming/a.mid.json", "incoming/.DS_Store", "incoming/folder/", "incoming/b.mid.part", "other/a.txt"):
        assert call_handler("objects", drop_file(cloud, key, WORDS)) == {"submitted": 0}
    assert cloud.take(cloud.refused) == cloud.take(cloud.submissions) == []


def test_the_event_of_an_overwritten_object_is_ignored(cloud: Any, call_handler: CallHandler) -> None:
    first = drop_file(cloud, "incoming/a.txt", WORDS)
    second = drop_file(cloud, "incoming/a.txt", b"Other words in the same place\n")
    assert call_handler("objects", first) == {"submitted": 0}
    assert call_handler("objects", second) == {"submitted": 1}
    cloud.s3.delete_object(Bucket=cloud.name, Key="incoming/a.txt")
    assert call_handler("objects", second) == {"submitted": 0}


def test_only_failed_items_of_a_batch_are_redelivered(cloud: Any, call_handler: CallHandler) -> None:
    good, bad = drop_file(cloud, "incoming/a.txt", WORDS), drop_file(cloud, "incoming/b.mid", b"no music")
    elsewhere = event(cloud, "incoming/c.txt", {"ETag": "x"}, 4)
    elsewhere["detail"]["bucket"]["name"] = f"{cloud.name}-is-missing"
    answer = call_handler("objects", batch(good, bad, elsewhere, "no JSON"))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "message-2"}, {"itemIdentifier": "message-3"}]}
    assert len(cloud.take(cloud.submissions)) == len(cloud.take(cloud.refused)) == 1


def test_a_batch_that_fails_completely_is_reported_without_raising(cloud: Any, call_handler: CallHandler) -> None:
    assert call_handler("objects", batch("no JSON")) == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}


def test_a_temporary_error_is_raised_for_a_retry(
    cloud: Any, call_handler: CallHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    dropped_file = drop_file(cloud, "incoming/a.txt", WORDS)
    monkeypatch.setenv("BANDMATE_SUBMISSIONS_URL", f"{cloud.submissions}-is-missing")
    with pytest.raises(ClientError):
        call_handler("objects", dropped_file)
    assert cloud.take(cloud.refused) == []


def test_a_schedule_that_fires_twice_submits_one_song(cloud: Any, call_handler: CallHandler) -> None:
    scheduled_event = {
        "schedule_arn": "arn:aws:scheduler:us-east-1:123456789012:schedule/default/morning",
        "scheduled_time": "2026-11-23T06:00:00Z",
        "request": {"style": "folk", "bars": 8},
    }
    for message in (scheduled_event, scheduled_event, {**scheduled_event, "scheduled_time": "2026-11-24T06:00:00Z"}):
        assert call_handler("schedule", message) == {"submitted": 1}
    messages = cloud.take(cloud.submissions)
    assert [SongRequest.model_validate(body).bars for body, _ in messages] == [8, 8, 8]
    keys = [attributes["idempotency_key"] for _, attributes in messages]
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"scheduled_time": "<aws.scheduler.scheduled-time>"}, "where Scheduler should have put the scheduled_time"),
        ({"schedule_arn": ""}, "no schedule_arn"),
        ({"request": None}, "no request"),
        ({"request": {"bar": 8}}, "names bar"),
    ],
)
def test_an_invalid_schedule_is_refused_with_the_reason(
    cloud: Any, call_handler: CallHandler, change: dict[str, Any], reason: str
) -> None:
    scheduled_event = {"schedule_arn": "arn:x", "scheduled_time": "2026-11-23T06:00:00Z", "request": {"style": "folk"}}
    assert call_handler("schedule", {**scheduled_event, **change}) == {"submitted": 0}
    ((note, _),) = cloud.take(cloud.refused)
    assert reason in note["detail"]
