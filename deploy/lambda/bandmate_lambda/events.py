"""Parses S3's events about new objects, in each of their formats.

Through EventBridge a key comes as it is; a direct S3 notification has it URL-encoded, as forms are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus


class UnknownEvent(Exception):
    """Not an event that this function is for: a rule or notification is set up wrong."""


@dataclass(frozen=True, slots=True)
class NewObject:
    """An object that was just written. `version_id` is empty where the bucket keeps no versions."""

    bucket: str
    key: str
    etag: str
    size: int
    version_id: str = ""


def new_objects(event: Mapping[str, Any]) -> list[NewObject]:
    """The objects an event tells of; none for the test event that S3 sends when a notification is set up.

    Raises UnknownEvent.
    """
    if event.get("source") == "aws.s3":
        return [_from_eventbridge(event)]
    if event.get("Event") == "s3:TestEvent":
        return []
    records = event.get("Records")
    if isinstance(records, list) and all(record.get("eventSource") == "aws:s3" for record in records):
        return [_from_notification(record) for record in records if record["eventName"].startswith("ObjectCreated:")]
    raise UnknownEvent(f"neither an S3 event nor a notification; it has {', '.join(sorted(event)) or 'nothing'}")


def _from_eventbridge(event: Mapping[str, Any]) -> NewObject:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html."""
    if event.get("detail-type") != "Object Created":
        raise UnknownEvent(f"an S3 event of the kind {event.get('detail-type')!r}; the rule should pass Object Created")
    bucket, s3_object = event["detail"]["bucket"], event["detail"]["object"]
    return NewObject(
        bucket["name"], s3_object["key"], s3_object.get("etag", ""), s3_object["size"], s3_object.get("version-id", "")
    )


def _from_notification(record: Mapping[str, Any]) -> NewObject:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html."""
    bucket, s3_object = record["s3"]["bucket"], record["s3"]["object"]
    key = unquote_plus(s3_object["key"])
    return NewObject(
        bucket["name"], key, s3_object.get("eTag", ""), s3_object.get("size", 0), s3_object.get("versionId", "")
    )
