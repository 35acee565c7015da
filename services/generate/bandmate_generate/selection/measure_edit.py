"""What only work on a given piece is measured by: that its frame and everything outside the holes stayed."""

from collections.abc import Sequence

from bandmate_music.analysis.key_finder import estimate_key
from bandmate_music.general_midi import instrument_name
from bandmate_music.midi.edit import GivenTrack, given_tracks
from bandmate_music.midi.events import split_chunks
from bandmate_music.note_rows import NoteRow, sorted_rows
from bandmate_music.score import Score
from bandmate_music.theory.bars import metres_in_words
from bandmate_shared.contracts.songs import Measured, SongRequest
from bandmate_shared.contracts.wishes import merged_ranges

from bandmate_generate.planning.song_plan import EditPlan
from bandmate_generate.planning.source_piece import played_bars
from bandmate_generate.scoring.edit_midi import file_holes
from bandmate_generate.scoring.song_file import with_initial_metre
from bandmate_generate.selection.verify_edit import compare_outside_holes


def tracks_of(plan: EditPlan, midi: bytes) -> list[GivenTrack | None]:
    """For each part of the plan its track in the file; None where it holds no notes."""
    now = {(track.chunk, track.channel): track for track in given_tracks(midi)}
    tracks = []
    new_chunk = len(split_chunks(plan.given.data).tracks)
    for index in plan.tracks:
        if index is not None:
            source_track = plan.given.tracks[index]
            tracks.append(now.get((source_track.chunk, source_track.channel)))
        else:
            tracks.append(next((track for (chunk, _), track in now.items() if chunk == new_chunk), None))
            new_chunk += 1
    return tracks


def composed_rows(plan: EditPlan, tracks: Sequence[GivenTrack | None]) -> list[NoteRow]:
    """The notes that begin in the holes, on the plan's grid."""
    grid_tick = plan.stretch.tick_map.grid_tick
    rows = []
    for part, track in enumerate(tracks):
        holes = file_holes(plan, part)
        for onset, duration, pitch, velocity in track.notes if track else ():
            if any(start <= onset < end for start, end in holes):
                begin = grid_tick(onset)
                rows.append(NoteRow(part, begin, max(1, grid_tick(onset + duration) - begin), pitch, velocity))
    return sorted_rows(rows)


def sounding_rows(plan: EditPlan, tracks: Sequence[GivenTrack | None]) -> list[NoteRow]:
    """The notes that sound in the holes, those held into them included."""
    tick_map = plan.stretch.tick_map
    rows = []
    for part, track in enumerate(tracks):
        holes = file_holes(plan, part)
        for onset, duration, pitch, velocity in track.notes if track else ():
            if onset >= tick_map.origin and any(onset < end and start < onset + duration for start, end in holes):
                begin, stop = tick_map.grid_tick(onset), tick_map.grid_tick(tick_map.ending(onset, onset + duration))
                rows.append(NoteRow(part, begin, max(1, stop - begin), pitch, velocity))
    return rows


def frame_properties(request: SongRequest, plan: EditPlan, score: Score) -> dict[str, Measured]:
    """Style, key, tempo, metre and bars. All but the key have to be the given piece's."""
    key = estimate_key(score)
    source_score = plan.given.score
    tempo = score.tempi[0].tempo if score.tempi else 120.0
    bars = played_bars(score)
    same_metres = with_initial_metre(score).metres == with_initial_metre(source_score).metres
    return {
        "style": Measured(requested=request.style, measured=plan.style.name),
        "key": Measured(
            requested=request.key,
            measured=key.name if key else None,
            met=request.key is None or key in (None, plan.key),
        ),
        "tempo": Measured(measured=round(tempo, 2), met=score.tempi == source_score.tempi, hard=True),
        "metre": Measured(measured=metres_in_words(bars), met=same_metres, hard=True),
        "bars": Measured(measured=len(bars), met=_same_length(plan, len(bars)), hard=True),
    }


def _same_length(plan: EditPlan, bars: int) -> bool:
    """A piece whose last bars are composed anew may end in any of these: they may end with rests."""
    before = len(plan.given.bars)
    first = min((hole.first_bar for hole in plan.holes), default=plan.stretch.bars)
    return bars == before or (plan.stretch.first + first < bars < before)


def instruments(plan: EditPlan, tracks: Sequence[GivenTrack | None], midi: bytes) -> Measured:
    """The instruments of added tracks against those asked for; without any, of all tracks against the given ones."""
    parts = list(zip(plan.specs, plan.tracks, tracks, strict=True))
    if any(index is None for index in plan.tracks):
        added = [(spec, track) for spec, index, track in parts if index is None]
        requested = {spec.name: instrument_name(spec.program, spec.is_drum) for spec, _ in added}
        measured = {spec.name: instrument_name(track.program, track.is_drum) for spec, track in added if track}
        return Measured(requested=requested, measured=measured, met=measured == requested, hard=True)
    measured = {track.name: instrument_name(track.program, track.is_drum) for track in given_tracks(midi)}
    is_unchanged = all(
        track is None or (track.program, track.is_drum) == (spec.program, spec.is_drum) for spec, _, track in parts
    )
    return Measured(measured=measured, met=is_unchanged, hard=True)


def own_properties(request: SongRequest, plan: EditPlan, midi: bytes, rows: Sequence[NoteRow]) -> dict[str, Measured]:
    """What stayed as it was, and what was put in."""
    comparison = compare_outside_holes(plan, midi)
    counts = {
        spec.name: sum(row.part == part for row in rows)
        for part, spec in enumerate(plan.specs)
        if any(hole.part == part for hole in plan.holes)
    }
    properties = {
        "untouched": Measured(
            requested="everything but the composed bars",
            measured="unchanged" if comparison.unchanged else "changed",
            met=comparison.unchanged,
            hard=True,
            how=comparison.description,
        )
    }
    if request.infill is not None:
        measured: dict[str, object] = {"notes": counts}
        if request.infill.sections:
            measured["bars"] = _bars_composed(plan)
        properties["infill"] = Measured(
            requested=request.infill.model_dump(mode="json"), measured=measured, met=all(counts.values())
        )
    if request.add is not None:
        requested = [wish.model_dump(mode="json", exclude_none=True) for wish in request.add]
        properties["add"] = Measured(
            requested=requested, measured={"notes": counts}, met=all(counts.values()), hard=True
        )
    if request.variation is not None:
        cells = sum(hole.bars for hole in plan.holes)
        properties["variation"] = Measured(
            requested=request.variation,
            measured={"bars": cells, "notes": counts},
            how="bars composed anew, over all tracks",
        )
    return properties


def _bars_composed(plan: EditPlan) -> str:
    """The bars of the holes, counted from 1: '9-16, 25-32'."""
    before = plan.stretch.first
    ranges = [(before + hole.first_bar + 1, before + hole.first_bar + hole.bars) for hole in plan.holes]
    merged = merged_ranges(ranges)
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in merged)
