"""Where players put their notes beside the grid: drums as the recordings do, the bass with the kick, chords spread."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from bandmate_music.score import TICKS_PER_QUARTER
from bandmate_music.theory.bars import Bars
from bandmate_shared.contracts.composition import PartSpec

from bandmate_generate.performance.drum_statistics import DrumFamily, drum_of, place_of
from bandmate_generate.performance.played_note import SCALE, PlayedNote, bell, to_ticks
from bandmate_generate.seeds import random_generator

MAX_OFFSET_MS = 30.0
_SPREAD_MS = {"melody": 8.0, "bass": 5.0, "harmony": 6.0}
_LASTING = 0.5
_BASS_BEHIND_KICK_MS = 2.0
_STRUM_MS, _ROLL_MS, _POWER_CHORD_MS = 9.0, 3.0, 4.0
"""Between two notes of a chord: acoustic and clean guitars, keyboards, distorted guitars."""
_KEYBOARDS, _PLUCKED, _DISTORTED, _HARP = range(8), range(24, 32), (29, 30), 46


def freedom(looseness: float) -> float:
    """The factor on the spread of the recordings: 1 at a looseness of 0.5, which runs from 0 to 1."""
    return 0.6 + 0.8 * min(1.0, max(0.0, looseness))


def move_drums(
    notes: Iterable[PlayedNote], frame: Bars, tempo: float, family: DrumFamily, looseness: float, seed: int
) -> dict[int, float]:
    """Move the drums' notes as drummers of the family do. Returns how late each kick is: grid tick → milliseconds."""
    random = random_generator(seed, "drum timing")
    together, apart = family.shared**0.5, (1.0 - family.shared) ** 0.5
    carried, renewed = family.lasting, (1.0 - family.lasting**2) ** 0.5
    common = bell(random)
    kicks: dict[int, float] = {}
    for onset, struck in groupby(sorted(notes, key=lambda note: note.row[1:4]), key=lambda note: note.row.onset):
        common = carried * common + renewed * bell(random)
        bar = frame[frame.at(onset)]
        for note in struck:
            habits = family.habits(note.row.pitch)
            place = place_of(max(0, note.place - bar.onset * SCALE), TICKS_PER_QUARTER)
            own = together * common + apart * bell(random)
            late = _bounded(habits.places_ms[place] + habits.spread_ms * freedom(looseness) * own)
            note.onset += to_ticks(late, tempo)
            if drum_of(note.row.pitch) == "kick":
                kicks[onset] = late
    return kicks


def move_part(
    notes: Sequence[PlayedNote],
    spec: PartSpec,
    tempo: float,
    looseness: float,
    kicks: Mapping[int, float],
    seed: int,
) -> None:
    """Move one pitched part's notes; those of a bass towards the kick where there is one on the same grid tick."""
    random = random_generator(seed, "part timing")
    spread = _SPREAD_MS.get(spec.role, _SPREAD_MS["harmony"]) * freedom(looseness)
    drift = 0.0
    ordered = sorted(notes, key=lambda note: (note.row.onset, note.row.pitch))
    for onset, group in groupby(ordered, key=lambda note: note.row.onset):
        chord = list(group)
        drift = _LASTING * drift + (1.0 - _LASTING**2) ** 0.5 * bell(random)
        late = spread * drift
        if spec.role == "bass" and onset in kicks:
            late = 0.7 * kicks[onset] + _BASS_BEHIND_KICK_MS + 0.5 * late
        step = _chord_step(spec) * (0.7 + 0.6 * random.random())
        is_upstroke = spec.program in _PLUCKED and onset % 24 != 0
        for index, note in enumerate(reversed(chord) if is_upstroke else chord):
            ticks = to_ticks(_bounded(late + index * (0.6 * step if is_upstroke else step)), tempo)
            note.onset += ticks
            note.end += ticks


def _chord_step(spec: PartSpec) -> float:
    """Milliseconds between two notes of a chord."""
    if spec.program in _DISTORTED:
        return _POWER_CHORD_MS
    if spec.program in _PLUCKED or spec.program == _HARP:
        return _STRUM_MS
    return _ROLL_MS if spec.program in _KEYBOARDS else 0.0


def _bounded(milliseconds: float) -> float:
    return max(-MAX_OFFSET_MS, min(MAX_OFFSET_MS, milliseconds))
