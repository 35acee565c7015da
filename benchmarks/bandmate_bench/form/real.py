"""Real pieces of the same kinds, out of packs on disk: FOLDER/<pack>/<split>/**/*.mid."""

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bandmate_shared.errors import BandmateError, InvalidRequest, NotFound

from bandmate_bench.form.piece import Piece
from bandmate_bench.form.read import read_piece

GROUPS: dict[str, tuple[str, ...]] = {
    "art songs": ("openscore_lieder", "polish_songs"),
    "hymns": ("openhymnal", "carols_songs"),
    "game rock": ("freedoom",),
    "drummers": ("groove",),
    "chorales": ("js_fakes",),
}
"""Group → its packs. Those that are not in the folder are left out."""
_MIN_BARS = 12


def read_real(
    folder: Path, split: str, most: int, seed: int, progress: Callable[[str, int, int], None]
) -> dict[str, list[Piece]]:
    """Group → at most so many of its pieces, drawn by the seed; unreadable and very short files are left out.

    Raises:
        NotFound: there is no such folder.
        InvalidRequest: none of the packs is in it.
    """
    if not folder.is_dir():
        raise NotFound(f"there is no folder {folder}")
    groups: dict[str, list[Piece]] = {}
    for group, packs in GROUPS.items():
        files = [path for pack in packs for path in sorted((folder / pack / split).rglob("*.mid"))]
        if group == "drummers":  # Its fills are single bars.
            files = [path for path in files if "_beat_" in path.name]
        random.Random(seed).shuffle(files)  # noqa: S311 - samples, not secrets
        pieces: list[Piece] = []
        for path in files:
            if len(pieces) >= most:
                break
            try:
                piece = replace(read_piece(path, group), sections=())  # Markers of games are loops, not sections.
            except BandmateError:
                continue
            if len(piece.bars) >= _MIN_BARS:
                pieces.append(piece)
                progress(group, len(pieces), min(most, len(files)))
        if pieces:
            groups[group] = pieces
    if not groups:
        names = ", ".join(pack for packs in GROUPS.values() for pack in packs)
        raise InvalidRequest(f"{folder} holds none of the packs {names} with a folder {split!r} in it")
    return groups
