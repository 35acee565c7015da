"""What pydantic finds wrong with a value, told to a person: which field, what about it, and what was given."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

MAX_SHOWN_VALUE = 80
MAX_TOLD = 5


def faults_of(error: ValidationError, *, values: bool = True) -> list[str]:
    """A sentence for each fault: `bars: input should be less than or equal to 128, not 500`. Without `values` what was
    given is not shown: it may be a secret."""
    told = []
    for one in error.errors(include_url=False, include_context=False):
        place = field_name(one["loc"])
        message = message_of(one, values=values)
        told.append(f"{place}: {message}" if place else message)
    return told


def in_words(error: ValidationError) -> str:
    """The faults in one line, the first few of them."""
    return shortened(faults_of(error))


def shortened(faults: Sequence[str]) -> str:
    """`…; …; and 3 more`."""
    more = [f"and {len(faults) - MAX_TOLD} more"] if len(faults) > MAX_TOLD else []
    return "; ".join([*faults[:MAX_TOLD], *more])


def field_name(location: Sequence[str | int]) -> str:
    """('notes', 3, 'pitch') → 'notes[3].pitch'."""
    name = ""
    for part in location:
        name += f"[{part}]" if isinstance(part, int) else f".{part}" if name else str(part)
    return name


def message_of(one: Mapping[str, Any], *, values: bool = True) -> str:
    """What is wrong with a field, with the value that was given where that helps."""
    if one["type"] == "missing":
        return "is needed, and missing"
    if one["type"] == "extra_forbidden":
        return "there is no such field"
    message = str(one["msg"]).removeprefix("Value error, ")
    if one["type"] == "value_error":
        return message  # Our own validators name the value where it helps.
    if not values:
        return f"{message[:1].lower()}{message[1:]}"
    given = repr(one.get("input"))
    shown = given if len(given) <= MAX_SHOWN_VALUE else given[: MAX_SHOWN_VALUE - 1] + "…"
    return f"{message[:1].lower()}{message[1:]}, not {shown}"
