"""Turns files in a bucket's `incoming/` or in the watched folder into song requests.

  NAME.mid, .midi   a prompt to go on from
  NAME.txt          the words
  NAME.json         a whole song request
  NAME.mid.json     options for NAME.mid, to be put there before it; likewise NAME.txt.json

Standard library only: the Lambda function packages this file without compiled dependencies. The values of fields are
checked where the request becomes a job.
"""

import base64
import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, Literal

from bandmate_music.detect import describe, kind_of

from bandmate_shared.errors import InvalidRequest, UnreadableFile

_FIELD_NAMES = """
text style key mode bars seconds tempo metre seed lyrics voice language engine ensemble prompt derived_from strict
from_bar to_bar takes model instruments tracks density polyphony chords infill add variation temperature top_p top_k
candidates sections performance
"""
FIELDS = frozenset(_FIELD_NAMES.split())
"""The fields of a SongRequest; a test compares them with the contract."""

Role = Literal["prompt", "lyrics", "request", "options"]

_ROLES: dict[str, Role] = {".mid": "prompt", ".midi": "prompt", ".txt": "lyrics", ".json": "request"}


def role_of(name: str) -> Role | None:
    """What a file is for, by its name; None for one to ignore: hidden, or still being copied.

    Raises UnreadableFile for a name of any other kind.
    """
    path = PurePosixPath(name)
    if path.name.startswith((".", "~")) or path.suffix.lower() in (".part", ".partial", ".tmp", ".crdownload"):
        return None
    role = _ROLES.get(path.suffix.lower())
    if role is None:
        raise UnreadableFile(f"{path.name} is neither a .mid to go on from, nor a .txt of words, nor a .json request")
    if role == "request" and PurePosixPath(path.stem).suffix.lower() in _ROLES:
        return "options"
    return role


def options_name(name: str) -> str:
    """The file that holds the options of another one."""
    return f"{name}.json"


def read_options(data: bytes, name: str) -> dict[str, Any]:
    """Request fields out of a JSON file.

    Raises UnreadableFile, InvalidRequest for a field that a request does not have.
    """
    try:
        value = json.loads(data.decode("utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise UnreadableFile(f"{name} is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise UnreadableFile(f'{name} holds no JSON object, such as {{"style": "folk"}}')
    unknown = sorted(set(value) - FIELDS)
    if unknown:
        raise InvalidRequest(f"{name} names {', '.join(unknown)}; a song request has {', '.join(sorted(FIELDS))}")
    return value


def song_request(name: str, data: bytes, options: Mapping[str, Any]) -> dict[str, Any]:
    """The request that a file and its options make, as JSON would hold it.

    Raises:
        UnreadableFile: the file is not what its name says.
        InvalidRequest: the options give what the file itself gives.
    """
    role = role_of(name)
    base = PurePosixPath(name).name
    if role == "request":
        return {**options, **read_options(data, base)}
    if role not in ("prompt", "lyrics"):
        raise UnreadableFile(f"{base} is no song request")
    if role in options:
        raise InvalidRequest(f"the options of {base} name its {role} too; that is what the file is for")
    return {**options, role: _prompt(data, base) if role == "prompt" else _lyrics(data, base)}


def _prompt(data: bytes, name: str) -> str:
    if kind_of(data) != "midi":
        raise UnreadableFile(f"{name} is not MIDI but {describe(data)}")
    return base64.b64encode(data).decode()


def _lyrics(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableFile(f"{name} is not UTF-8 text but {describe(data)}") from None
