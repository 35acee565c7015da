"""The vocal request of a score, or of a file that holds one."""

import json
from pathlib import Path

from bandmate_music.read import refuse_repairs
from bandmate_music.sandbox.pool import read_untrusted
from bandmate_music.verses import Verses
from bandmate_shared.contracts.alignments import ALIGNMENT_KIND, Alignment
from bandmate_shared.contracts.vocals import VocalRequest
from bandmate_shared.errors import InvalidRequest
from bandmate_shared.singing.from_score import with_notes
from bandmate_shared.singing.melody import Singing as Singing

from bandmate_local.accompaniment import all_parts, other_parts
from bandmate_local.melody import vocal_request
from bandmate_local.settings import local_settings


def of_score(
    melody: Path, words: str | None, verses: Verses, asked: Singing, band: bool | None, *, strict: bool
) -> tuple[VocalRequest, bytes | None]:
    """The request, and what is to be played with it as MIDI: with `band` the sung parts where there are no others.

    `band` None: nothing is played. Raises UnreadableFile: no score; with `strict`, a damaged one.
    """
    score = read_untrusted(melody.read_bytes(), melody.name, local_settings().file_limits, verses)
    if strict:
        refuse_repairs(score)
    request = vocal_request(score, words, asked)
    if band is None:
        return request, None
    others = other_parts(score, words is not None, asked)
    return request, all_parts(score, asked) if band and others is None else others


def of_file(path: Path) -> VocalRequest:
    """What a JSON file asks for: a vocal request, or an alignment that was perhaps edited."""
    data = path.read_bytes()
    try:
        value = json.loads(data)
    except ValueError as error:
        raise InvalidRequest(f"{path} is not JSON: {error}") from error
    if isinstance(value, dict) and value.get("kind") == ALIGNMENT_KIND:
        return Alignment.model_validate(value).request()
    return with_notes(VocalRequest.model_validate_json(data), local_settings().file_limits)
