"""How loud each note is: accents, phrases, the drums' habits, and the energy of the section."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from bandmate_music.score import TICKS_PER_QUARTER
from bandmate_music.theory.bars import Bars
from bandmate_music.theory.metrical_grid import QUARTER, strength
from bandmate_shared.contracts.composition import PartSpec

from bandmate_generate.form.song_form import SongForm, SongSection
from bandmate_generate.performance.drum_statistics import DrumFamily, drum_of, place_of
from bandmate_generate.performance.played_note import SCALE, PlayedNote, bell
from bandmate_generate.seeds import random_generator

_MEAN = 76.0
_WRITTEN = 0.6
"""How much of the differences in the written velocities remains."""
_ROLE_LEVEL = {"melody": 5.0, "bass": 1.0, "harmony": -4.0}
_ACCENT = {"melody": 7.0, "bass": 8.0, "harmony": 11.0}
_DRUM_LEVEL = {"kick": 5.0, "snare": 4.0, "hat": -10.0, "open hat": -4.0, "ride": -7.0, "crash": 9.0, "tom": 4.0}
_DRUM_HABIT, _DRUM_SPREAD = 0.6, 0.3
_ARC, _HEIGHT, _LONG = 9.0, 8.0, 5.0
_PHRASE_BARS = 4
_UNEVEN = 2.0
_VELOCITIES_PER_ENERGY = 46.0
_CONTRAST = 14.0
"""Velocities between verse and chorus, where the form has more energy in the chorus."""
_STEEPEST = 110.0
_SECTION_BOUNDS = (44.0, 98.0)
_CRESCENDO = 0.7


def shape_part(notes: Sequence[PlayedNote], spec: PartSpec, frame: Bars, seed: int) -> None:
    """Velocities of one pitched part: strong beats, phrases that rise and fall; a melody's high and long notes too."""
    if not notes:
        return
    random = random_generator(seed, "velocities")
    is_melody = spec.role == "melody"
    written = sum(note.row.velocity for note in notes) / len(notes)
    lowest, highest = min(note.row.pitch for note in notes), max(note.row.pitch for note in notes)
    ordered = sorted(notes, key=lambda note: (note.row.onset, note.row.pitch))
    arcs = _phrase_arcs(ordered) if is_melody else _bar_arcs(ordered, frame)
    for note, arc in zip(ordered, arcs, strict=True):
        bar = frame[frame.at(note.row.onset)]
        velocity = _MEAN + _ROLE_LEVEL.get(spec.role, 0.0) + _WRITTEN * (note.row.velocity - written)
        velocity += _ACCENT.get(spec.role, 8.0) * (strength(note.row.onset - bar.onset, bar.metre) - 0.4)
        velocity += _ARC * (1.0 if is_melody else 0.5) * (arc - 0.6)
        if is_melody:
            velocity += _HEIGHT * ((note.row.pitch - lowest) / max(1, highest - lowest) - 0.5)
            velocity += _LONG * (min(1.0, note.row.duration / (2.0 * QUARTER)) - 0.3)
        note.velocity = velocity + _UNEVEN * bell(random)


def shape_drums(notes: Sequence[PlayedNote], frame: Bars, family: DrumFamily, seed: int) -> None:
    """Velocities of the drums: as written, with the accents of the family's recordings by drum and place in the bar."""
    if not notes:
        return
    random = random_generator(seed, "drum velocities")
    written = sum(note.row.velocity for note in notes) / len(notes)
    is_even = len({note.row.velocity for note in notes}) == 1
    for note in sorted(notes, key=lambda note: note.row[1:4]):
        habits = family.habits(note.row.pitch)
        bar = frame[frame.at(note.row.onset)]
        place = place_of(max(0, note.place - bar.onset * SCALE), TICKS_PER_QUARTER)
        usual = sum(habits.places_velocity) / len(habits.places_velocity)
        velocity = _MEAN + _WRITTEN * (note.row.velocity - written)
        if is_even:
            velocity += _DRUM_LEVEL[drum_of(note.row.pitch)]
        velocity += max(-14.0, min(14.0, _DRUM_HABIT * (habits.places_velocity[place] - usual)))
        note.velocity = velocity + _DRUM_SPREAD * habits.spread_velocity * bell(random)


def shape_sections(notes: Sequence[PlayedNote], frame: Bars, form: SongForm) -> None:
    """Bring each section to the loudness of its energy, with a crescendo through the last bar before a chorus."""
    targets = _section_targets(form.sections)
    by_section: list[list[PlayedNote]] = [[] for _ in form.sections]
    numbers = {section.first_bar: number for number, section in enumerate(form.sections)}
    for note in notes:
        section = form.at(frame.at(note.row.onset))
        by_section[numbers[section.first_bar]].append(note)
    for number, (section, after) in enumerate(pairwise(form.sections)):
        rise = _CRESCENDO * (targets[number + 1] - targets[number])
        if _is_chorus(after) and rise > 0.0:
            start, end = frame.start(section.end_bar - 1), frame.start(section.end_bar)
            for note in by_section[number]:
                if note.row.onset >= start:
                    note.velocity += rise * (note.row.onset - start) / max(1, end - start)
    for group, target in zip(by_section, targets, strict=True):
        for _ in range(2):  # Again for what the bounds of a velocity took.
            if group:
                shift = target - sum(_midi(note.velocity) for note in group) / len(group)
                for note in group:
                    note.velocity += shift


def velocity_of(note: PlayedNote) -> int:
    """The MIDI velocity, 1-127."""
    return round(_midi(note.velocity))


def _midi(velocity: float) -> float:
    return max(1.0, min(127.0, velocity))


def _section_targets(sections: Sequence[SongSection]) -> list[float]:
    """The mean velocity of each section: steep enough that the choruses stand out of the verses."""
    bars = sum(section.bars for section in sections)
    mean = sum(section.energy * section.bars for section in sections) / bars
    steepness = _VELOCITIES_PER_ENERGY
    verse = _mean_energy(section for section in sections if section.name == "verse")
    chorus = _mean_energy(section for section in sections if _is_chorus(section))
    if verse is not None and chorus is not None and chorus > verse:
        steepness = min(_STEEPEST, max(steepness, _CONTRAST / (chorus - verse)))
    low, high = _SECTION_BOUNDS
    return [min(high, max(low, _MEAN + steepness * (section.energy - mean))) for section in sections]


def _mean_energy(sections: Iterable[SongSection]) -> float | None:
    energies = [(section.energy * section.bars, section.bars) for section in sections]
    bars = sum(count for _, count in energies)
    return sum(energy for energy, _ in energies) / bars if bars else None


def _is_chorus(section: SongSection) -> bool:
    return section.name == "chorus"


def _bar_arcs(notes: Sequence[PlayedNote], frame: Bars) -> list[float]:
    """For each note 0-1, over phrases of four bars."""
    arcs = []
    for note in notes:
        first = frame.at(note.row.onset) // _PHRASE_BARS * _PHRASE_BARS
        start, end = frame.start(first), frame.start(first + _PHRASE_BARS)
        arcs.append(_arc((note.row.onset - start) / max(1, end - start)))
    return arcs


def _phrase_arcs(notes: Sequence[PlayedNote]) -> list[float]:
    """For each note 0-1, over phrases: what lies between rests of a quarter or more, at most sixteen quarters."""
    arcs: list[float] = []
    start = 0
    for index, note in enumerate(notes):
        follows = notes[index + 1] if index + 1 < len(notes) else None
        begin = notes[start].row.onset
        if (
            follows is None
            or follows.row.onset - note.row.end >= QUARTER
            or follows.row.onset - begin >= 4 * _PHRASE_BARS * QUARTER
        ):
            length = max(1, note.row.end - begin)
            arcs += [_arc((each.row.onset - begin) / length) for each in notes[start : index + 1]]
            start = index + 1
    return arcs


def _arc(place: float) -> float:
    """0 at the ends of a phrase, 1 at six tenths of it."""
    away = (place - 0.6) / (0.6 if place < 0.6 else 0.4)
    return max(0.0, 1.0 - away * away)
