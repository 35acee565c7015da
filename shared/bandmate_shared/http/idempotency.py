"""The `Idempotency-Key` header: a repeated submission gets the response of the first one.

The job store remembers key and request for 24 hours and refuses the key with another request (409). The first response
is not stored: it shows the job as it was when submitted, which follows from the job.
"""

import math
from typing import Annotated, Any

from fastapi import Header

from bandmate_shared.errors import InvalidRequest

REPLAYED_HEADER = "Idempotent-Replayed"

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{1,255}$",
        description="Any text of at most 255 printable ASCII characters, new for each new job. Remembered 24 hours.",
    ),
]


def refuse_unstorable(value: Any, location: str = "") -> None:
    """Raise InvalidRequest for values that JSON or Postgres cannot store: NaN, infinities, NUL, lone surrogates."""
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidRequest(f"{location}: must be a finite number")
    if isinstance(value, str) and ("\0" in value or not _is_unicode(value)):
        raise InvalidRequest(f"{location}: holds a NUL character or half of a surrogate pair")
    if isinstance(value, dict):
        for key, item in value.items():
            refuse_unstorable(str(key), f"{location}.{key!r}"[:100].lstrip("."))
            refuse_unstorable(item, f"{location}.{key}".lstrip("."))
    if isinstance(value, list):
        for index, item in enumerate(value):
            refuse_unstorable(item, f"{location}[{index}]")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
