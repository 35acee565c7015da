"""Looks over the events of a file to tell whether the fast parser reads it as it is meant.

symusic knows nothing of rhythm parts off channel 10, of programs that another track sets, of notes without an end or
of text that is not UTF-8, and what it cannot parse after a system-exclusive message it leaves out without a word. A
file with any of these goes through `normal_form` first. Runs of channel events are matched by one expression and
counted as arrays, so that a file costs a fraction of a millisecond.
"""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bandmate_music.instrument_names import is_drum_name, named_instrument
from bandmate_music.limits import Limits
from bandmate_music.midi.chunks import Chunks
from bandmate_music.midi.rhythm_parts import MELODY_BANK, RHYTHM_BANKS, changes_rhythm_part
from bandmate_music.midi.variable_length import read_quantity

_DELTA = rb"[\x80-\xff]{0,3}[\x00-\x7f]"
_TWO_BYTE_EVENTS = re.compile(rb"(?:" + _DELTA + rb"[\x80-\xbf\xe0-\xef]?[\x00-\x7f]{2})++", re.DOTALL)
_ONE_BYTE_EVENTS = re.compile(
    _DELTA + rb"[\xc0-\xdf][\x00-\x7f](?:" + _DELTA + rb"[\xc0-\xdf]?[\x00-\x7f])*+", re.DOTALL
)
_TEMPI = re.compile(rb"(?:[\x00-\x7f]\xff\x51\x03.{3})++", re.DOTALL)
_PROGRAM_EVENT = re.compile(rb"[\xc0-\xcf][\x00-\x7f]")
_STATUS = re.compile(_DELTA + rb"[\x80-\xef]")
_SYSTEM = (b"\xff", b"\xf0", b"\xf7")
"""A status that stands behind a time of one byte."""
_TEXTS = range(1, 16)
_NAME, _PORT, _END = 0x03, 0x21, 0x2F
_INSTRUMENT_NAMES = (0x04, 0x08)
"""The meta events of an instrument's and of a program's name."""
_DRUM_CHANNEL = 9


@dataclass(slots=True)
class Survey:
    """What a file holds. `is_plain` is False where the fast parser would not read it as it is meant."""

    is_plain: bool = True
    note_ons: int = 0
    """Note-on events with a velocity."""
    others: int = 0
    """Meta and system-exclusive events."""


@dataclass(slots=True)
class _Track:
    port: int = 0
    name: str = ""
    instrument: str = ""
    """The name of its instrument or program, where a text says one."""
    programs: int = 0
    """Channels with a program change, as bits."""
    channels: int = 0
    """Channels with notes, as bits."""


def survey(chunks: Chunks, limits: Limits) -> Survey:
    """Look over every event of a file in normal chunks.

    Raises:
        LimitExceeded: more events without a channel than notes are allowed.
    """
    found = Survey()
    data = chunks.data
    blocks: list[bytes] = []
    owners: list[int] = []
    tracks: list[_Track] = []
    for start, end in chunks.tracks:
        track = _Track()
        tracks.append(track)
        if start == end:
            continue
        if not _walk(data, start, end, track, found, blocks, owners, len(tracks) - 1, limits):
            found.is_plain = False
            return found
    _count(blocks, owners, tracks, found)
    if any(_says_more(track) for track in tracks):
        found.is_plain = False
    if found.is_plain and _borrows_program(tracks):
        found.is_plain = False
    return found


def _walk(
    data: bytes,
    position: int,
    end: int,
    track: _Track,
    found: Survey,
    blocks: list[bytes],
    owners: list[int],
    number: int,
    limits: Limits,
) -> bool:
    """Collect the channel events of a track. False where an event is not as it should be."""
    has_status = False
    while position < end:
        if data[position + 1 : position + 2] in _SYSTEM:
            # Behind a time of one byte no channel event can begin; tempi come in thousands.
            match = _TEMPI.match(data, position, end)
            if match is not None:
                found.others += match[0].count(b"\xff\x51\x03")
                position = match.end()
                continue
        else:
            match = _TWO_BYTE_EVENTS.match(data, position, end)
            if match is not None:
                if not has_status and _STATUS.match(data, position, end) is None:
                    return False
                has_status = True
                blocks.append(match[0])
                owners.append(number)
                position = match.end()
                continue
            match = _ONE_BYTE_EVENTS.match(data, position, end)
            if match is not None:
                has_status = False
                for program in _PROGRAM_EVENT.findall(match[0]):
                    track.programs |= 1 << (program[0] & 15)
                position = match.end()
                continue
        _, position = read_quantity(data, position, end)
        if position < 0 or position + 1 >= end:
            return False
        status = data[position]
        found.others += 1
        if found.others > limits.notes:
            limits.check_notes(found.others, "events beside notes")
        if status == 0xFF:
            kind = data[position + 1]
            length, content = read_quantity(data, position + 2, end)
            if content < 0 or content + length > end:
                return False
            if kind == _END:
                return content + length == end
            text = data[content : content + length]
            if kind in _TEXTS:
                if (not text.isascii() and not _is_utf8(text)) or b"\x1b" in text or b"\0" in text:
                    found.is_plain = False
                elif kind == _NAME:
                    track.name = text.decode()
                elif kind in _INSTRUMENT_NAMES:
                    track.instrument = text.decode()
            elif kind == _PORT and length:
                track.port = text[0]
        elif status in (0xF0, 0xF7):
            length, content = read_quantity(data, position + 1, end)
            if content < 0 or content + length > end:
                return False
            has_status = False
            message = data[content : content + length]
            if (status == 0xF7 or message[-1:] != b"\xf7") or changes_rhythm_part(message):
                found.is_plain = False
        else:
            return False
        position = content + length
    return False


def _count(blocks: list[bytes], owners: list[int], tracks: list[_Track], found: Survey) -> None:
    """Count the note-ons, and note which channels play in which track and whether a rhythm bank is chosen."""
    if not blocks:
        return
    content = np.frombuffer(b"".join(blocks), np.uint8)
    low = np.flatnonzero(content < 0x80)
    events = content[low].reshape(-1, 3)
    stated = low[1::3] - low[0::3] == 2
    source = np.maximum.accumulate(np.where(stated, np.arange(len(stated)), 0))
    status: NDArray[np.uint8] = content[low[1::3] - 1][source]
    sounding = (status & 0xF0 == 0x90) & (events[:, 2] > 0)
    found.note_ons = int(np.count_nonzero(sounding))
    bank = (status & 0xF0 == 0xB0) & (events[:, 1] == 0)
    if bank.any():
        on_drums = status[bank] & 15 == _DRUM_CHANNEL
        if np.where(on_drums, events[bank, 2] == MELODY_BANK, np.isin(events[bank, 2], list(RHYTHM_BANKS))).any():
            found.is_plain = False
    sizes = np.array([_events_in(block) for block in blocks])
    owner = np.repeat(np.array(owners), sizes)
    for key in np.unique(owner[sounding].astype(np.int64) * 16 + (status[sounding] & 15)).tolist():
        tracks[key // 16].channels |= 1 << (key % 16)


def _events_in(block: bytes) -> int:
    return len(block.translate(None, _HIGH)) // 3


_HIGH = bytes(range(0x80, 0x100))


def _says_more(track: _Track) -> bool:
    """Whether a name tells what the events of a track do not."""
    if not track.channels & ~(1 << _DRUM_CHANNEL):
        return False
    if is_drum_name(track.name):
        return True
    is_told = track.instrument and named_instrument(track.instrument) is not None
    return bool(is_told and named_instrument(track.name) is None)


def _borrows_program(tracks: list[_Track]) -> bool:
    """Whether a track plays on a channel whose program only another track sets."""
    set_by_any: dict[int, int] = {}
    for track in tracks:
        set_by_any[track.port] = set_by_any.get(track.port, 0) | track.programs
    pitched = 0xFFFF & ~(1 << _DRUM_CHANNEL)
    return any(track.channels & ~track.programs & set_by_any[track.port] & pitched for track in tracks)


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
