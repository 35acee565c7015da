"""From bytes to a score, with errors that do not depend on a file's name."""

from bandmate_music.limits import Limits
from bandmate_music.read import read_score
from bandmate_music.score import Score
from bandmate_shared.errors import LimitExceeded, UnreadableFile

_PLACEHOLDER = "file"


def read_content(data: bytes, limits: Limits) -> Score:
    """The score in a MIDI, MusicXML or .mxl file.

    The same bytes give the same error under every name, so that a cached result is good for all of them.

    Raises:
        UnreadableFile: it is none of these, or damaged.
        LimitExceeded: it is past a limit.
    """
    try:
        return read_score(data, _PLACEHOLDER, limits)
    except (UnreadableFile, LimitExceeded) as error:
        raise type(error)(error.detail.removeprefix(f"{_PLACEHOLDER}: ")) from None


def empty_tracks(data: bytes, parts: int) -> int:
    """Tracks of a MIDI file that gave no part; the tempo track of a format 1 file is not missed."""
    if data[:4] != b"MThd" or len(data) < 12:
        return 0
    layout, tracks = int.from_bytes(data[8:10], "big"), int.from_bytes(data[10:12], "big")
    return max(0, tracks - parts - (1 if layout == 1 else 0))
