"""Resolve a SongRequest about a given piece (infill, added tracks, a variation) into an EditPlan.

Unset options come from the style and the seed, as for a new song. The model gets a stretch of the piece with holes.
"""

from collections.abc import Iterable, Sequence

from bandmate_music.midi.edit import GivenTrack, check_free_channels
from bandmate_music.note_rows import NoteRow, sorted_rows
from bandmate_shared.contracts.composition import ChordSpan, Hole, PartSpec
from bandmate_shared.contracts.songs import SongRequest, SongWords
from bandmate_shared.contracts.wishes import MAX_SONG_SECONDS, merged_ranges
from bandmate_shared.errors import InvalidRequest, about
from bandmate_shared.settings import SharedSettings

from bandmate_generate.harmony.chord_spans import chord_spans
from bandmate_generate.planning.lineup import parts_for
from bandmate_generate.planning.piece_sections import bars_of_sections, piece_sections
from bandmate_generate.planning.singing import Singing, singing_of, with_new_notes
from bandmate_generate.planning.song_plan import EditPlan, key_for, sampling_of
from bandmate_generate.planning.source_piece import (
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
from bandmate_generate.planning.styles import Style, StylePart
from bandmate_generate.seeds import random_generator

_MIN_TEMPO, _MAX_TEMPO = 20.0, 300.0
_LEVELS = {"melody": 0.0, "harmony": -3.0, "bass": -4.0, "drums": -4.0}


def plan_edit(
    request: SongRequest, seed: int, style: Style, settings: SharedSettings, words: SongWords | None = None
) -> EditPlan:
    """The plan of a request that works on a given piece, in which `words` are sung.

    Raises:
        UnreadableFile, LimitExceeded: the piece is at fault.
        InvalidRequest: bars or tracks that it does not have, or more than a model can hold.
    """
    assert request.prompt is not None, "the contract asks for it"
    with about("prompt"):
        given = read_given(request.prompt, settings, strict=bool(request.strict))
        if given.score.seconds > MAX_SONG_SECONDS:
            raise InvalidRequest(
                f"the given piece lasts {given.score.seconds:.0f} s; one of up to {MAX_SONG_SECONDS:.0f} s can be "
                "worked on"
            )
    with about("prompt" if request.infill is None else "infill.bars"):
        stretch, ranges = _region(request, given)
    if request.add is not None:
        max_tracks = 16 - len(request.add)
        shown = tracks_shown(given, stretch, [], max_tracks)
        composed: list[int] = []
    else:
        with about("infill.tracks"):
            composed = _tracks_to_compose(request, given)
            shown = tracks_shown(given, stretch, composed)
    tracks = [given.tracks[index] for index in shown]
    with about("lyrics"):
        singing = _singing(request, given, words)
    singer = shown.index(singing.track) if singing is not None and singing.track in shown else None
    specs = [_with_polyphony(spec, request) for spec in specs_of(tracks)]
    if singer is not None:
        specs = [_sung(spec) if part == singer else _unsung(spec) for part, spec in enumerate(specs)]
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
            check_free_channels(given.data, sum(not part.is_drum for part in new))
        holes = [Hole(part=len(parts) + number, first_bar=0, bars=stretch.bars) for number in range(len(new))]
        parts += new
        specs += [part.spec(sung=False) for part in new]
    if singing is not None:
        sung_ranges = [(hole.first_bar, hole.first_bar + hole.bars) for hole in holes if hole.part == singer]
        with about("lyrics"):
            singing = with_new_notes(singing, request, stretch, sung_ranges, _tempo(given, stretch), style.feel)
    key, _ = key_for(request.model_copy(update={"key": None}), style, given.score, seed)
    if request.key is not None:
        key, _ = key_for(request, style, None, seed)
    return EditPlan(
        seed=seed,
        style=style,
        title=given.score.title or "Given piece",
        key=key,
        key_wish=request.key is not None,
        metre=stretch.metre,
        tempo=_tempo(given, stretch),
        frame=stretch.frame,
        parts=tuple(parts),
        specs=tuple(specs),
        prompt=tuple(_rows(tracks, stretch, holes)),
        holes=tuple(holes),
        chords=_chords(request, stretch, ranges),
        density=request.density,
        sampling=sampling_of(request, style),
        given=given,
        stretch=stretch,
        tracks=(*shown, *(None for _ in request.add or ())),
        rhythm=() if singing is None else singing.rhythm,
        singing=singing,
        choices=tuple(notice.text for notice in given.score.notices),
    )


def _singing(request: SongRequest, given: Given, words: SongWords | None) -> Singing | None:
    """Who sings the given piece. Raises InvalidRequest for words where nobody does."""
    singing = singing_of(request, given, words)
    if singing is None and request.lyrics is not None:
        raise InvalidRequest("nobody sings in the given piece, so its bars take no words; name a sung song as song:ID")
    return singing


def _sung(spec: PartSpec) -> PartSpec:
    return spec.model_copy(update={"role": "melody", "is_voice": True, "monophonic": True})


def _unsung(spec: PartSpec) -> PartSpec:
    """The singer has the melody."""
    return spec.model_copy(update={"role": "harmony"}) if spec.role == "melody" else spec


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
    bar_ranges = _bars_asked(request, given)
    if bar_ranges is None:
        stretch = whole_piece(given)
        return stretch, [(0, stretch.bars)]
    if bar_ranges[-1][1] > len(given.bars):
        count = len(given.bars)
        has = f"has {count} bars, so name some of 1 to {count}" if count > 1 else "has 1 bar"
        raise InvalidRequest(f"there is no bar {bar_ranges[-1][1]}: the given piece {has}")
    stretch = stretch_around(given, bar_ranges[0][0] - 1, bar_ranges[-1][1] - 1)
    return stretch, [(first - 1 - stretch.first, last - stretch.first) for first, last in bar_ranges]


def _bars_asked(request: SongRequest, given: Given) -> list[tuple[int, int]] | None:
    """First and last bar, counted from 1, of each stretch that is asked for; None: all bars."""
    if request.infill is None or request.infill.ranges is None:
        return None
    sections = piece_sections(given.score.sections, given.bars)
    return merged_ranges(request.infill.ranges + bars_of_sections(request.infill.sections, sections))


def _tracks_to_compose(request: SongRequest, given: Given) -> list[int]:
    """Indices of the tracks that may be composed anew."""
    if request.infill is None or request.infill.tracks == "all":
        return [index for index, track in enumerate(given.tracks) if track.notes]
    return named_tracks(given, request.infill.tracks)


def _holes(request: SongRequest, seed: int, ranges: Sequence[tuple[int, int]], parts: Sequence[int]) -> list[Hole]:
    """All bars of the ranges in the parts; for a variation each bar of each part with the probability asked for."""
    strength = 1.0 if request.variation is None else request.variation
    rng = random_generator(seed, "variation")
    holes: list[Hole] = []
    for part in parts:
        # A cell's random number is independent of the strength: a stronger variation changes a superset of the cells.
        chosen = [bar for first, past in ranges for bar in range(first, past) if rng.random() < strength]
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


def _with_polyphony(spec: PartSpec, request: SongRequest) -> PartSpec:
    if request.polyphony is None or spec.is_drum:
        return spec
    alone = spec.monophonic or request.polyphony == 1
    return spec.model_copy(update={"polyphony": request.polyphony, "monophonic": alone})


def _rows(tracks: Sequence[GivenTrack], stretch: Stretch, holes: Sequence[Hole]) -> list[NoteRow]:
    rows: list[NoteRow] = []
    for part, track in enumerate(tracks):
        spans = [(hole.first_bar, hole.first_bar + hole.bars) for hole in holes if hole.part == part]
        rows += rows_of(track, part, stretch, spans)
    return sorted_rows(rows)


def _chords(request: SongRequest, stretch: Stretch, ranges: Sequence[tuple[int, int]]) -> tuple[ChordSpan, ...]:
    """From the first bar that is composed; for a variation of the whole piece and for new tracks from its beginning."""
    if request.chords is None:
        return ()
    with about("chords"):
        return chord_spans(request.chords, stretch.frame, ranges[0][0], ranges[-1][1])


def _tempo(given: Given, stretch: Stretch) -> float:
    tempi = [change.tempo for change in given.score.tempi if change.onset <= stretch.tick_map.origin]
    return min(max(round(tempi[-1], 2) if tempi else 120.0, _MIN_TEMPO), _MAX_TEMPO)
