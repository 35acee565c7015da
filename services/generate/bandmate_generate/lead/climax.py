"""Place the highest note of a song: one note past its middle, above all others."""

from collections import Counter
from collections.abc import Sequence

from bandmate_music.theory.bars import Bars
from bandmate_music.theory.keys import Key
from bandmate_music.theory.metrical_grid import QUARTER

from bandmate_generate.form.song_form import SongForm, SongSection
from bandmate_generate.lead.chords import ChordTrack
from bandmate_generate.lead.notes import LeadNote
from bandmate_generate.lead.pitches import scale_pitches

_EARLIEST, _LATEST, _BEST = 0.44, 0.72, 0.6
_MIN_RANGE, _MAX_RANGE = 11, 15
_MAX_LEAP = 7
_SECTION_COST = {"chorus": 0.0, "bridge": 0.5, "solo": 0.6, "post-chorus": 0.6}


def place_climax(
    notes: Sequence[LeadNote], form: SongForm, frame: Bars, key: Key, chords: ChordTrack, high: int, finest: int
) -> list[LeadNote]:
    """The notes with one of them raised over all others, at most to `high`.

    In a section that returns, a long note goes up half-way, so that its syllable keeps the pitch that it has elsewhere;
    in one that does not, or where nothing else is suited, the note itself is raised. Unchanged where no note is suited.
    """
    if not notes:
        return []
    top, bottom = max(note.pitch for note in notes), min(note.pitch for note in notes)
    options = []
    letters = Counter(section.letter for section in form.sections)
    for index, note in enumerate(notes):
        place = note.onset / frame.end
        if not _EARLIEST <= place <= _LATEST:
            continue
        section = form.at(frame.at(note.onset))
        chord = chords.at(note.onset)
        classes = frozenset(chord.pitch_classes) if chord else frozenset()
        following = notes[index + 1].pitch if index + 1 < len(notes) else note.pitch
        earlier = notes[index - 1].pitch if index else note.pitch
        for peak in scale_pitches(key, top + 1, min(high, top + 4)):
            outside = 0.0 if not classes or peak % 12 in classes else 0.6
            width = 0.5 * max(0, _MIN_RANGE - (peak - bottom)) + 0.7 * max(0, peak - bottom - _MAX_RANGE)
            cost = _SECTION_COST.get(section.name, 1.0) + 4 * abs(place - _BEST) + outside + width + 0.15 * (peak - top)
            cost += 0.4 * (note.syllable is not None and note.syllable.stress < 0.5) + 0.5 * note.is_held
            leap_after = abs(following - peak)
            if not note.is_held and max(leap_after, abs(earlier - peak)) <= _MAX_LEAP:
                change = _cost_of_change(note, section, letters[section.letter])
                options.append((cost + change + 0.1 * (abs(earlier - peak) + leap_after), index, peak, False))
            half = note.duration // 2 // finest * finest
            ends_line = note.syllable is not None and note.syllable.line_end
            if half >= finest and max(leap_after, peak - note.pitch) <= _MAX_LEAP:
                cost += 1.0 * (ends_line and half < QUARTER)
                options.append((cost + 0.15 * (peak - note.pitch + leap_after) + 6.0 / half, index, peak, True))
    if not options:
        return list(notes)
    _, index, peak, divided = min(options)
    return [*notes[:index], *_raised(notes[index], peak, divided, finest), *notes[index + 1 :]]


def _cost_of_change(note: LeadNote, section: SongSection, times: int) -> float:
    """Cost of another pitch than where the section is heard the other times; dear where a chorus is sung."""
    if times == 1:
        return 0.0
    if note.syllable is None:
        return 0.5
    return 4.0 if section.name == "chorus" else 1.5


def _raised(note: LeadNote, peak: int, divided: bool, finest: int) -> list[LeadNote]:
    if not divided:
        return [note._replace(pitch=peak)]
    half = note.duration // 2 // finest * finest
    is_sung = note.syllable is not None or note.is_held
    return [
        note._replace(duration=note.duration - half),
        LeadNote(note.onset + note.duration - half, half, peak, None, is_sung),
    ]
