"""Validate a VocalRequest beyond its schema."""

import re

from bandmate_shared.contracts.vocals import VocalRequest
from bandmate_shared.errors import InvalidRequest, about
from bandmate_shared.singing.check import SungLanguage, check_voice, sung_language

_TAIL_SECONDS = 0.5
"""How far the last note may reach past the end of the song; it is cut there."""


def check(request: VocalRequest) -> VocalRequest:
    """Return the request.

    Raises InvalidRequest for notes past the song's end, and for a malformed hash; UnknownVoice, UnknownLanguage,
    UnknownEngine, ScriptNotSung for what nobody sings. Whether an engine is installed only the worker knows.
    """
    language = language_of(request).tag
    asked: list[str | None] = [*request.voices] if request.voices else [request.voice]
    for voice in asked:
        check_voice(voice, language, request.engine)
    last = max(request.notes, key=lambda note: note.onset + note.duration)
    if last.onset + last.duration > request.seconds + _TAIL_SECONDS:
        raise InvalidRequest(
            f"the last note ends at {last.onset + last.duration:.2f} s, but the song is said to last "
            f"{request.seconds:.2f} s; `seconds` must be the whole length"
        )
    if request.instrumental is not None and not re.fullmatch(r"[0-9a-f]{64}", request.instrumental):
        raise InvalidRequest("`instrumental` must be the SHA-256 of a WAV in the store, 64 hexadecimal digits")
    return request


def language_of(request: VocalRequest) -> SungLanguage:
    """The language the words are sung in. Raises UnknownLanguage, ScriptNotSung."""
    with about("notes"):
        return sung_language(_lines(request), request.language, request.voice, request.language_source)


def _lines(request: VocalRequest) -> list[str]:
    """The words as written, a line for each of the melody's."""
    lines = [""]
    for notes in request.singers().values():
        for note in notes:
            lines[-1] += (note.syllable or "") + (" " if note.word_end and note.syllable else "")
            if note.line_end:
                lines.append("")
        lines.append("")
    return [line.strip() for line in lines if line.strip()]
