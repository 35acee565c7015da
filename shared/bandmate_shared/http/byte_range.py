"""`Range: bytes=…` as RFC 9110 has it, for one range; several are answered with the whole, which is allowed."""

import re

from bandmate_shared.errors import BandmateError

_RANGE = re.compile(r"bytes=\s*(\d*)-(\d*)\s*", re.IGNORECASE)
_MOST_DIGITS = 18


class RangeNotSatisfiable(BandmateError):
    """The range begins behind the end."""

    type = "range-not-satisfiable"
    title = "There are no such bytes"
    status = 416


def parse_range(header: str | None, size: int) -> tuple[int, int] | None:
    """First byte and the one after the last; None where the whole is to be sent. Raises RangeNotSatisfiable."""
    match = _RANGE.fullmatch(header or "")
    if match is None or not any(match.groups()) or any(len(number) > _MOST_DIGITS for number in match.groups()):
        return None
    first, last = match.groups()
    if not first:
        start, stop = max(0, size - int(last)), size
    else:
        start, stop = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < start:
            return None
    if start >= stop:
        raise RangeNotSatisfiable(f"the file has {size} bytes")
    return start, stop
