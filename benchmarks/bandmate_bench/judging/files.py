"""Reads collections of files as people have them, and compares what is read with an independent reader, mido.

Of each file: whether it is read, and why not; whether every note begins at the tick and pitch that mido gives; how many
letters of its words arrive; whether cleaning makes a piece of it; and whether its metre is found where it is not told.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path

import mido
from bandmate_ingest.cleaning.piece import Rejected, clean_piece
from bandmate_ingest.cleaning.rules import CleaningRules
from bandmate_music.analysis.metre_estimate import main_metre
from bandmate_music.analysis.metre_finder import metre_kind
from bandmate_music.errors import BandmateError
from bandmate_music.limits import Limits
from bandmate_music.read import read_score
from bandmate_music.score import Score

SUFFIXES = (".mid", ".midi", ".kar", ".rmi", ".mxl", ".musicxml", ".xml")
_MAIN_SHARE = 0.6
"""A piece is judged by its metre where that holds for so much of it."""


@dataclass(slots=True)
class Collection:
    """What became of the files of one folder. Shares are of what could be compared."""

    name: str
    files: int = 0
    read: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    pieces: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    notices: Counter[str] = field(default_factory=Counter)
    compared: int = 0
    """Files that mido reads too."""
    peer_refused: int = 0
    same_notes: int = 0
    """Files whose notes are all those of mido."""
    notes: int = 0
    peer_notes: int = 0
    letters: int = 0
    peer_letters: int = 0
    metres: int = 0
    same_metre: int = 0
    same_kind: int = 0


def read_collection(folder: Path, limit: int | None = None) -> Collection:
    """Read up to `limit` files of a folder, spread evenly over it."""
    is_split = folder.name in ("train", "valid", "test")
    found = Collection(f"{folder.resolve().parent.name}/{folder.name}" if is_split else folder.name)
    limits, rules = Limits(), CleaningRules()
    for path in _files(folder, limit):
        found.files += 1
        data = path.read_bytes()
        try:
            score = read_score(data, "file", limits)
        except BandmateError as error:
            found.refused[_reason(error.detail)] += 1
            continue
        found.read += 1
        found.notices.update(notice.kind for notice in score.notices)
        if data[:4] in (b"MThd", b"RIFF"):
            _compare(score, data, found)
        _clean(score, rules, found)
    return found


def _files(folder: Path, limit: int | None) -> Sequence[Path]:
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    return paths if limit is None or len(paths) <= limit else paths[:: -(-len(paths) // limit)]


def _reason(detail: str) -> str:
    return detail.removeprefix("file: ").split(":")[0][:80]


def _compare(score: Score, data: bytes, found: Collection) -> None:
    """Notes and words beside those of mido, which reads neither RIFF wrappers nor damaged files."""
    try:
        peer = mido.MidiFile(file=BytesIO(data), clip=True)
        theirs = Counter(_peer_notes(peer))
    except (OSError, EOFError, ValueError, KeyError, IndexError, TypeError):
        found.peer_refused += 1
        return
    found.compared += 1
    ours = Counter(
        pair for part in score.parts for pair in zip(part.notes.onset.tolist(), part.notes.pitch.tolist(), strict=True)
    )
    found.same_notes += ours == theirs
    found.notes += ours.total()
    found.peer_notes += theirs.total()
    found.letters += _letters("".join(lyric.text for part in score.parts for lyric in part.lyrics))
    found.peer_letters += _letters("".join(_peer_words(peer)))


def _peer_notes(peer: mido.MidiFile) -> Iterator[tuple[int, int]]:
    for track in peer.tracks:
        tick = 0
        for message in track:
            tick += message.time
            if message.type == "note_on" and message.velocity > 0:
                yield tick, message.note


def _peer_words(peer: mido.MidiFile) -> Iterator[str]:
    for track in peer.tracks:
        for message in track:
            if message.type == "lyrics":
                yield message.text.encode("latin-1", "replace").decode("utf-8", "replace")


def _letters(text: str) -> int:
    return sum(character.isalpha() for character in text)


def _clean(score: Score, rules: CleaningRules, found: Collection) -> None:
    """Clean the piece as it is, and once more without its metre."""
    try:
        clean_piece(score, rules)
    except Rejected as rejection:
        found.rejected[rejection.reason] += 1
        return
    found.pieces += 1
    stated, share = main_metre([(change.onset, change.metre) for change in score.metres], score.end)
    if stated is None or share < _MAIN_SHARE:
        return
    metre = clean_piece(replace(score, metres=()), rules).metre
    found.metres += 1
    found.same_metre += metre == stated
    found.same_kind += metre_kind(metre) == metre_kind(stated)
