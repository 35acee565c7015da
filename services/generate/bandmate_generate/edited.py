"""A take over a given piece becomes a file: the given one, with only the holes filled anew or tracks added."""

from collections.abc import Sequence

from bandmate_shared.contracts.composition import ComposedTake
from bandmate_shared.music.midi_edit import GivenTrack, Replacement, add_tracks, replace_notes
from bandmate_shared.music.score import Notes, Part

from bandmate_generate.plan import Edit, SongPlan
from bandmate_generate.prompt import Row
from bandmate_generate.score import check_take, composed_rows, played

_LEAST_NOTES = 4
_MOST_SHIFT = 24


def edited_midi(plan: SongPlan, take: ComposedTake) -> bytes:
    """The given file with what the take has in the holes.

    Raises:
        BadComposition: the take breaks the frame, or a given note is not in it.
        InvalidRequest: MIDI cannot hold the result (no channel is left, a silence is too long).
    """
    assert plan.edit is not None, "only called for plans over a given piece"
    check_take(plan, take)
    edit = plan.edit
    rows = composed_rows(plan, take)
    replacements, added = [], []
    for part, (spec, index) in enumerate(zip(plan.specs, edit.tracks, strict=True)):
        own = played(sorted(row for row in rows if row[0] == part), plan.frame, spec.role == "melody")
        holes = holes_of(plan, part)
        if index is None:
            notes = Notes.from_rows([_in_file(row, edit) for row in own])
            added.append(Part(spec.name, spec.program, notes, spec.is_drum))
        elif holes:
            track = edit.given.tracks[index]
            notes_in = [_in_file(row, edit) for row in _as_loud(own, track)]
            replacements.append(Replacement(track.chunk, track.channel, tuple(holes), tuple(notes_in)))
    data = replace_notes(edit.given.data, replacements) if replacements else edit.given.data
    return add_tracks(data, added) if added else data


def holes_of(plan: SongPlan, part: int) -> list[tuple[int, int]]:
    """A part's holes in the file's ticks."""
    assert plan.edit is not None, "only called for plans over a given piece"
    stretch = plan.edit.stretch
    spans = []
    for hole in plan.holes or ():
        if hole.part == part:
            bars = stretch.ruler.file[hole.first_bar : hole.first_bar + hole.bars]
            spans.append((bars[0].onset, bars[-1].end))
    return sorted(spans)


def _in_file(row: Row, edit: Edit) -> tuple[int, int, int, int]:
    """Onset, duration (the file's ticks), pitch, velocity."""
    _, onset, duration, pitch, velocity = row
    ruler = edit.stretch.ruler
    start = ruler.file_tick(onset)
    return start, max(1, ruler.file_tick(onset + duration) - start), pitch, velocity


def _as_loud(rows: Sequence[Row], track: GivenTrack) -> list[Row]:
    """The rows as loud on average as the track's own notes are."""
    if not rows or len(track.notes) < _LEAST_NOTES:
        return list(rows)
    own = sum(note[3] for note in track.notes) / len(track.notes)
    shift = round(own - sum(row[4] for row in rows) / len(rows))
    shift = min(max(shift, -_MOST_SHIFT), _MOST_SHIFT)
    return [(*row[:4], min(max(row[4] + shift, 1), 127)) for row in rows]
