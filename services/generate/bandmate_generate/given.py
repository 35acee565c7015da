"""A given piece that is worked on: its tracks and bars, and the stretch of it that the model sees.

The file stays as it is; what the model gets is a copy of some bars on its grid. A stretch has one metre, at most
MOST_BARS bars and MOST_TRACKS tracks, and is chosen around the bars to be composed.
"""

import base64
import binascii
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from bandmate_shared.contracts.composition import GRID_TICKS_PER_QUARTER, PartSpec, Role
from bandmate_shared.contracts.wishes import MAX_TRACKS
from bandmate_shared.errors import InvalidRequest, UnreadableFile
from bandmate_shared.music.bars import Bar, bars_of
from bandmate_shared.music.detect import kind_of
from bandmate_shared.music.instruments import parse_instrument, playing_range
from bandmate_shared.music.metre import DENOMINATORS, Metre
from bandmate_shared.music.midi_chunks import unwrapped
from bandmate_shared.music.midi_edit import GivenTrack, given_tracks
from bandmate_shared.music.midi_events import cut
from bandmate_shared.music.midi_write import write_midi
from bandmate_shared.music.score import Score
from bandmate_shared.settings import SharedSettings

from bandmate_generate.line_up import MOST_DRUMMERS
from bandmate_generate.prompt import FINEST, Row, quantised

MOST_BARS = 128
_BARS_BEFORE, _BARS_AFTER = 32, 16
"""How much of the piece around the bars to be composed the model is shown."""
_LEAST_RESOLUTION = 24
_LEAST_STRETCH = 0.75
"""A stretch of one metre stands for the whole piece where it has this share of its bars."""
_FEW_NOTES = 8
_MARGIN = 5
_VOICES = range(52, 55)
_BASSES = frozenset((*range(32, 40), 43, 58))
_BASS_BELOW = 52.0
_LEADERS = ("melody", "lead", "vocal", "voice", "soprano", "solo", "gesang", "singer")


@dataclass(frozen=True, slots=True)
class Given:
    """A MIDI file of format 0 or 1 as it came, what it holds, and its bars (numbered from 1)."""

    data: bytes
    score: Score
    tracks: tuple[GivenTrack, ...]
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Bars of a given piece, all of one metre and whole. `first` counts from 0; `origin` is its tick in the file."""

    first: int
    bars: int
    metre: Metre
    origin: int
    ticks_per_quarter: int

    def file_tick(self, grid: int) -> int:
        """The file's tick of a grid tick counted from the stretch's start; exact at bar lines."""
        return self.origin + round(grid * self.ticks_per_quarter / GRID_TICKS_PER_QUARTER)

    def grid_tick(self, tick: int) -> int:
        """The grid tick nearest to a tick of the file."""
        return round((tick - self.origin) * GRID_TICKS_PER_QUARTER / self.ticks_per_quarter)

    @property
    def bar_length(self) -> int:
        """In grid ticks."""
        return self.metre.bar_ticks(GRID_TICKS_PER_QUARTER)


def read_given(encoded: str, settings: SharedSettings) -> Given:
    """The piece in a Base64 file from a stranger. MusicXML becomes MIDI first.

    Raises:
        UnreadableFile: not Base64, no music, no notes.
        LimitExceeded: past a limit on files.
        InvalidRequest: a MIDI file that cannot be worked on: without beats, too coarse, or of independent patterns.
    """
    from bandmate_shared.music.sandbox import read_untrusted

    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise UnreadableFile("the prompt is not Base64; send the bytes of a MIDI file encoded as Base64") from None
    score = read_untrusted(data, "prompt", settings)
    if kind_of(data) != "midi":
        data = write_midi(score)
        score = read_untrusted(data, "prompt", settings)
    data = unwrapped(data)
    file = cut(data)
    if file.midi_format == 2:
        raise InvalidRequest("the prompt is a MIDI file of format 2, patterns without an order; send format 0 or 1")
    if file.division >= 0x8000:
        raise InvalidRequest("the prompt counts film frames instead of beats, so it has no bars; save it with beats")
    if file.division < _LEAST_RESOLUTION:
        raise InvalidRequest(
            f"the prompt has {file.division} ticks a quarter note; {_LEAST_RESOLUTION} and more can be worked on"
        )
    tracks = given_tracks(data)
    if not any(track.notes for track in tracks):
        raise UnreadableFile("prompt: the file holds no notes to work on")
    return Given(data, score, tuple(tracks), tuple(bars_of(score)))


def named_tracks(given: Given, names: Sequence[str]) -> list[int]:
    """Indices of the tracks that the names mean: a track's name, its number from 1, or its instrument.

    Raises:
        InvalidRequest: a name that none has, with those there are.
    """
    found: set[int] = set()
    for name in names:
        own = {index for index, track in enumerate(given.tracks) if track.name.lower() == name.strip().lower()}
        if not own and name.strip().isdecimal() and 1 <= int(name) <= len(given.tracks):
            own = {int(name) - 1}
        own = own or _of_instrument(given, name)
        if not own:
            there = ", ".join(repr(track.name) for track in given.tracks)
            raise InvalidRequest(f"the given piece has no track {name!r}; its tracks are {there}")
        found |= own
    return sorted(found)


def _of_instrument(given: Given, name: str) -> set[int]:
    try:
        wanted = parse_instrument(name)
    except ValueError:
        return set()
    return {
        index
        for index, track in enumerate(given.tracks)
        if (track.is_drum if wanted.is_drum else not track.is_drum and track.program == wanted.program)
    }


def stretch_around(given: Given, first: int, last: int) -> Stretch:
    """Bars `first`..`last` (from 0) with bars of the same metre around them.

    Raises:
        InvalidRequest: the metre changes between them, they are too many, or the model counts no such metre.
    """
    bars = given.bars
    for number in range(first, last + 1):
        if not _alike(given, bars[first], bars[number]):
            raise InvalidRequest(
                f"the metre changes at bar {number + 1} of the given piece; ask for the bars before and from there on "
                "one after the other"
            )
    if last - first + 1 > MOST_BARS:
        raise InvalidRequest(f"bars {first + 1}-{last + 1} are {last - first + 1}; {MOST_BARS} can be composed at once")
    start = first
    while start > max(0, first - _BARS_BEFORE, last - MOST_BARS + 1) and _alike(given, bars[first], bars[start - 1]):
        start -= 1
    end = last
    while (
        end < min(len(bars) - 1, last + _BARS_AFTER, start + MOST_BARS - 1)
        and _alike(given, bars[first], bars[end + 1])
    ):  # fmt: skip
        end += 1
    return _stretch(given, start, end)


def longest_stretch(given: Given) -> Stretch:
    """The bars that stand for the whole piece: the longest run in one metre.

    Raises:
        InvalidRequest: it is too little of the piece, or too long for the model.
    """
    best, start = (0, 0), 0
    for number in range(1, len(given.bars) + 1):
        if number == len(given.bars) or not _alike(given, given.bars[start], given.bars[number]):
            best = max(best, (start, number - 1), key=lambda run: run[1] - run[0])
            start = number
    count = best[1] - best[0] + 1
    if count < _LEAST_STRETCH * len(given.bars):
        raise InvalidRequest(
            f"the metre of the given piece changes too often: of its {len(given.bars)} bars at most {count} in a row "
            "are alike"
        )
    if count > MOST_BARS:
        raise InvalidRequest(
            f"the given piece has {count} bars; {MOST_BARS} can be composed at once. Send a part of it, or name bars"
        )
    return _stretch(given, *best)


def _alike(given: Given, one: Bar, other: Bar) -> bool:
    return one.metre == other.metre and other.length == other.metre.bar_ticks(given.score.ticks_per_quarter)


def _stretch(given: Given, start: int, end: int) -> Stretch:
    bar = given.bars[start]
    metre = bar.metre
    if metre.numerator > 16 or metre.denominator not in DENOMINATORS:
        raise InvalidRequest(f"bar {start + 1} of the given piece is in {metre.name}, which cannot be composed in")
    return Stretch(start, end - start + 1, metre, bar.onset, given.score.ticks_per_quarter)


def tracks_shown(given: Given, stretch: Stretch, composed: Sequence[int], room: int = MAX_TRACKS) -> list[int]:
    """Indices of the tracks that the model sees: the ones to be composed, and those that play most beside them.

    Raises:
        InvalidRequest: more are to be composed than can be.
    """
    if len(composed) > room:
        raise InvalidRequest(f"{len(composed)} tracks are to be composed; {room} can be at once, so name some of them")
    drummers = sum(given.tracks[index].is_drum for index in composed)
    if drummers > MOST_DRUMMERS:
        raise InvalidRequest(f"{drummers} drum tracks are to be composed; {MOST_DRUMMERS} can be at once")
    end = stretch.file_tick(stretch.bars * stretch.bar_length)
    played = {
        index: sum(stretch.origin <= note[0] < end for note in track.notes) for index, track in enumerate(given.tracks)
    }
    shown = list(composed)
    for index in sorted(played, key=lambda index: (-played[index], index)):
        drum = given.tracks[index].is_drum
        if index in shown or not played[index] or len(shown) >= room or (drum and drummers >= MOST_DRUMMERS):
            continue
        drummers += drum
        shown.append(index)
    return sorted(shown)


def specs_of(tracks: Sequence[GivenTrack]) -> list[PartSpec]:
    """What the model is told of given tracks: roles are guessed, ranges are those they play in and a little more."""
    roles = _roles(tracks)
    specs = []
    for track, role in zip(tracks, roles, strict=True):
        alone = not track.is_drum and _one_at_a_time(track)
        low, high = _range(track)
        specs.append(
            PartSpec(
                name=track.name,
                role=role,
                program=track.program,
                is_drum=track.is_drum,
                is_voice=track.program in _VOICES and alone and not track.is_drum,
                low=low,
                high=high,
                monophonic=alone,
            )
        )
    return specs


def rows_of(track: GivenTrack, part: int, stretch: Stretch, holes: Sequence[tuple[int, int]]) -> list[Row]:
    """A track's notes that begin in the stretch and outside the holes ((first, past the last) bar), on the grid.

    A note that the grid would move over an edge of a hole stays on its side. One that lasts into a hole lasts as long
    as it does in the file, rounded up: nothing is to be struck too early.
    """
    length, end = stretch.bar_length, stretch.bars * stretch.bar_length
    last, bar_ticks = stretch.file_tick(end), stretch.metre.bar_ticks(stretch.ticks_per_quarter)
    inside = [note for note in track.notes if stretch.origin <= note[0] < last]
    if not inside:
        return []
    scale = GRID_TICKS_PER_QUARTER / stretch.ticks_per_quarter
    onsets = quantised(np.array([note[0] - stretch.origin for note in inside]) * scale).tolist()
    ends = quantised(np.array([note[0] + note[1] - stretch.origin for note in inside]) * scale).tolist()
    rows: dict[tuple[int, int], Row] = {}
    for note, onset, stop in zip(inside, onsets, ends, strict=True):
        bar = (note[0] - stretch.origin) // bar_ticks
        if any(first <= bar < past for first, past in holes):
            continue
        begin, exact = min(onset, end - FINEST), math.ceil((note[0] + note[1] - stretch.origin) * scale)
        if begin >= (bar + 1) * length and any(first <= bar + 1 < past for first, past in holes):
            begin = (bar + 1) * length - FINEST
        if any(first * length < exact and begin < past * length for first, past in holes):
            stop = max(stop, exact)
        lasting = min(max(stop - begin, 4), end - begin)
        row = (part, begin, lasting, note[2], note[3])
        if (begin, note[2]) not in rows or rows[begin, note[2]][2] < lasting:
            rows[begin, note[2]] = row
    return _without_overlaps(sorted(rows.values(), key=lambda row: (row[1], row[3])))


def _without_overlaps(rows: Sequence[Row]) -> list[Row]:
    """A note ends where its pitch is struck again."""
    following: dict[int, int] = {}
    result = []
    for part, onset, duration, pitch, velocity in reversed(rows):
        stop = min(onset + duration, following.get(pitch, onset + duration))
        following[pitch] = onset
        result.append((part, onset, stop - onset, pitch, velocity))
    return result[::-1]


def _roles(tracks: Sequence[GivenTrack]) -> list[Role]:
    roles: list[Role] = ["drums" if track.is_drum else "harmony" for track in tracks]
    pitched = [index for index, track in enumerate(tracks) if not track.is_drum and track.notes]
    basses = [i for i in pitched if tracks[i].program in _BASSES or "bass" in tracks[i].name.lower().split()]
    if not basses and len(pitched) > 1:
        lowest = min(pitched, key=lambda index: _height(tracks[index]))
        basses = [lowest] if _height(tracks[lowest]) < _BASS_BELOW else []
    for index in basses[:1]:
        roles[index] = "bass"
    left = [index for index in pitched if roles[index] == "harmony"]
    named = [index for index in left if any(word in tracks[index].name.lower() for word in _LEADERS)]
    named = named or [index for index in left if tracks[index].program in _VOICES]
    if left:
        roles[max(named or left, key=lambda index: _height(tracks[index]))] = "melody"
    return roles


def _height(track: GivenTrack) -> float:
    return sum(note[2] for note in track.notes) / len(track.notes)


def _range(track: GivenTrack) -> tuple[int, int]:
    if track.is_drum:
        return 0, 127
    low, high = playing_range(track.program)
    if len(track.notes) >= _FEW_NOTES:
        pitches = [note[2] for note in track.notes]
        low = min(min(pitches), max(low, min(pitches) - _MARGIN))
        high = max(max(pitches), min(high, max(pitches) + _MARGIN))
    return low, high


def _one_at_a_time(track: GivenTrack) -> bool:
    """Whether the track, but for legato, plays one note at a time."""
    together = sum(
        following[0] < note[0] + note[1] / 2 for note, following in zip(track.notes, track.notes[1:], strict=False)
    )
    return bool(track.notes) and together <= 0.02 * len(track.notes)
