"""Large objects in parts. They appear when all parts are there, and only then."""

import logging
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, BinaryIO

from botocore.exceptions import BotoCoreError, ClientError

log = logging.getLogger(__name__)

PART_BYTES = 8 << 20
MOST_PARTS = 10_000
PARTS_AT_ONCE = 4
"""Sent side by side; so many parts are in memory at most, and one more being read."""


def put_in_parts(
    client: Any,
    target: Mapping[str, str],
    source: BinaryIO,
    size: int,
    condition: Mapping[str, str],
    metadata: Mapping[str, str],
) -> None:
    """Upload `size` bytes of `source` to `target` (Bucket and Key). `condition` is checked when all parts are there.

    Parts carry SHA-256 checksums, which S3 verifies. When anything fails, the parts are thrown away; those of a process
    that was killed lie unseen until the bucket's lifecycle rule for unfinished uploads ends them.

    Raises botocore's errors.
    """
    made = client.create_multipart_upload(**target, ChecksumAlgorithm="SHA256", Metadata=dict(metadata))
    upload = {**target, "UploadId": made["UploadId"]}
    try:
        parts = _send_parts(client, upload, source, part_bytes_for(size))
        client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts}, **condition)
    except BaseException:
        _abort(client, upload)
        raise


def part_bytes_for(size: int) -> int:
    """Whole mebibytes, and so large that the parts suffice for an object of this size."""
    needed = -(-size // MOST_PARTS)
    return max(PART_BYTES, -(-needed // (1 << 20)) << 20)


def _send_parts(client: Any, upload: Mapping[str, str], source: BinaryIO, part_bytes: int) -> list[dict[str, Any]]:
    under_way: deque[Future[dict[str, Any]]] = deque()
    sent: list[dict[str, Any]] = []
    with ThreadPoolExecutor(PARTS_AT_ONCE, thread_name_prefix="s3-part") as pool:
        try:
            for number in range(1, MOST_PARTS + 1):
                if len(under_way) == PARTS_AT_ONCE:
                    sent.append(under_way.popleft().result())
                part = source.read(part_bytes)
                if not part:
                    break
                under_way.append(pool.submit(_send_part, client, upload, number, part))
                del part  # The thread's reference is the only one: its memory is free when it is sent.
            sent += [one.result() for one in under_way]
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return sent


def _send_part(client: Any, upload: Mapping[str, str], number: int, part: bytes) -> dict[str, Any]:
    answer = client.upload_part(**upload, PartNumber=number, Body=part, ChecksumAlgorithm="SHA256")
    sent = {"PartNumber": number, "ETag": answer["ETag"]}
    if "ChecksumSHA256" in answer:
        sent["ChecksumSHA256"] = answer["ChecksumSHA256"]
    return sent


def _abort(client: Any, upload: Mapping[str, str]) -> None:
    try:
        client.abort_multipart_upload(**upload)
    except (ClientError, BotoCoreError) as error:  # Gone already, or S3 is away: the lifecycle rule sees to it.
        log.info("an unfinished upload of %s was not ended: %s", upload["Key"], error)
