"""Read a given piece to edit: its tracks and bars, and the stretch of it that the model is shown.

The file stays as it is; what the model gets is a copy of some bars on its grid. A stretch has at most MAX_TRACKS
tracks, and is chosen around the bars to be composed; one of more than MAX_BARS bars is composed in several steps.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bandmate_music.analysis.bars import bars_of
from bandmate_music.analysis.roles import PartProfile, find_roles
from bandmate_music.detect import kind_of
from bandmate_music.instruments import VOICE_PROGRAMS, parse_instrument, playing_range
from bandmate_music.midi.chunks import unwrapped
from bandmate_music.midi.edit import GivenTrack, given_tracks
from bandmate_music.midi.events import split_chunks
from bandmate_music.midi.normal_form import normal_file
from bandmate_music.midi.write import write_midi
from bandmate_music.note_rows import NoteRow
from bandmate_music.read import refuse_repairs
from bandmate_music.sandbox.pool import read_untrusted
from bandmate_music.score import Score
from bandmate_music.theory.bars import Bar, Bars
from bandmate_music.theory.metre import Metre
from bandmate_shared.contracts.composition import PartSpec, Role
from bandmate_shared.contracts.wishes import MAX_BARS, MAX_TRACKS
from bandmate_shared.errors import InvalidRequest, UnreadableFile
from bandmate_shared.settings import SharedSettings

from bandmate_generate.planning.lineup import MAX_DRUM_PARTS
from bandmate_generate.planning.off_beats import off_beat_of
from bandmate_generate.planning.prompt import decode_prompt
from bandmate_generate.planning.tick_map import MODEL_STEP, TickMap, countable, ticks_beside

BARS_BEFORE, BARS_AFTER = 32, 16
"""How much of the piece around the bars to be composed the model is shown."""
_MIN_RESOLUTION = 24
_FEW_NOTES = 8
_MARGIN = 5


@dataclass(frozen=True, slots=True)
class Given:
    """A MIDI file as it came, or in its normal form, what it holds, and its bars (numbered from 1)."""

    data: bytes
    score: Score
    tracks: tuple[GivenTrack, ...]
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Bars of a given piece; `first` counts from 0."""

    first: int
    tick_map: TickMap

    @property
    def bars(self) -> int:
        return len(self.tick_map.file)

    @property
    def frame(self) -> Bars:
        """The bars in grid ticks, from 0 on."""
        return self.tick_map.grid

    @property
    def metre(self) -> Metre:
        """The one that most bars have; of equals the earlier."""
        return Counter(bar.metre for bar in self.tick_map.file).most_common(1)[0][0]


def read_given(encoded: str, settings: SharedSettings, *, strict: bool = False) -> Given:
    """The piece in a Base64 file from a stranger. MusicXML becomes MIDI first.

    Raises:
        UnreadableFile: not Base64, no music, no notes; with `strict`, damaged.
        LimitExceeded: past a limit on files.
        InvalidRequest: a MIDI file that cannot be worked on: without beats, or too coarse.
    """
    data = decode_prompt(encoded)
    score = read_untrusted(data, "prompt", settings.file_limits)
    if strict:
        refuse_repairs(score)
    if kind_of(data) != "midi":
        data = write_midi(score)
        score = read_untrusted(data, "prompt", settings.file_limits)
    data = unwrapped(data)
    file = split_chunks(data)
    if file.division >= 0x8000:
        raise InvalidRequest("the prompt counts film frames instead of beats, so it has no bars; save it with beats")
    if file.division < _MIN_RESOLUTION:
        raise InvalidRequest(
            f"the prompt has {file.division} ticks a quarter note; {_MIN_RESOLUTION} and more can be worked on"
        )
    if score.notices or file.midi_format == 2:
        data = normal_file(data, settings.file_limits)
    tracks = given_tracks(data)
    if not any(track.notes for track in tracks):
        raise UnreadableFile("prompt: the file holds no notes to work on")
    return Given(data, score, tuple(tracks), tuple(played_bars(score)))


def played_bars(score: Score) -> list[Bar]:
    """The bars of a piece that may have been played: one in which a note only ends, just past its line, is none."""
    bars = bars_of(score)
    last = bars[-1].onset
    is_touched = any(len(part.notes) and int(part.notes.onset[-1]) >= last for part in score.parts)
    beside = ticks_beside(last, score.ticks_per_quarter, score.tempi)
    return bars if is_touched or len(bars) == 1 or score.end - last > beside else bars[:-1]


def named_tracks(given: Given, names: Sequence[str]) -> list[int]:
    """Indices of the tracks that the names mean: a track's name, its number from 1, or its instrument.

    Raises:
        InvalidRequest: a name that none has, with those there are.
    """
    indices: set[int] = set()
    for name in names:
        matching = {index for index, track in enumerate(given.tracks) if track.name.lower() == name.strip().lower()}
        if not matching and name.strip().isdecimal() and 1 <= int(name) <= len(given.tracks):
            matching = {int(name) - 1}
        matching = matching or _of_instrument(given, name)
        if not matching:
            track_names = ", ".join(repr(track.name) for track in given.tracks)
            raise InvalidRequest(f"the given piece has no track {name!r}; its tracks are {track_names}")
        indices |= matching
    return sorted(indices)


def _of_instrument(given: Given, name: str) -> set[int]:
    try:
        instrument = parse_instrument(name)
    except ValueError:
        return set()
    return {
        index
        for index, track in enumerate(given.tracks)
        if (track.is_drum if instrument.is_drum else not track.is_drum and track.program == instrument.program)
    }


def stretch_around(given: Given, first: int, last: int) -> Stretch:
    """Bars `first`..`last` (from 0) with bars around them, as far as the model can count those.

    Raises:
        InvalidRequest: the model cannot count one of them.
    """
    bars = given.bars
    most = MAX_BARS if last - first + 1 <= MAX_BARS else len(bars)
    start = first
    while start > max(0, first - BARS_BEFORE, last - most + 1) and countable(bars[start - 1]):
        start -= 1
    end = last
    while end < min(len(bars) - 1, last + BARS_AFTER, start + most - 1) and countable(bars[end + 1]):
        end += 1
    return _stretch(given, start, end)


def whole_piece(given: Given) -> Stretch:
    """All bars.

    Raises:
        InvalidRequest: the model cannot count one of them.
    """
    return _stretch(given, 0, len(given.bars) - 1)


def _stretch(given: Given, start: int, end: int) -> Stretch:
    bars, score = given.bars[start : end + 1], given.score
    return Stretch(start, TickMap.of(bars, score.ticks_per_quarter, score.tempi, off_beat_of(score)))


def tracks_shown(given: Given, stretch: Stretch, composed: Sequence[int], max_tracks: int = MAX_TRACKS) -> list[int]:
    """Indices of the tracks that the model sees: the ones to be composed, and those that play most beside them.

    Raises:
        InvalidRequest: more are to be composed than can be.
    """
    if len(composed) > max_tracks:
        raise InvalidRequest(
            f"{len(composed)} tracks are to be composed; {max_tracks} can be at once, so name some of them"
        )
    drummers = sum(given.tracks[index].is_drum for index in composed)
    if drummers > MAX_DRUM_PARTS:
        raise InvalidRequest(f"{drummers} drum tracks are to be composed; {MAX_DRUM_PARTS} can be at once")
    start, end = stretch.tick_map.origin, stretch.tick_map.end
    played = {index: sum(start <= note[0] < end for note in track.notes) for index, track in enumerate(given.tracks)}
    shown = list(composed)
    for index in sorted(played, key=lambda index: (-played[index], index)):
        drum = given.tracks[index].is_drum
        if index in shown or not played[index] or len(shown) >= max_tracks or (drum and drummers >= MAX_DRUM_PARTS):
            continue
        drummers += drum
        shown.append(index)
    return sorted(shown)


def specs_of(tracks: Sequence[GivenTrack]) -> list[PartSpec]:
    """Given tracks as the model's request describes them: estimated roles, ranges slightly wider than played."""
    roles = _roles(tracks)
    specs = []
    for track, role in zip(tracks, roles, strict=True):
        alone = not track.is_drum and _is_monophonic(track)
        low, high = _range(track)
        specs.append(
            PartSpec(
                name=track.name,
                role=role,
                program=track.program,
                is_drum=track.is_drum,
                is_voice=track.program in VOICE_PROGRAMS and alone and not track.is_drum,
                low=low,
                high=high,
                monophonic=alone,
            )
        )
    return specs


def rows_of(track: GivenTrack, part: int, stretch: Stretch, holes: Sequence[tuple[int, int]]) -> list[NoteRow]:
    """A track's notes that begin in the stretch and outside the holes ((first, past the last) bar), on the grid.

    A note belongs to the bar that it is meant in (`tick_map`), and one that the grid would move over an edge of a hole
    stays on its side. One that lasts into a hole lasts as long as it does in the file, rounded up: nothing is to be
    struck too early.
    """
    tick_map, frame = stretch.tick_map, stretch.frame
    bars = [tick_map.bar_of_onset(note.onset) for note in track.notes]
    inside = [(note, bar) for note, bar in zip(track.notes, bars, strict=True) if 0 <= bar < stretch.bars]
    if not inside:
        return []
    file_ends = [tick_map.ending(note.onset, note.end) for note, _ in inside]
    onsets, ends = tick_map.quantised([note.onset for note, _ in inside]), tick_map.quantised(file_ends)
    free = [any(first <= bar < past for first, past in holes) for bar in range(stretch.bars)]
    edges = [(frame.start(first), frame.start(past)) for first, past in holes]
    rows: dict[tuple[int, int], NoteRow] = {}
    for (note, bar), onset, file_end, stop in zip(inside, onsets, file_ends, ends, strict=True):
        if free[bar]:
            continue
        begin = min(max(onset, frame.start(bar)), frame.end - MODEL_STEP)
        exact = tick_map.grid_tick_after(file_end)
        if any(free[bar + 1 : frame.at(begin) + 1]):
            begin = frame[bar].end - MODEL_STEP
        if any(start < exact and begin < end for start, end in edges):
            stop = max(stop, exact)
        lasting = min(max(stop - begin, 4), frame.end - begin)
        if (begin, note.pitch) not in rows or rows[begin, note.pitch].duration < lasting:
            rows[begin, note.pitch] = NoteRow(part, begin, lasting, note.pitch, note.velocity)
    return _without_overlaps(sorted(rows.values(), key=lambda row: (row.onset, row.pitch)))


def _without_overlaps(rows: Sequence[NoteRow]) -> list[NoteRow]:
    """A note ends where its pitch is struck again."""
    following: dict[int, int] = {}
    result = []
    for row in reversed(rows):
        stop = min(row.end, following.get(row.pitch, row.end))
        following[row.pitch] = row.onset
        result.append(row._replace(duration=stop - row.onset))
    return result[::-1]


def _roles(tracks: Sequence[GivenTrack]) -> list[Role]:
    profiles = []
    for track in tracks:
        count = len(track.notes)
        mean = sum(note[2] for note in track.notes) / count if count else 0.0
        onsets = len({note[0] for note in track.notes})
        profiles.append(PartProfile(track.name, track.program, track.is_drum, mean, count, onsets))
    return find_roles(profiles, require_melody=True)


def _range(track: GivenTrack) -> tuple[int, int]:
    if track.is_drum:
        return 0, 127
    low, high = playing_range(track.program)
    if len(track.notes) >= _FEW_NOTES:
        pitches = [note[2] for note in track.notes]
        low = min(min(pitches), max(low, min(pitches) - _MARGIN))
        high = max(max(pitches), min(high, max(pitches) + _MARGIN))
    return low, high


def _is_monophonic(track: GivenTrack) -> bool:
    """Whether the track, but for legato, plays one note at a time."""
    together = sum(
        following[0] < note[0] + note[1] / 2 for note, following in zip(track.notes, track.notes[1:], strict=False)
    )
    return bool(track.notes) and together <= 0.02 * len(track.notes)
