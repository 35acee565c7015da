"""Finds the folders of finished songs by a file that each of them holds."""

from pathlib import Path

from bandmate_shared.errors import InvalidRequest, NotFound


def folders_holding(folder: Path, file: str, content: str = "of songs that `bandmate song`") -> list[Path]:
    """The folders below one that hold a file of that name, in order of their paths. `content` is for the error.

    Raises:
        NotFound: there is no such folder.
        InvalidRequest: no such file lies in it; the error says which command writes one.
    """
    if not folder.is_dir():
        raise NotFound(f"there is no folder {folder}")
    found = sorted(path.parent for path in folder.rglob(file))
    if not found:
        raise InvalidRequest(f"{folder} holds no {file}; give a folder {content} has written")
    return found
