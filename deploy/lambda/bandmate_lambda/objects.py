"""Request a song for a file under `incoming/`: the function behind S3's events.

They may come from a queue (EventBridge or S3 to SQS: a batch, of which some may fail), from EventBridge, or from S3
itself. An object that can never become a song is refused with a reason and counts as done; anything else that goes
wrong is raised, and the event comes again until its queue gives it up.
"""

import json
import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from bandmate_shared.errors import BandmateError, LimitExceeded
from bandmate_shared.intake.incoming import FIELDS, options_name, read_options, role_of, song_request
from botocore.exceptions import ClientError

from bandmate_lambda.events import NewObject, new_objects
from bandmate_lambda.submissions import MAX_MESSAGE_BYTES, client, idempotency_key, refuse, submit

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext

log = Logger(service="bandmate-incoming")
# A batch that failed entirely is not raised: the response lists each failed record.
_processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)

_FROM_METADATA = FIELDS - {"prompt", "lyrics"}
_GONE = frozenset(("NoSuchKey", "404", "NoSuchVersion", "PreconditionFailed", "412"))


@log.inject_lambda_context
def handler(event: dict[str, Any], context: "LambdaContext") -> Any:
    """Answers a queue with `{"batchItemFailures": [...]}`, anyone else with how many songs were asked for."""
    records = event.get("Records") or []
    if records and records[0].get("eventSource") == "aws:sqs":
        return process_partial_response(event=event, record_handler=_message, processor=_processor, context=context)
    return {"submitted": _take(event)}


def _message(record: "SQSRecord") -> int:
    return _take(json.loads(record.body))


def _take(event: dict[str, Any]) -> int:
    """Raises UnknownEvent, and botocore's errors where S3 or SQS do not answer."""
    return sum(_submit_object(new_object) for new_object in new_objects(event))


def _submit_object(new_object: NewObject) -> bool:
    """Whether a song was asked for."""
    prefix = os.environ.get("BANDMATE_INCOMING_PREFIX", "incoming/")
    if not new_object.key.startswith(prefix) or new_object.key.endswith("/"):
        return False
    try:
        if role_of(new_object.key) in (None, "options"):
            return False
        if new_object.size > MAX_MESSAGE_BYTES:
            raise LimitExceeded(f"the file has {new_object.size:,} bytes; a request may have {MAX_MESSAGE_BYTES:,}")
        read = _read(new_object)
        if read is None:
            log.info("the object is gone or was overwritten", key=new_object.key, etag=new_object.etag)
            return False
        data, metadata = read
        sidecar, sidecar_etag = _sidecar(new_object)
        options = {**metadata, **(read_options(sidecar, options_name(new_object.key)) if sidecar is not None else {})}
        # The key covers file and options: the same file with other options is another song.
        key = idempotency_key(
            "s3", new_object.bucket, new_object.key, new_object.etag, sidecar_etag, json.dumps(sorted(metadata.items()))
        )
        message_id = submit(song_request(new_object.key, data, options), key)
    except BandmateError as error:
        log.warning("refused", key=new_object.key, reason=error.detail)
        refuse(error, asdict(new_object))
        return False
    log.info("submitted", key=new_object.key, message_id=message_id, idempotency_key=key)
    return True


def _read(new_object: NewObject) -> tuple[bytes, dict[str, str]] | None:
    """The very object the event tells of, and the options in its metadata; None when another one is there now."""
    version = (
        {"VersionId": new_object.version_id}
        if new_object.version_id
        else {"IfMatch": f'"{new_object.etag}"'}
        if new_object.etag
        else {}
    )
    try:
        answer = client("s3").get_object(Bucket=new_object.bucket, Key=new_object.key, **version)
    except ClientError as error:
        if error.response["Error"]["Code"] in _GONE:
            return None
        raise
    metadata = {name: value for name, value in answer.get("Metadata", {}).items() if name in _FROM_METADATA}
    return answer["Body"].read(), metadata


def _sidecar(new_object: NewObject) -> tuple[bytes | None, str]:
    """The options file beside an object and its ETag.

    It is looked for by listing: asked for an object that is not there, S3 says 403 to those who may not list.
    """
    name = options_name(new_object.key)
    if role_of(new_object.key) == "request":
        return None, ""
    listed = client("s3").list_objects_v2(Bucket=new_object.bucket, Prefix=name, MaxKeys=1).get("Contents", [])
    if not listed or listed[0]["Key"] != name:
        return None, ""
    if listed[0]["Size"] > MAX_MESSAGE_BYTES:
        raise LimitExceeded(f"the options in {name} have {listed[0]['Size']:,} bytes")
    answer = client("s3").get_object(Bucket=new_object.bucket, Key=name)
    return answer["Body"].read(), str(answer["ETag"])
