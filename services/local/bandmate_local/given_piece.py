"""A given piece as a request names it: Base64 of its file, or the reference to an upload or a song."""

import base64
from pathlib import Path

from bandmate_shared.contracts.songs import MAX_PROMPT_CHARACTERS, SONG_SOURCE
from bandmate_shared.contracts.uploads import UPLOAD_SOURCE
from bandmate_shared.errors import LimitExceeded, NotFound


def encoded_piece(piece: str) -> str:
    """A file's content as Base64; a reference to an upload or a song unchanged. Raises NotFound, LimitExceeded."""
    if piece.startswith((SONG_SOURCE, UPLOAD_SOURCE)):
        return piece
    path = Path(piece)
    if not path.is_file():
        raise NotFound(f"there is no file {piece}")
    if path.stat().st_size > MAX_PROMPT_CHARACTERS * 3 // 4:
        raise LimitExceeded(f"{piece} has {path.stat().st_size} bytes; a prompt may have about 1 MiB")
    return base64.b64encode(path.read_bytes()).decode()
