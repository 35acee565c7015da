"""Hold the last note of each line where there is room, and the last one of the song to the end of its bar."""

from collections.abc import Collection, Sequence

from bandmate_music.theory.bars import Bars
from bandmate_music.theory.metrical_grid import QUARTER

from bandmate_generate.form.song_form import SongForm
from bandmate_generate.lead.chords import ChordTrack
from bandmate_generate.lead.notes import LeadNote

_LAST = 2 * QUARTER
_LAST_SECONDS = 6.0
"""No singer holds the last note for longer."""


def hold_line_ends(
    notes: Sequence[LeadNote],
    ends: Collection[int],
    form: SongForm,
    frame: Bars,
    chords: ChordTrack,
    finest: int,
    seconds_per_tick: float,
) -> list[LeadNote]:
    """The notes, those whose indices are in `ends` a beat long at least, two where a rest follows, within their
    section and with `finest` ticks for the breath; over a beat, none goes on into a chord that lacks it. The last note
    needs no breath: it lasts to the end of its bar, or of a later one until it has two beats."""
    held = list(notes)
    for index in sorted(ends):
        note = held[index]
        section_end = frame.start(form.at(frame.at(note.onset)).end_bar)
        if index + 1 == len(held):
            held[index] = note._replace(duration=_last_duration(note, section_end, frame, seconds_per_tick))
            continue
        gap = held[index + 1].onset - note.onset
        room = min(gap - finest, section_end - note.onset) // finest * finest
        wanted = QUARTER
        if gap > 2 * QUARTER:
            longer = min(2 * QUARTER, gap - QUARTER)
            wanted = longer if _stays_in_chord(note, longer, chords) else wanted
        wanted = wanted // finest * finest
        held[index] = note._replace(duration=max(note.duration, min(wanted, room)))
    return held


def _stays_in_chord(note: LeadNote, duration: int, chords: ChordTrack) -> bool:
    chord = chords.at(note.onset + duration - 1)
    return chord is None or note.pitch % 12 in chord.pitch_classes


def _last_duration(note: LeadNote, section_end: int, frame: Bars, seconds_per_tick: float) -> int:
    bar = frame.at(note.onset)
    while frame.start(bar + 1) - note.onset < _LAST and frame.start(bar + 1) < section_end:
        bar += 1
    longest = max(_LAST, round(_LAST_SECONDS / seconds_per_tick) // QUARTER * QUARTER)
    return max(note.duration, min(frame.start(bar + 1) - note.onset, longest))
