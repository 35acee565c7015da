"""A given piece that is worked on: its tracks and bars, and the stretch of it that the model sees.

The file stays as it is; what the model gets is a copy of some bars on its grid. A stretch has at most MOST_BARS bars
and MAX_TRACKS tracks, and is chosen around the bars to be composed.
"""

import base64
import binascii
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bandmate_shared.contracts.composition import PartSpec, Role
from bandmate_shared.contracts.wishes import MAX_TRACKS
from bandmate_shared.errors import InvalidRequest, UnreadableFile
from bandmate_shared.music.bars import Bar, Bars, bars_of
from bandmate_shared.music.detect import kind_of
from bandmate_shared.music.instruments import parse_instrument, playing_range
from bandmate_shared.music.metre import Metre
from bandmate_shared.music.midi_chunks import unwrapped
from bandmate_shared.music.midi_edit import GivenTrack, given_tracks
from bandmate_shared.music.midi_events import cut
from bandmate_shared.music.midi_write import write_midi
from bandmate_shared.music.score import Score
from bandmate_shared.settings import SharedSettings

from bandmate_generate.line_up import MOST_DRUMMERS
from bandmate_generate.prompt import Row
from bandmate_generate.ruler import FINEST, Ruler, countable

MOST_BARS = 128
_BARS_BEFORE, _BARS_AFTER = 32, 16
"""How much of the piece around the bars to be composed the model is shown."""
_LEAST_RESOLUTION = 24
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
    """Bars of a given piece; `first` counts from 0."""

    first: int
    ruler: Ruler

    @property
    def bars(self) -> int:
        return len(self.ruler.file)

    @property
    def frame(self) -> Bars:
        """The bars in grid ticks, from 0 on."""
        return self.ruler.grid

    @property
    def metre(self) -> Metre:
        """The one that most bars have; of equals the earlier."""
        return Counter(bar.metre for bar in self.ruler.file).most_common(1)[0][0]


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
    """Bars `first`..`last` (from 0) with bars around them, as far as the model can count those.

    Raises:
        InvalidRequest: they are too many, or the model cannot count one of them.
    """
    bars = given.bars
    if last - first + 1 > MOST_BARS:
        raise InvalidRequest(f"bars {first + 1}-{last + 1} are {last - first + 1}; {MOST_BARS} can be composed at once")
    start = first
    while start > max(0, first - _BARS_BEFORE, last - MOST_BARS + 1) and countable(bars[start - 1]):
        start -= 1
    end = last
    while end < min(len(bars) - 1, last + _BARS_AFTER, start + MOST_BARS - 1) and countable(bars[end + 1]):
        end += 1
    return _stretch(given, start, end)


def whole_piece(given: Given) -> Stretch:
    """All bars.

    Raises:
        InvalidRequest: they are too many, or the model cannot count one of them.
    """
    count = len(given.bars)
    if count > MOST_BARS:
        raise InvalidRequest(
            f"the given piece has {count} bars; {MOST_BARS} can be composed at once. Send a part of it, or name bars"
        )
    return _stretch(given, 0, count - 1)


def _stretch(given: Given, start: int, end: int) -> Stretch:
    return Stretch(start, Ruler.of(given.bars[start : end + 1], given.score.ticks_per_quarter))


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
    start, end = stretch.ruler.origin, stretch.ruler.end
    played = {index: sum(start <= note[0] < end for note in track.notes) for index, track in enumerate(given.tracks)}
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
    ruler, frame = stretch.ruler, stretch.frame
    inside = [note for note in track.notes if ruler.origin <= note[0] < ruler.end]
    if not inside:
        return []
    onsets = ruler.quantised([note[0] for note in inside])
    ends = ruler.quantised([note[0] + note[1] for note in inside])
    free = [any(first <= bar < past for first, past in holes) for bar in range(stretch.bars)]
    edges = [(frame.start(first), frame.start(past)) for first, past in holes]
    rows: dict[tuple[int, int], Row] = {}
    for note, onset, stop in zip(inside, onsets, ends, strict=True):
        bar = ruler.bar_at(note[0])
        if free[bar]:
            continue
        begin, exact = min(onset, frame.end - FINEST), ruler.grid_tick_after(note[0] + note[1])
        if any(free[bar + 1 : frame.at(begin) + 1]):
            begin = frame[bar].end - FINEST
        if any(start < exact and begin < end for start, end in edges):
            stop = max(stop, exact)
        lasting = min(max(stop - begin, 4), frame.end - begin)
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
