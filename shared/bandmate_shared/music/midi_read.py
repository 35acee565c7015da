"""MIDI files in, scores out.

symusic parses the events at some tens of microseconds a file. It trusts what a header says, refuses what the
Standard MIDI File specification lets pass (a longer header, RIFF wrapping, frames instead of beats), and counts ticks
in 32 bits. So the chunks are walked here first (`midi_chunks`), cheaply and by the specification, and what comes out is
checked: the notes of a score that this module returns are within the limits, and in order.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from bandmate_shared.errors import UnreadableFile
from bandmate_shared.music.keys import Key
from bandmate_shared.music.limits import Limits
from bandmate_shared.music.lyric_text import attach_lyrics
from bandmate_shared.music.metre import Metre
from bandmate_shared.music.midi_chunks import check_ticks, read_chunks
from bandmate_shared.music.score import (
    KeyChange,
    MetreChange,
    Notes,
    Part,
    Score,
    TempoChange,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

_METRE_DENOMINATORS = frozenset((1, 2, 4, 8, 16, 32))
_MOST_BEATS = 64


def read_midi(data: bytes, limits: Limits) -> Score:
    """The score in a Standard MIDI File (format 0, 1 or 2, plain or in a RIFF wrapper).

    Ticks stay the file's own; a file that counts SMPTE frames is read at 60 quarters a minute, one second a quarter.
    A track that changes programs or channels becomes a part for each. Notes that never end are dropped, as are
    tempi of zero, metres whose bar is not a whole number of ticks, and keys that do not exist.

    Raises:
        UnreadableFile: it is not a MIDI file, or a damaged one.
        LimitExceeded: it is past a limit; the detail names the limit and its setting.
    """
    limits.check_file_bytes(len(data))
    chunks = read_chunks(data, limits)
    check_ticks(chunks, limits)
    parsed = _parse(chunks.data)
    limits.check_notes(parsed.note_num())
    limits.check_notes(len(parsed.tempos) + len(parsed.time_signatures) + len(parsed.key_signatures), "changes")
    tracks = parsed.tracks
    limits.check_tracks(len(tracks))
    parts: list[Part] = []
    sung: list[tuple[str, int, Any]] = []
    for track in tracks:
        if track.lyrics:
            sung.append((track.name, len(parts), track.lyrics))
        if track.notes:
            notes = _notes(track.notes.numpy())
            parts.append(Part(_clean(track.name), max(0, int(track.program)), notes, bool(track.is_drum)))
    if sung:
        limits.check_notes(sum(len(lyrics) for _, _, lyrics in sung), "lyrics")
        for name, before, lyrics in sung:
            words = [(int(event.time), _clean(event.text)) for event in lyrics]
            attach_lyrics(parts, words, _clean(name), before)
    score = Score(
        parts=tuple(parts),
        ticks_per_quarter=chunks.ticks_per_quarter,
        tempi=_tempi(parsed.tempos) if chunks.frame_tempo is None else (TempoChange(0, chunks.frame_tempo),),
        metres=_metres(parsed.time_signatures, chunks.ticks_per_quarter),
        keys=_keys(parsed.key_signatures),
        title=chunks.title,
    )
    limits.check_seconds(score.seconds)
    return score


def _parse(data: bytes) -> Any:
    """symusic's score of a normalised file."""
    from symusic import Score as Parsed

    try:
        return Parsed.from_midi(data)
    except (RuntimeError, ValueError, IndexError, OverflowError) as error:
        reason = str(error).removeprefix("MiniMidi: ").removesuffix(": iostream error").strip().rstrip("!.")
        raise UnreadableFile(f"this MIDI file is damaged: {_plain(reason)}") from None


def _plain(reason: str) -> str:
    """A parser's message as one clause, fit for a sentence."""
    if match := re.fullmatch(r"Get (\w+)=(\d+)", reason):
        return f"{match[1].replace('_', ' ')} {match[2]} is out of range (0 to 127)"
    text = " ".join(reason.split()).replace("Invaild", "invalid")
    return (text[:1].lower() + text[1:])[:200] if text else "an event cannot be read"


def _notes(columns: "dict[str, NDArray[Any]]") -> Notes:
    onset, duration = columns["time"], columns["duration"]
    pitch, velocity = columns["pitch"].astype(np.int32), columns["velocity"].astype(np.int32)
    order_key = onset.astype(np.int64) * 128 + pitch
    if np.any(order_key[1:] < order_key[:-1]):
        order = np.argsort(order_key, kind="stable")
        onset, duration, pitch, velocity = onset[order], duration[order], pitch[order], velocity[order]
    return Notes(onset.astype(np.int32), duration.astype(np.int32), pitch, velocity)


@lru_cache(maxsize=4096)
def _tempo(microseconds_a_quarter: int) -> float:
    """The roundest tempo that is written as this many microseconds: 461,538 is 130, not 130.00013."""
    exact = 60e6 / microseconds_a_quarter
    for digits in range(7):
        tempo = round(exact, digits)
        if tempo > 0 and round(60e6 / tempo) == microseconds_a_quarter:
            return tempo
    return exact


def _tempi(events: Any) -> tuple[TempoChange, ...]:
    if not events:
        return ()
    columns = events.numpy()
    changes: list[TempoChange] = []
    for onset, mspq in sorted(zip(columns["time"].tolist(), columns["mspq"].tolist(), strict=True), key=_first):
        if mspq > 0:
            _replace_last(changes, TempoChange(onset, _tempo(mspq)))
    return tuple(changes)


def _metres(events: Any, ticks_per_quarter: int) -> tuple[MetreChange, ...]:
    changes: list[MetreChange] = []
    for event in sorted(events, key=lambda event: event.time):
        numerator, denominator = int(event.numerator), int(event.denominator)
        if 1 <= numerator <= _MOST_BEATS and denominator in _METRE_DENOMINATORS:
            ticks, beside = divmod(numerator * ticks_per_quarter * 4, denominator)
            if ticks > 0 and beside == 0:
                _replace_last(changes, MetreChange(int(event.time), Metre(numerator, denominator)))
    return tuple(changes)


def _keys(events: Any) -> tuple[KeyChange, ...]:
    changes: list[KeyChange] = []
    for event in sorted(events, key=lambda event: event.time):
        fifths, minor = int(event.key), int(event.tonality)
        if -7 <= fifths <= 7 and minor in (0, 1):
            tonic = (fifths * 7 + (9 if minor else 0)) % 12
            _replace_last(changes, KeyChange(int(event.time), Key(tonic, "minor" if minor else "major")))
    return tuple(changes)


def _first(pair: Sequence[int]) -> int:
    return pair[0]


def _replace_last(changes: list[Any], change: Any) -> None:
    """Appends; of two changes at one tick the later in the file holds."""
    if changes and changes[-1].onset == change.onset:
        changes[-1] = change
    else:
        changes.append(change)


def _clean(text: str) -> str:
    """Text on one line, without control characters."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if c in "\r\n\t" else "" for c in text)
