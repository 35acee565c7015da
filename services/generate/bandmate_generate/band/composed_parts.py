"""Make the model's parts playable beside a tune: below it, without bursts of notes, with a bass in every bar.

A small model knows the notes of a chord better than what a hand can do. What is changed here is what a player would
change at sight; a part that the request asked for in detail is left alone.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Sequence

from bandmate_music.note_rows import NoteRow, sorted_rows
from bandmate_music.theory.bars import Bars
from bandmate_shared.contracts.composition import ChordSpan, PartSpec

from bandmate_generate.lead.chords import ChordTrack
from bandmate_generate.lead.notes import LeadNote

MIN_TICKS_BETWEEN_ONSETS = 6
"""A sixteenth: chords that follow sooner are bursts."""
MAX_CHORD_NOTES = 5
_BASS_BELOW = 53
"""A note under F3 counts as a bass."""
_ADDED_VELOCITY = 64


def playable(
    rows: Sequence[NoteRow],
    *,
    specs: Sequence[PartSpec],
    changeable: Collection[int],
    frame: Bars,
    chords: Sequence[ChordSpan],
    lead: Sequence[LeadNote],
) -> list[NoteRow]:
    """The rows with the parts of `changeable` made playable. Ranges and polyphony hold afterwards as before."""
    has_bass = any(spec.role == "bass" for spec in specs)
    changed = [row for row in rows if row.part not in changeable]
    for part in sorted(changeable):
        spec = specs[part]
        own = [row for row in rows if row.part == part]
        if spec.plays_drums:
            changed += own
            continue
        own = _thinned(own, spec)
        if spec.role == "harmony":
            own = _below_tune(own, spec, lead)
        if spec.role == "bass" or (spec.role == "harmony" and not has_bass):
            own = _with_bass(own, part, spec, frame, chords)
            has_bass = True
        changed += own
    return sorted_rows(changed)


def _thinned(rows: Sequence[NoteRow], spec: PartSpec) -> list[NoteRow]:
    """Without chords that follow the one before within less than a sixteenth, and without too many notes at once."""
    by_onset: dict[int, list[NoteRow]] = defaultdict(list)
    for row in rows:
        by_onset[row.onset].append(row)
    thinned: list[NoteRow] = []
    last_onset = -MIN_TICKS_BETWEEN_ONSETS
    most = min(MAX_CHORD_NOTES, spec.polyphony or MAX_CHORD_NOTES)
    for onset in sorted(by_onset):
        if onset - last_onset < MIN_TICKS_BETWEEN_ONSETS:
            continue
        last_onset = onset
        chord = sorted(by_onset[onset], key=lambda row: row.pitch)
        while len(chord) > most:
            # The outer notes are heard most; of the inner ones the lowest makes a chord muddy.
            del chord[1]
        thinned += chord
    return thinned


def _below_tune(rows: Sequence[NoteRow], spec: PartSpec, lead: Sequence[LeadNote]) -> list[NoteRow]:
    """Notes that begin above the tune sound an octave lower where the range has room and the pitch is free, else not
    at all where other notes of their chord remain."""
    onsets = [note.onset for note in lead]
    lowered: list[NoteRow] = []
    ends: dict[int, int] = {}
    for onset, chord in _chords_of(rows):
        index = bisect_right(onsets, onset) - 1
        tune = lead[index] if index >= 0 and lead[index].end > onset else None
        sounding: list[NoteRow] = []
        for row in chord:
            pitch = row.pitch
            while tune is not None and pitch > tune.pitch and pitch - 12 >= spec.low:
                pitch -= 12
            is_above = tune is not None and pitch > tune.pitch
            is_free = ends.get(pitch, 0) <= onset and all(pitch != other.pitch for other in sounding)
            if (is_above and sounding) or not is_free:
                continue
            sounding.append(row._replace(pitch=pitch))
        for row in sounding:
            ends[row.pitch] = row.end
        lowered += sounding
    return lowered


def _chords_of(rows: Sequence[NoteRow]) -> list[tuple[int, list[NoteRow]]]:
    """Onset and the notes that begin there, from the lowest up."""
    by_onset: dict[int, list[NoteRow]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row.onset, row.pitch)):
        by_onset[row.onset].append(row)
    return sorted(by_onset.items())


def _with_bass(
    rows: Sequence[NoteRow], part: int, spec: PartSpec, frame: Bars, chords: Sequence[ChordSpan]
) -> list[NoteRow]:
    """With the chord's bass at the beginning of bars that have no low note there and none that is held."""
    completed = list(rows)
    most = 1 if spec.monophonic or spec.is_voice else spec.polyphony
    lowest = min(_BASS_BELOW, spec.high)
    track = ChordTrack(chords)
    for bar in frame.bars:
        chord = track.at(bar.onset)
        if chord is None:
            continue
        heard = [row for row in completed if row.onset <= bar.onset < row.end]
        pitch = _bass_pitch(chord, spec, lowest)
        if pitch is None or any(row.pitch < _BASS_BELOW for row in heard) or (most and len(heard) >= most):
            continue
        following = min((row.onset for row in completed if row.onset > bar.onset), default=bar.end)
        clash = min((row.onset for row in completed if row.pitch == pitch and row.onset > bar.onset), default=bar.end)
        end = min(bar.end, clash, following if most == 1 else bar.end)
        completed.append(NoteRow(part, bar.onset, end - bar.onset, pitch, _ADDED_VELOCITY))
    return _within_polyphony(completed, most)


def _bass_pitch(chord: ChordSpan, spec: PartSpec, lowest: int) -> int | None:
    """The chord's bass in the part's range, about an octave and a half below middle C."""
    bass = chord.root if chord.bass is None else chord.bass
    pitches = [pitch for pitch in range(spec.low, lowest + 1) if pitch % 12 == bass]
    return min(pitches, key=lambda pitch: (abs(pitch - 43), pitch)) if pitches else None


def _within_polyphony(rows: Sequence[NoteRow], most: int | None) -> list[NoteRow]:
    """No more than so many notes at once: the later of those that are too many are left out."""
    if most is None:
        return list(rows)
    kept: list[NoteRow] = []
    for row in sorted(rows, key=lambda row: (row.onset, row.pitch)):
        if sum(other.end > row.onset for other in kept) < most:
            kept.append(row)
    return kept
