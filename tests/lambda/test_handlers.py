"""The handlers in this process, on a bucket and queues that answer as AWS does."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.music.midi_write import write_midi
from botocore.exceptions import ClientError

from tests.tunes import tune

WORDS = b"The river runs beneath the moon\nand carries all my songs away\n"
Here = Callable[[str, dict[str, Any]], Any]


def event(cloud: Any, key: str, put: dict[str, Any], size: int) -> dict[str, Any]:
    """EventBridge's word of an object."""
    detail = {"bucket": {"name": cloud.name}, "object": {"key": key, "size": size, "etag": put["ETag"].strip('"')}}
    return {"source": "aws.s3", "detail-type": "Object Created", "detail": detail}


def dropped(cloud: Any, key: str, data: bytes, **options: Any) -> dict[str, Any]:
    """Put a file, and return the event of it."""
    return event(cloud, key, cloud.put(key, data, **options), len(data))


def batch(*bodies: dict[str, Any] | str) -> dict[str, Any]:
    """What a function gets from a queue."""
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


def test_the_same_event_twice_has_the_same_key_and_another_file_another(cloud: Any, here: Here) -> None:
    first = dropped(cloud, "incoming/a.txt", WORDS)
    assert here("objects", first) == here("objects", first) == {"submitted": 1}
    here("objects", dropped(cloud, "incoming/a.txt", WORDS + b"and on it goes\n"))
    here("objects", dropped(cloud, "incoming/b.txt", WORDS))
    keys = [attributes["idempotency_key"] for _, attributes in cloud.take(cloud.submissions)]
    assert len(keys) == 4
    assert len(set(keys)) == 3
    assert all(len(key) <= 200 for key in keys)


def test_the_same_file_with_other_options_is_another_song(cloud: Any, here: Here) -> None:
    here("objects", dropped(cloud, "incoming/a.txt", WORDS))
    here("objects", dropped(cloud, "incoming/a.txt", WORDS, Metadata={"style": "rock"}))
    cloud.put("incoming/a.txt.json", b'{"style": "ballad", "bars": 12}')
    here("objects", dropped(cloud, "incoming/a.txt", WORDS, Metadata={"style": "rock", "key": "A"}))
    found = cloud.take(cloud.submissions)
    assert [body.get("style") for body, _ in found] == [None, "rock", "ballad"]
    assert found[2][0]["key"] == "A"
    assert len({attributes["idempotency_key"] for _, attributes in found}) == 3


def test_a_prompt_of_half_a_megabyte_fits(cloud: Any, here: Here) -> None:
    midi = write_midi(tune(1))
    large = midi + bytes(780_000 - len(midi))
    assert here("objects", dropped(cloud, "incoming/large.mid", large)) == {"submitted": 1}
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
def test_what_can_never_be_a_song_is_refused_with_the_reason(
    cloud: Any, here: Here, key: str, data: bytes, reason: str
) -> None:
    assert here("objects", dropped(cloud, key, data)) == {"submitted": 0}
    ((note, _),) = cloud.take(cloud.refused)
    assert reason in note["detail"]
    assert note["source"]["key"] == key
    assert cloud.take(cloud.submissions) == []


def test_options_and_hidden_files_and_folders_are_no_songs(cloud: Any, here: Here) -> None:
    for key in ("incoming/a.mid.json", "incoming/.DS_Store", "incoming/folder/", "incoming/b.mid.part", "other/a.txt"):
        assert here("objects", dropped(cloud, key, WORDS)) == {"submitted": 0}
    assert cloud.take(cloud.refused) == cloud.take(cloud.submissions) == []


def test_an_object_that_was_overwritten_meanwhile_is_left_to_its_own_event(cloud: Any, here: Here) -> None:
    first = dropped(cloud, "incoming/a.txt", WORDS)
    second = dropped(cloud, "incoming/a.txt", b"Other words in the same place\n")
    assert here("objects", first) == {"submitted": 0}
    assert here("objects", second) == {"submitted": 1}
    cloud.s3.delete_object(Bucket=cloud.name, Key="incoming/a.txt")
    assert here("objects", second) == {"submitted": 0}


def test_of_a_batch_only_what_failed_comes_again(cloud: Any, here: Here) -> None:
    good, bad = dropped(cloud, "incoming/a.txt", WORDS), dropped(cloud, "incoming/b.mid", b"no music")
    elsewhere = event(cloud, "incoming/c.txt", {"ETag": "x"}, 4)
    elsewhere["detail"]["bucket"]["name"] = f"{cloud.name}-is-missing"
    answer = here("objects", batch(good, bad, elsewhere, "no JSON"))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "message-2"}, {"itemIdentifier": "message-3"}]}
    assert len(cloud.take(cloud.submissions)) == len(cloud.take(cloud.refused)) == 1


def test_a_batch_that_fails_as_a_whole_says_so_without_raising(cloud: Any, here: Here) -> None:
    assert here("objects", batch("no JSON")) == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}


def test_what_may_pass_is_raised_to_come_again(cloud: Any, here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    found = dropped(cloud, "incoming/a.txt", WORDS)
    monkeypatch.setenv("BANDMATE_SUBMISSIONS_URL", f"{cloud.submissions}-is-missing")
    with pytest.raises(ClientError):
        here("objects", found)
    assert cloud.take(cloud.refused) == []


def test_a_schedule_that_fires_twice_asks_for_one_song(cloud: Any, here: Here) -> None:
    turn = {
        "schedule_arn": "arn:aws:scheduler:us-east-1:123456789012:schedule/default/morning",
        "scheduled_time": "2026-11-23T06:00:00Z",
        "request": {"style": "folk", "bars": 8},
    }
    for said in (turn, turn, {**turn, "scheduled_time": "2026-11-24T06:00:00Z"}):
        assert here("schedule", said) == {"submitted": 1}
    found = cloud.take(cloud.submissions)
    assert [SongRequest.model_validate(body).bars for body, _ in found] == [8, 8, 8]
    keys = [attributes["idempotency_key"] for _, attributes in found]
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
def test_a_schedule_that_is_set_up_wrong_says_what_is_wrong(
    cloud: Any, here: Here, change: dict[str, Any], reason: str
) -> None:
    turn = {"schedule_arn": "arn:x", "scheduled_time": "2026-11-23T06:00:00Z", "request": {"style": "folk"}}
    assert here("schedule", {**turn, **change}) == {"submitted": 0}
    ((note, _),) = cloud.take(cloud.refused)
    assert reason in note["detail"]
