"""Multipart uploads: the object appears when all its parts are complete."""

import logging
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, BinaryIO

from botocore.exceptions import BotoCoreError, ClientError

log = logging.getLogger(__name__)

PART_BYTES = 8 << 20
MAX_PARTS = 10_000
CONCURRENT_PARTS = 4
"""Parts uploaded concurrently. One more is held in memory while it is read."""


def put_in_parts(
    client: Any,
    target: Mapping[str, str],
    source: BinaryIO,
    size: int,
    condition: Mapping[str, str],
    metadata: Mapping[str, str],
) -> None:
    """Upload `size` bytes of `source` to `target` (Bucket and Key). `condition` is checked on completion.

    Parts carry SHA-256 checksums, which S3 verifies. On failure the upload is aborted; that of a process that was
    killed is removed by the bucket's lifecycle rule for incomplete multipart uploads.

    Raises botocore's errors.
    """
    created = client.create_multipart_upload(**target, ChecksumAlgorithm="SHA256", Metadata=dict(metadata))
    upload = {**target, "UploadId": created["UploadId"]}
    try:
        parts = _send_parts(client, upload, source, part_bytes_for(size))
        client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts}, **condition)
    except BaseException:
        _abort(client, upload)
        raise


def part_bytes_for(size: int) -> int:
    """The size of a part, in whole mebibytes, at which MAX_PARTS suffice for an object of this size."""
    needed = -(-size // MAX_PARTS)
    return max(PART_BYTES, -(-needed // (1 << 20)) << 20)


def _send_parts(client: Any, upload: Mapping[str, str], source: BinaryIO, part_bytes: int) -> list[dict[str, Any]]:
    pending: deque[Future[dict[str, Any]]] = deque()
    sent_parts: list[dict[str, Any]] = []
    with ThreadPoolExecutor(CONCURRENT_PARTS, thread_name_prefix="s3-part") as pool:
        try:
            for number in range(1, MAX_PARTS + 1):
                if len(pending) == CONCURRENT_PARTS:
                    sent_parts.append(pending.popleft().result())
                part = source.read(part_bytes)
                if not part:
                    break
                pending.append(pool.submit(_send_part, client, upload, number, part))
                del part  # Leaves the thread the only reference, so that its memory is freed when it is sent.
            sent_parts += [future.result() for future in pending]
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return sent_parts


def _send_part(client: Any, upload: Mapping[str, str], number: int, part: bytes) -> dict[str, Any]:
    answer = client.upload_part(**upload, PartNumber=number, Body=part, ChecksumAlgorithm="SHA256")
    sent_part = {"PartNumber": number, "ETag": answer["ETag"]}
    if "ChecksumSHA256" in answer:
        sent_part["ChecksumSHA256"] = answer["ChecksumSHA256"]
    return sent_part


def _abort(client: Any, upload: Mapping[str, str]) -> None:
    try:
        client.abort_multipart_upload(**upload)
    except (ClientError, BotoCoreError) as error:  # Already gone, or S3 is unavailable: left to the lifecycle rule.
        log.info("the incomplete upload of %s was not aborted: %s", upload["Key"], error)
