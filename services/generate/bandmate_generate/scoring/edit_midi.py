"""Write a take over a given piece into its MIDI file: only the holes are filled anew, or tracks added."""

from bisect import bisect_left
from collections.abc import Sequence

from bandmate_music.midi.chord_texts import replace_chord_texts
from bandmate_music.midi.edit import GivenTrack, Replacement, Span, add_tracks, replace_notes
from bandmate_music.note_rows import NoteRow, PartNote
from bandmate_music.score import ChordMark, Lyric, Notes, Part
from bandmate_shared.contracts.composition import ComposedTake

from bandmate_generate.planning.singing import Singing
from bandmate_generate.planning.song_plan import EditPlan
from bandmate_generate.scoring.check import BadComposition, added_rows, check_take
from bandmate_generate.scoring.score import with_accents

_MIN_NOTES = 4
"""A track needs as many notes for its loudness to be imitated."""
_MAX_VELOCITY_SHIFT = 24


def edited_midi(plan: EditPlan, take: ComposedTake) -> bytes:
    """The given file with the take's notes in the holes.

    Raises:
        BadComposition: the take breaks the frame, or a given note is not in it.
        InvalidRequest: MIDI cannot hold the result (no channel is left, a silence is too long).
    """
    check_take(plan, take)
    rows = sorted(added_rows(plan, take))
    replacements, added = [], []
    for part, (spec, index) in enumerate(zip(plan.specs, plan.tracks, strict=True)):
        part_rows = with_accents([row for row in rows if row.part == part], plan.frame, spec.role == "melody")
        holes = file_holes(plan, part)
        if index is None:
            notes = Notes.from_rows([_in_file(row, plan) for row in part_rows])
            added.append(Part(spec.name, spec.program, notes, spec.is_drum))
        elif holes:
            track = plan.given.tracks[index]
            loud_rows = _as_loud_as(track, part_rows)
            if plan.singing is not None and plan.singing.track == index:
                new_notes, lyrics = _sung_notes(loud_rows, plan.singing, holes)
            else:
                new_notes, lyrics = tuple(_in_file(row, plan, holes) for row in loud_rows), ()
            replacements.append(Replacement(track.chunk, track.channel, tuple(holes), new_notes, lyrics))
    data = replace_notes(plan.given.data, replacements) if replacements else plan.given.data
    if spans := chord_spans_replaced(plan):
        data = replace_chord_texts(data, spans, _chord_marks(plan, spans), plan.given.bars[-1].end)
    return add_tracks(data, added) if added else data


def _sung_notes(
    rows: Sequence[NoteRow], singing: Singing, holes: Sequence[Span]
) -> tuple[tuple[PartNote, ...], tuple[Lyric, ...]]:
    """The singer's new notes at the exact places of their words, and the words. Raises BadComposition."""
    by_onset = {row.onset: row for row in rows}
    if by_onset.keys() != {note.onset for note in singing.new}:
        raise BadComposition("the model changed the rhythm of the words")
    notes = []
    for new in singing.new:
        row = by_onset[new.onset]
        stop = next((end for start, end in holes if start <= new.tick < end), new.tick + new.ticks)
        notes.append(PartNote(new.tick, min(new.ticks, stop - new.tick), row.pitch, row.velocity))
    return tuple(notes), tuple(new.lyric for new in singing.new if new.lyric is not None)


def chord_spans_replaced(plan: EditPlan) -> list[tuple[int, int]]:
    """Where chord symbols of the file give way to those asked for, in its ticks: in the bars composed anew.

    Empty where no chords are asked for, the file has none, or new tracks alone are composed.
    """
    if not plan.chords or not plan.given.score.chords:
        return []
    bars = {
        bar
        for hole in plan.holes
        if plan.tracks[hole.part] is not None
        for bar in range(hole.first_bar, hole.first_bar + hole.bars)
    }
    spans: list[tuple[int, int]] = []
    for bar in (plan.stretch.tick_map.file[index] for index in sorted(bars)):
        if spans and spans[-1][1] == bar.onset:
            spans[-1] = spans[-1][0], bar.end
        else:
            spans.append((bar.onset, bar.end))
    return spans


def _chord_marks(plan: EditPlan, spans: Sequence[Span]) -> list[ChordMark]:
    """The chords asked for, each named where it begins and at the start of a span."""
    starts = {start for start, _ in spans}
    marks: list[ChordMark] = []
    before = ""
    for chord in plan.chords:
        onset = plan.stretch.tick_map.file_tick(chord.onset)
        if chord.symbol != before or onset in starts:
            marks.append(ChordMark(onset, chord.symbol))
        before = chord.symbol
    return marks


def file_holes(plan: EditPlan, part: int) -> list[tuple[int, int]]:
    """A part's holes as (first tick, tick behind the last) of the file.

    A bar begins with the first of the track's notes that are played just before its line.
    """
    index = plan.tracks[part]
    onsets = [] if index is None else [note.onset for note in plan.given.tracks[index].notes]
    spans = []
    for hole in plan.holes:
        if hole.part == part:
            spans.append((_edge(plan, onsets, hole.first_bar), _edge(plan, onsets, hole.first_bar + hole.bars)))
    return sorted(spans)


def _edge(plan: EditPlan, onsets: Sequence[int], bar: int) -> int:
    """Where in the file a bar of the stretch begins in a track with these onsets; its end behind the last bar."""
    tick_map = plan.stretch.tick_map
    line = tick_map.file[bar].onset if bar < len(tick_map.file) else tick_map.end
    first = bisect_left(onsets, line - tick_map.early[bar])
    return min(line, onsets[first]) if first < len(onsets) else line


def _in_file(row: NoteRow, plan: EditPlan, holes: Sequence[tuple[int, int]] = ()) -> PartNote:
    """The note in the file's ticks, within its hole where those are given: before an early note that follows it."""
    tick_map = plan.stretch.tick_map
    start, end = tick_map.file_tick(row.onset), tick_map.file_tick(row.end)
    if begun := [hole for hole in holes if hole[0] <= start]:
        first, stop = begun[-1]
        start, end = min(start, max(first, stop - 2)), min(end, stop)
    return PartNote(start, max(1, end - start), row.pitch, row.velocity)


def _as_loud_as(track: GivenTrack, rows: Sequence[NoteRow]) -> list[NoteRow]:
    """The rows with the mean velocity of the track's own notes."""
    if not rows or len(track.notes) < _MIN_NOTES:
        return list(rows)
    own_level = sum(note[3] for note in track.notes) / len(track.notes)
    shift = round(own_level - sum(row.velocity for row in rows) / len(rows))
    shift = min(max(shift, -_MAX_VELOCITY_SHIFT), _MAX_VELOCITY_SHIFT)
    return [row._replace(velocity=min(max(row.velocity + shift, 1), 127)) for row in rows]
