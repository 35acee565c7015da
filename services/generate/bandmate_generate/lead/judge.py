"""Judge a tune as a whole: what a search phrase by phrase cannot see."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from math import log2

from bandmate_music.theory.bars import Bars

from bandmate_generate.form.song_form import SongForm
from bandmate_generate.lead.beats import song_level
from bandmate_generate.lead.chords import ChordTrack
from bandmate_generate.lead.notes import LeadNote

_STRONG_LEVELS = 2
"""So many of STRENGTHS, from the first on, are strong beats."""


def judge_lead(notes: Sequence[LeadNote], form: SongForm, frame: Bars) -> float:
    """How far a tune is from songs with words in what concerns it as a whole; 0 is within their spread everywhere."""
    if len(notes) < 8:
        return 0.0
    pitches = [note.pitch for note in notes]
    intervals = [abs(b - a) for a, b in pairwise(pitches)]
    count = len(intervals)
    faults = 1.5 * _outside(max(pitches) - min(pitches), 11.5, 14.5)
    faults += 8 * _outside(sum(1 <= size <= 2 for size in intervals) / count, 0.48, 0.65)
    faults += 35 * _outside(sum(size > 5 for size in intervals) / count, 0.05, 0.09)
    faults += 8 * _outside(sum(size == 0 for size in intervals) / count, 0.12, 0.25)
    faults += 16 * _outside(_in_chord(notes, form, frame), 0.74, 0.80)
    faults += 5 * _outside(_entropy([b.onset - a.onset for a, b in pairwise(notes)]), 1.75, 2.6)
    faults += _heard_before(notes, form, frame)
    peak = pitches.index(max(pitches))
    faults += 8 * _outside(notes[peak].onset / frame.end, 0.42, 0.73)
    return faults + _chorus_height(notes, form, frame)


def _outside(value: float, low: float, high: float) -> float:
    return max(0.0, low - value, value - high)


def _in_chord(notes: Sequence[LeadNote], form: SongForm, frame: Bars) -> float:
    chords = ChordTrack(form.chords)
    strong = [
        note.pitch % 12 in chord.pitch_classes
        for note in notes
        if song_level(note.onset, frame) < _STRONG_LEVELS and (chord := chords.at(note.onset)) is not None
    ]
    return sum(strong) / len(strong) if strong else 0.74


def _entropy(values: Sequence[int]) -> float:
    counts = Counter(values)
    return -sum(n / len(values) * log2(n / len(values)) for n in counts.values()) if values else 2.0


def _heard_before(notes: Sequence[LeadNote], form: SongForm, frame: Bars) -> float:
    """Bars and bar rhythms heard before in the first sections of their letters."""
    bars: dict[int, list[tuple[int, int]]] = {}
    for note in notes:
        bar = frame.at(note.onset)
        if form.at(bar).repeats == 0:
            bars.setdefault(bar, []).append((note.onset - frame.start(bar), note.pitch))
    tunes, rhythms = Counter(map(tuple, bars.values())), Counter(tuple(t for t, _ in bar) for bar in bars.values())
    total = max(1, len(bars))
    return 6 * _outside(1 - len(tunes) / total, 0, 0.15) + 4 * _outside(1 - len(rhythms) / total, 0, 0.5)


def _chorus_height(notes: Sequence[LeadNote], form: SongForm, frame: Bars) -> float:
    found: dict[str, list[int]] = {"verse": [], "chorus": []}
    for note in notes:
        name = form.at(frame.at(note.onset)).name
        if name in found:
            found[name].append(note.pitch)
    if not found["verse"] or not found["chorus"]:
        return 0.0
    rise = sum(found["chorus"]) / len(found["chorus"]) - sum(found["verse"]) / len(found["verse"])
    return _outside(rise, 2.6, 6.0)
