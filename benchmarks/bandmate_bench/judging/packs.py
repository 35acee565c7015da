"""Packs of MIDI files on disk as pieces, read within bounds and cleaned as for a dataset.

DIR/<pack>/{train,valid,test}/**/*.mid      a pack of PACK_STYLES, as it is unpacked
DIR/<style>/{train,valid,test}/**/*.mid     any folder else, named for its style
"""

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from bandmate_ingest.cleaning.piece import CleanPiece, Rejected, clean_piece
from bandmate_ingest.cleaning.rules import CleaningRules
from bandmate_model.data.pieces import PartInfo, Piece
from bandmate_music.limits import Limits
from bandmate_music.midi.read import read_midi
from bandmate_shared.errors import BandmateError, InvalidRequest, NotFound
from bandmate_shared.settings import SharedSettings

PACK_STYLES = {
    "openscore_lieder": "song",
    "openscore_quartets": "quartet",
    "freedoom": "rock",
    "groove": "groove",
    "js_fakes": "chorale",
}
SPLITS = ("train", "valid", "test")
_SUFFIXES = frozenset({".mid", ".midi"})


def find_packs(folder: Path, split: str) -> dict[str, Path]:
    """Style → the folder that holds its splits, for every style that has files to train on and of that split.

    Raises:
        NotFound: there is no such folder.
        InvalidRequest: nothing in it is laid out as a pack.
    """
    if not folder.is_dir():
        raise NotFound(f"there is no folder {folder}")
    packs = {
        PACK_STYLES.get(pack.name, pack.name): pack
        for pack in sorted(folder.iterdir())
        if (pack / "train").is_dir() and (pack / split).is_dir()
    }
    if not packs:
        raise InvalidRequest(f"{folder} holds no pack: each has to be a folder with folders train and {split} in it")
    return packs


def read_pack(
    pack: Path,
    style: str,
    split: str,
    *,
    most: int | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> list[Piece]:
    """The pieces of one split; files that ingest would reject are left out.

    `most` pieces are drawn by the seed where there are more files. `progress` is told the files done and to do.
    """
    files = sorted(path for path in (pack / split).rglob("*") if path.suffix.lower() in _SUFFIXES and path.is_file())
    if most is not None:
        random.Random(seed).shuffle(files)  # noqa: S311 - samples, not secrets
    limits, rules = SharedSettings().file_limits, CleaningRules()
    pieces: list[Piece] = []
    for number, path in enumerate(files, 1):
        if most is not None and len(pieces) >= most:
            break
        piece = _read(path, style, split, limits, rules)
        if piece is not None:
            pieces.append(piece)
        if progress is not None:
            progress(number, len(files) if most is None else min(len(files), most))
    if not pieces:
        raise InvalidRequest(f"not one file in {pack / split} is a piece of music that can be used")
    return pieces


def _read(path: Path, style: str, split: str, limits: Limits, rules: CleaningRules) -> Piece | None:
    try:
        return _piece(path.stem, style, split, clean_piece(read_midi(path.read_bytes(), limits), rules))
    except (BandmateError, Rejected, OSError):
        return None


def _piece(name: str, style: str, split: str, cleaned: CleanPiece) -> Piece:
    """As read_pieces returns a piece of a dataset."""
    notes, bars, parts = cleaned.notes, cleaned.bars, cleaned.parts
    columns: Sequence[np.ndarray[tuple[int, ...], np.dtype[np.int64]]]
    columns = (notes.part, notes.onset, notes.duration, notes.pitch, notes.velocity)
    rows = np.stack(columns, axis=1).astype(np.int32)
    rows = rows[np.lexsort((rows[:, 3], rows[:, 1], rows[:, 0]))]
    measures = zip(bars.length.tolist(), bars.numerator.tolist(), bars.denominator.tolist(), strict=True)
    return Piece(
        name=name,
        style=style,
        split=split,
        tonic=cleaned.key.key.tonic,
        mode=cleaned.key.key.mode,
        tempo=cleaned.tempo,
        bars=tuple(measures),
        parts=tuple(
            PartInfo(
                number, parts.names[number], int(parts.program[number]), parts.is_drum[number], parts.instrument[number]
            )
            for number in range(len(parts.names))
        ),
        notes=rows,
    )
