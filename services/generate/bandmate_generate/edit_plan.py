"""A wish about a given piece made complete: bars composed anew, tracks added, a variation.

The style and the seed settle what is left open, as for a song. The model gets a stretch of the piece with holes.
"""

from collections.abc import Iterable, Sequence

from bandmate_shared.contracts.composition import ChordSpan, Hole, PartSpec
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.errors import InvalidRequest, about
from bandmate_shared.music.midi_edit import GivenTrack, check_room
from bandmate_shared.settings import SharedSettings

from bandmate_generate.given import (
    Given,
    Stretch,
    named_tracks,
    read_given,
    rows_of,
    specs_of,
    stretch_around,
    tracks_shown,
    whole_piece,
)
from bandmate_generate.harmony import chord_spans
from bandmate_generate.line_up import parts_for
from bandmate_generate.plan import LONGEST_SECONDS, Edit, SongPlan, key_for, sampling_of
from bandmate_generate.seeds import dice
from bandmate_generate.styles import Style, StylePart

_SLOWEST, _FASTEST = 20.0, 300.0
_LEVELS = {"melody": 0.0, "harmony": -3.0, "bass": -4.0, "drums": -4.0}


def plan_edit(request: SongRequest, seed: int, style: Style, settings: SharedSettings) -> SongPlan:
    """The plan of a request that works on a given piece.

    Raises:
        UnreadableFile, LimitExceeded: the piece is at fault.
        InvalidRequest: bars or tracks that it does not have, or more than a model can hold.
    """
    assert request.prompt is not None, "the contract asks for it"
    with about("prompt"):
        given = read_given(request.prompt, settings)
        if given.score.seconds > LONGEST_SECONDS:
            raise InvalidRequest(
                f"the given piece lasts {given.score.seconds:.0f} s; one of up to {LONGEST_SECONDS:.0f} s can be "
                "worked on"
            )
    with about("prompt" if request.infill is None else "infill.bars"):
        stretch, ranges = _region(request, given)
    if request.add is not None:
        room = 16 - len(request.add)
        shown = tracks_shown(given, stretch, [], room)
        composed: list[int] = []
    else:
        with about("infill.tracks"):
            composed = _chosen(request, given)
            shown = tracks_shown(given, stretch, composed)
    tracks = [given.tracks[index] for index in shown]
    specs = [_limited(spec, request) for spec in specs_of(tracks)]
    parts = [style_part(spec, number) for number, spec in enumerate(specs)]
    holes = _holes(request, seed, ranges, [shown.index(index) for index in composed])
    if request.add is not None:
        with about("add"):
            new = parts_for(
                request.add,
                None,
                polyphony=request.polyphony,
                has_melody=any(spec.role == "melody" for spec in specs),
                has_bass=any(spec.role == "bass" for spec in specs),
                taken=[track.name for track in given.tracks],
            )
            check_room(given.data, sum(not part.is_drum for part in new))
        holes = [Hole(part=len(parts) + number, first_bar=0, bars=stretch.bars) for number in range(len(new))]
        parts += new
        specs += [part.spec(sung=False) for part in new]
    key, _ = key_for(request.model_copy(update={"key": None}), style, given.score, seed)
    if request.key is not None:
        key, _ = key_for(request, style, None, seed)
    return SongPlan(
        seed=seed,
        style=style,
        key=key,
        metre=stretch.metre,
        opening=stretch.frame.bars,
        tempo=_tempo(given, stretch),
        bars=stretch.bars,
        parts=tuple(parts),
        specs=tuple(specs),
        title=given.score.title or "Given piece",
        singer=None,
        prompt=tuple(_rows(tracks, stretch, holes)),
        chords=_chords(request, stretch, ranges),
        density=request.density,
        sampling=sampling_of(request, style),
        holes=tuple(holes),
        key_wish=request.key is not None,
        edit=Edit(given, stretch, (*shown, *(None for _ in request.add or ()))),
    )


def style_part(spec: PartSpec, number: int) -> StylePart:
    """A given track as the mixer knows parts: lead and bass in the middle, the others to both sides."""
    side = 0.0 if spec.role != "harmony" else (-0.3, 0.3, -0.55, 0.55)[number % 4]
    return StylePart(
        spec.name,
        spec.role,
        spec.program,
        spec.low,
        spec.high,
        monophonic=spec.monophonic,
        is_voice=spec.is_voice,
        is_drum=spec.is_drum,
        level=_LEVELS[spec.role],
        pan=side,
        density=spec.density,
        polyphony=spec.polyphony,
    )


def _region(request: SongRequest, given: Given) -> tuple[Stretch, list[tuple[int, int]]]:
    """The stretch, and which of its bars may be composed: (first, past the last), counted from its first."""
    asked = request.infill.ranges if request.infill is not None else None
    if asked is None:
        stretch = whole_piece(given)
        return stretch, [(0, stretch.bars)]
    if asked[-1][1] > len(given.bars):
        count = len(given.bars)
        has = f"has {count} bars, so name some of 1 to {count}" if count > 1 else "has 1 bar"
        raise InvalidRequest(f"there is no bar {asked[-1][1]}: the given piece {has}")
    stretch = stretch_around(given, asked[0][0] - 1, asked[-1][1] - 1)
    return stretch, [(first - 1 - stretch.first, last - stretch.first) for first, last in asked]


def _chosen(request: SongRequest, given: Given) -> list[int]:
    """Indices of the tracks that may be composed anew."""
    if request.infill is None or request.infill.tracks == "all":
        return [index for index, track in enumerate(given.tracks) if track.notes]
    return named_tracks(given, request.infill.tracks)


def _holes(request: SongRequest, seed: int, ranges: Sequence[tuple[int, int]], parts: Sequence[int]) -> list[Hole]:
    """All bars of the ranges in the parts; for a variation each bar of each part with the probability asked for."""
    strength = 1.0 if request.variation is None else request.variation
    roll = dice(seed, "variation")
    holes: list[Hole] = []
    for part in parts:
        # A cell's dice do not depend on the strength: a stronger variation changes what a weaker one changed, and more.
        chosen = [bar for first, past in ranges for bar in range(first, past) if roll.random() < strength]
        holes += [Hole(part=part, first_bar=first, bars=past - first) for first, past in _runs(chosen)]
    return holes


def _runs(bars: Iterable[int]) -> list[tuple[int, int]]:
    """Neighbouring bars together: (first, past the last)."""
    runs: list[tuple[int, int]] = []
    for bar in bars:
        if runs and runs[-1][1] == bar:
            runs[-1] = (runs[-1][0], bar + 1)
        else:
            runs.append((bar, bar + 1))
    return runs


def _limited(spec: PartSpec, request: SongRequest) -> PartSpec:
    if request.polyphony is None or spec.is_drum:
        return spec
    alone = spec.monophonic or request.polyphony == 1
    return spec.model_copy(update={"polyphony": request.polyphony, "monophonic": alone})


def _rows(
    tracks: Sequence[GivenTrack], stretch: Stretch, holes: Sequence[Hole]
) -> list[tuple[int, int, int, int, int]]:
    rows = []
    for part, track in enumerate(tracks):
        spans = [(hole.first_bar, hole.first_bar + hole.bars) for hole in holes if hole.part == part]
        rows += rows_of(track, part, stretch, spans)
    return sorted(rows, key=lambda row: (row[1], row[0], row[3]))


def _chords(request: SongRequest, stretch: Stretch, ranges: Sequence[tuple[int, int]]) -> tuple[ChordSpan, ...]:
    """From the first bar that is composed; for a variation of the whole piece and for new tracks from its beginning."""
    if request.chords is None:
        return ()
    with about("chords"):
        return chord_spans(request.chords, stretch.frame, ranges[0][0], ranges[-1][1])


def _tempo(given: Given, stretch: Stretch) -> float:
    tempi = [change.tempo for change in given.score.tempi if change.onset <= stretch.ruler.origin]
    return min(max(round(tempi[-1], 2) if tempi else 120.0, _SLOWEST), _FASTEST)
