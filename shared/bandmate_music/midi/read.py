"""Reads MIDI files into scores.

symusic parses the events at some tens of microseconds a file. It trusts what a header says, refuses what the
Standard MIDI File specification lets pass (a longer header, RIFF wrapping, frames instead of beats), and counts ticks
in 32 bits. So the chunks are walked here first (`midi.chunks`), cheaply and by the specification, and what comes out is
checked: the notes of a score that this module returns are within the limits, and in order. What symusic would read
otherwise than it is meant is brought into a form that it understands (`midi.survey`, `midi.normal_form`).
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from bandmate_music.analysis.bars import count_bars
from bandmate_music.errors import UnreadableFile
from bandmate_music.limits import Limits
from bandmate_music.marks import chord_marks, section_marks
from bandmate_music.midi.chunks import Chunks, check_ticks, meta_events, read_chunks
from bandmate_music.midi.events import LYRIC, TEXT, TRACK_NAME
from bandmate_music.midi.lyrics import Words, are_karaoke_words, attach_lyrics
from bandmate_music.midi.normal_form import normal_form
from bandmate_music.midi.survey import survey
from bandmate_music.score import (
    KeyChange,
    MetreChange,
    Notes,
    Notice,
    Part,
    Score,
    TempoChange,
)
from bandmate_music.theory.keys import Key
from bandmate_music.theory.metre import Metre

if TYPE_CHECKING:
    from numpy.typing import NDArray

_METRE_DENOMINATORS = frozenset((1, 2, 4, 8, 16, 32))
_MAX_BEATS = 64
_MAX_TEXT_BYTES = 256


def read_midi(data: bytes, limits: Limits) -> Score:
    """The score in a Standard MIDI File (format 0 or 1, or a single pattern of format 2; plain or in a RIFF wrapper).

    Ticks stay the file's own; a file that counts SMPTE frames is read at 60 quarters a minute, one second a quarter.
    A track that changes programs or channels becomes a part for each. Dropped are tempi of zero, metres whose bar is
    not a whole number of ticks, and keys that do not exist. What else is changed the score's notices tell.

    Raises:
        UnreadableFile: it is not a MIDI file, or one whose damage leaves no clear meaning.
        LimitExceeded: it is past a limit; the detail names the limit and its setting.
    """
    limits.check_file_bytes(len(data))
    chunks, parsed, notices = _sound(read_chunks(data, limits), limits)
    limits.check_notes(parsed.note_num())
    limits.check_notes(len(parsed.tempos) + len(parsed.time_signatures) + len(parsed.key_signatures), "changes")
    limits.check_notes(len(parsed.markers), "markers")
    tracks = parsed.tracks
    limits.check_tracks(len(tracks))
    parts: list[Part] = []
    words: list[Words] = []
    lyrics = _lyrics(chunks, limits) if any(track.lyrics for track in tracks) else iter(())
    for track in tracks:
        if track.lyrics:
            words.append(Words(next(lyrics, ()), _clean(track.name), len(parts)))
        if track.notes:
            notes = _notes(track.notes.numpy())
            parts.append(Part(_clean(track.name), max(0, int(track.program)), notes, bool(track.is_drum)))
    texts = _texts(chunks, limits)
    if not words:
        words = [Words(texts[number], name, len(parts)) for number, name in _karaoke_tracks(chunks, texts, parts)]
        for number in [number for number, events in texts.items() if any(words_.events is events for words_ in words)]:
            texts[number] = ()
    for track_words in words:
        attach_lyrics(parts, track_words, chunks.ticks_per_quarter)
    score = Score(
        parts=tuple(parts),
        ticks_per_quarter=chunks.ticks_per_quarter,
        tempi=_tempi(parsed.tempos) if chunks.frame_tempo is None else (TempoChange(0, chunks.frame_tempo),),
        metres=_metres(parsed.time_signatures, chunks.ticks_per_quarter),
        keys=_keys(parsed.key_signatures),
        title=chunks.title,
        sections=section_marks([(int(event.time), _clean(event.text)) for event in parsed.markers]),
        chords=chord_marks([(tick, _clean(text)) for tick, text in texts.get(0, ())]),
        notices=notices,
    )
    limits.check_seconds(score.seconds)
    limits.check_ticks(score.end, score.ticks_per_quarter)
    limits.check_bars(count_bars(score))
    return score


def _sound(chunks: Chunks, limits: Limits) -> tuple[Chunks, Any, tuple[Notice, ...]]:
    """The file in a form that symusic reads as it is meant, symusic's score of it, and what was changed for that."""
    found = survey(chunks, limits)
    if found.is_plain and not chunks.repairs:
        check_ticks(chunks, limits)
        try:
            parsed = _parse(chunks.data)
        except UnreadableFile:
            parsed = None
        if parsed is not None and parsed.note_num() == found.note_ons:
            return chunks, parsed, ()
    form = normal_form(chunks, limits)
    check_ticks(form.chunks, limits)
    parsed = _parse(form.chunks.data)
    repairs = [notice.text for notice in form.notices if notice.is_repair]
    if repairs and not parsed.note_num():
        raise UnreadableFile(f"this MIDI file is damaged and holds no note: {repairs[0]}")
    return form.chunks, parsed, form.notices


def _lyrics(chunks: Chunks, limits: Limits) -> Iterator[tuple[tuple[int, str], ...]]:
    """The lyric events of each track that has any with text, in order; symusic leaves out the empty ones."""
    count = 0
    for start, end in chunks.tracks:
        events = []
        for tick, text in meta_events(chunks.data, start, end, kind=LYRIC):
            events.append((tick, _clean(text[:_MAX_TEXT_BYTES].decode("utf-8", "replace"), line_ends=True)))
            count += 1
            limits.check_notes(count, "lyrics")
        if any(text for _, text in events):
            yield tuple(events)


def _texts(chunks: Chunks, limits: Limits) -> dict[int, tuple[tuple[int, str], ...]]:
    """Tick and text of the text events of each track that has some, which symusic skips."""
    found: dict[int, tuple[tuple[int, str], ...]] = {}
    count = 0
    for number, (start, end) in enumerate(chunks.tracks):
        texts: list[tuple[int, str]] = []
        for tick, text in meta_events(chunks.data, start, end, kind=TEXT):
            texts.append((tick, text[:_MAX_TEXT_BYTES].decode("utf-8", "replace")))
            count += 1
            limits.check_notes(count, "texts")
        if texts:
            found[number] = tuple(texts)
    return found


def _karaoke_tracks(
    chunks: Chunks, texts: dict[int, tuple[tuple[int, str], ...]], parts: Sequence[Part]
) -> list[tuple[int, str]]:
    """Number and name of the track whose text events are the words of a song, as .kar files have them."""
    onsets = {tick for part in parts if not part.is_drum for tick in part.notes.onset.tolist()} if texts else set()
    is_marked = any(text.startswith("@K") for events in texts.values() for _, text in events)
    best: tuple[int, int, str] | None = None
    for number, events in texts.items():
        start, end = chunks.tracks[number]
        names = [text for _, text in meta_events(chunks.data, start, end, kind=TRACK_NAME)]
        name = _clean(names[-1].decode("utf-8", "replace")) if names else ""
        if are_karaoke_words(events, name, onsets, is_marked) and (best is None or len(events) > best[0]):
            best = len(events), number, name
    return [] if best is None else [(best[1], best[2])]


def _parse(data: bytes) -> Any:
    """symusic's score of a normalised file."""
    from symusic import Score as Parsed  # start-up time: symusic

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
def _tempo(microseconds_per_quarter: int) -> float:
    """The roundest tempo that is written as this many microseconds: 461,538 is 130, not 130.00013."""
    exact = 60e6 / microseconds_per_quarter
    for digits in range(7):
        tempo = round(exact, digits)
        if tempo > 0 and round(60e6 / tempo) == microseconds_per_quarter:
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
        if 1 <= numerator <= _MAX_BEATS and denominator in _METRE_DENOMINATORS:
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


def _clean(text: str, *, line_ends: bool = False) -> str:
    """Text on one line, without control characters; with `line_ends` its ends of lines stay."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or (line_ends and c in "\r\n") else " " if c in "\r\n\t" else "" for c in text)
