"""What a search for a job looks through: the user's title and notes, and the words of the request and the result."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import func

from bandmate_shared.jobs.database.schema import jobs

MAX_CHARACTERS = 40_000
_UNSEARCHED_FIELDS = frozenset({"prompt", "notes", "instrumental", "loudness"})
"""Files as Base64, thousands of syllables, hashes and numbers."""


def search_text(*values: Any) -> str:
    """The strings in the values, however deep they lie, without case; cut where they are too long.

    What JSON may hold and a text column may not, half a surrogate pair and the character 0, becomes a question mark.
    """
    found = "\n".join(text for value in values for text in _strings(value)).casefold()[:MAX_CHARACTERS]
    return found.encode("utf-8", "replace").decode("utf-8").replace("\0", "?")


def with_title(result: dict[str, Any]) -> dict[str, Any]:
    """The change of the column by which a finished song is found by the title in its result as well."""
    title = result.get("title")
    return {} if title is None else {"search_text": func.coalesce(jobs.c.search_text, "") + "\n" + search_text(title)}


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, item in value.items():
            if name not in _UNSEARCHED_FIELDS:
                yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
