"""`Idempotency-Key`: a submission that is sent again, because its answer got lost, gives the first answer again.

The job store remembers key and request for 24 hours and refuses the key with another request (409). The first answer
needs no keeping: it shows the job as it was at its submission, which follows from the job.
"""

import math
from dataclasses import replace
from typing import Annotated, Any

from fastapi import Header

from bandmate_shared.contracts.jobs import JobState
from bandmate_shared.errors import InvalidRequest
from bandmate_shared.jobs.model import START_PHASE, Job

REPLAYED_HEADER = "Idempotent-Replayed"

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{1,255}$",
        description="Any text of at most 255 printable ASCII characters, new for each new job. Remembered 24 hours.",
    ),
]


def as_submitted(job: Job) -> Job:
    """The job as it was when it was accepted, whatever has become of it."""
    return replace(
        job, state=JobState.QUEUED, phase=START_PHASE, attempt=0, fence=0, result=None, error=None, stage=None,
        fraction=None, worker=None, waiting=False, cancel_requested=False, lease_until=None, started_at=None,
        finished_at=None, saved={}, artifacts=[],
    )  # fmt: skip


def refuse_unstorable(value: Any, where: str = "") -> None:
    """Raise InvalidRequest for what JSON and Postgres cannot keep: NaN, infinities, NUL and lone surrogates."""
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidRequest(f"{where}: must be a finite number")
    if isinstance(value, str) and ("\0" in value or not _is_unicode(value)):
        raise InvalidRequest(f"{where}: holds a NUL character or half of a surrogate pair")
    if isinstance(value, dict):
        for key, item in value.items():
            refuse_unstorable(str(key), f"{where}.{key!r}"[:100].lstrip("."))
            refuse_unstorable(item, f"{where}.{key}".lstrip("."))
    if isinstance(value, list):
        for index, item in enumerate(value):
            refuse_unstorable(item, f"{where}[{index}]")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
