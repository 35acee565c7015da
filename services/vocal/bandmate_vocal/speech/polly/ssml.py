"""Escape text as SSML for Amazon Polly, and map its byte offsets back to characters.

Speech marks point into the input by UTF-8 bytes, tags and entities included; a singer thinks in characters of the text.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from bandmate_shared.errors import LimitExceeded

MAX_BILLED_CHARACTERS, MAX_INPUT_CHARACTERS = 3000, 6000
"""Polly's limits for one call: characters that are spoken, and all of the input."""
_DEFAULT_RATE = 175
"""Words a minute that Polly's voices speak when nothing is said about the rate."""
_RATES = (20, 200)
"""Percent of the usual rate between which `<prosody rate>` may lie."""
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"}
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Markup:
    """SSML for a text. `starts[i]` is the byte at which character i of the text begins; one more for its end."""

    ssml: str
    text: str
    starts: tuple[int, ...]

    def characters(self, start: int, end: int) -> tuple[int, int] | None:
        """The text's characters that bytes `start`..`end` stand for; None where they lie in a tag or nowhere."""
        if end <= start or start < self.starts[0] or end > self.starts[-1]:
            return None
        first = bisect_right(self.starts, start) - 1
        last = bisect_right(self.starts, end - 1)
        return first, last


def markup(text: str, words_per_minute: int) -> Markup:
    """The text, escaped, at a rate. Characters that XML does not allow become spaces, so offsets stay correct."""
    percent = min(max(round(100 * words_per_minute / _DEFAULT_RATE), _RATES[0]), _RATES[1])
    opening = f'<speak><prosody rate="{percent}%">'
    escaped = [_ENTITIES.get(character, character) for character in _NOT_XML.sub(" ", text)]
    starts = [len(opening)]
    for character in escaped:
        starts.append(starts[-1] + len(character.encode()))
    return Markup(opening + "".join(escaped) + "</prosody></speak>", text, tuple(starts))


def split_text(text: str) -> Iterator[tuple[int, str]]:
    """The text in parts that one call may speak, cut at spaces, each with its offset.

    Raises LimitExceeded for a word that alone is too long.
    """
    max_characters = MAX_INPUT_CHARACTERS - len(markup("", _DEFAULT_RATE).ssml)
    start = 0
    while start < len(text):
        used, end, space = 0, start, -1
        while end < len(text) and end - start < MAX_BILLED_CHARACTERS:
            used += len(_ENTITIES.get(text[end], text[end]))
            if used > max_characters:
                break
            if text[end].isspace():
                space = end
            end += 1
        if end < len(text) and not text[end].isspace():
            if space < 0:
                raise LimitExceeded(
                    f"a word of more than {end - start} characters cannot be sung: Amazon Polly speaks at most "
                    f"{MAX_BILLED_CHARACTERS} characters ({MAX_INPUT_CHARACTERS} with markup) at once"
                )
            end = space
        yield start, text[start:end]
        start = end + 1 if end < len(text) else end
