"""Pydantic's validation errors as sentences: which field, what is wrong, and the value given."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

MAX_SHOWN_VALUE = 80
MAX_SHOWN_FAULTS = 5
MIN_DESCRIBED_LETTERS = 4
"""Shorter words occur inside others."""


def faults_of(error: ValidationError, *, values: bool = True) -> list[str]:
    """A sentence for each fault: `bars: input should be less than or equal to 200, not 500`. Without `values` what was
    given is not shown: it may be a secret."""
    messages = []
    for fault in error.errors(include_url=False, include_context=False):
        location = field_name(fault["loc"])
        message = message_of(fault, values=values)
        messages.append(f"{location}: {message}" if location else message)
    return messages


def in_words(error: ValidationError) -> str:
    """The faults in one line, the first few of them."""
    return shortened(faults_of(error))


def shortened(faults: Sequence[str]) -> str:
    """`…; …; and 3 more`."""
    more = [f"and {len(faults) - MAX_SHOWN_FAULTS} more"] if len(faults) > MAX_SHOWN_FAULTS else []
    return "; ".join([*faults[:MAX_SHOWN_FAULTS], *more])


def nearest_names(wanted: str, known: Mapping[str, str], count: int = 3) -> list[str]:
    """The known names nearest to a mistyped one, nearest first; `known` maps each to a description.

    A name is near by its spelling, and nearer where its description has the word.
    """
    key = wanted.casefold()

    def distance(name: str) -> tuple[float, int]:
        likeness = difflib.SequenceMatcher(None, key, name.casefold()).ratio()
        is_described = len(key) >= MIN_DESCRIBED_LETTERS and key in known[name].casefold()
        return -likeness - (0.5 if is_described else 0.0), list(known).index(name)

    return sorted(known, key=distance)[:count]


def field_name(location: Sequence[str | int]) -> str:
    """('notes', 3, 'pitch') → 'notes[3].pitch'."""
    name = ""
    for part in location:
        name += f"[{part}]" if isinstance(part, int) else f".{part}" if name else str(part)
    return name


def message_of(fault: Mapping[str, Any], *, values: bool = True) -> str:
    """What is wrong with a field, with the value that was given where that helps."""
    if fault["type"] == "missing":
        return "is needed, and missing"
    if fault["type"] == "extra_forbidden":
        return "there is no such field"
    message = str(fault["msg"]).removeprefix("Value error, ")
    if fault["type"] == "value_error":
        return message  # Our own validators name the value where it helps.
    if not values:
        return f"{message[:1].lower()}{message[1:]}"
    received = repr(fault.get("input"))
    shown = received if len(received) <= MAX_SHOWN_VALUE else received[: MAX_SHOWN_VALUE - 1] + "…"
    return f"{message[:1].lower()}{message[1:]}, not {shown}"
