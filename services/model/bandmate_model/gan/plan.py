"""A composition request in the network's terms: slices, tracks, layers, free cells, keys.

A layer is a pass of the generator over a block that composes one part a track. The second melody, the third guitar, and
whatever a style does not know of itself are composed in later layers, to what the earlier ones have: the
track-conditional mode.
"""

from dataclasses import dataclass

import numpy as np
from bandmate_shared.contracts.composition import DENSITY_BOUNDS, CompositionRequest, PartSpec
from bandmate_shared.errors import InvalidRequest

from bandmate_model.composer import NoteRow
from bandmate_model.data import shift_to_c
from bandmate_model.gan.roll import DRUMS, LOWEST, PITCHES, TRACKS, Bool, Slices
from bandmate_model.gan.statistics import FAMILIAR, StyleTracks
from bandmate_model.gan.tracks import assign
from bandmate_model.tokens import GRID_PER_TICK, TICKS_PER_QUARTER, instrument_class

LEVEL_RANGES = (
    (0.12, 0.44), (0.56, 0.94), (1.1, 1.9), (2.2, 3.8), (4.3, 8.0),
)  # fmt: skip
"""Notes a quarter aimed at for each level of DENSITY_BOUNDS: inside it, away from its ends."""
assert len(LEVEL_RANGES) == len(DENSITY_BOUNDS) + 1, "a range for each level"


@dataclass(frozen=True, slots=True)
class PartPlan:
    """One part."""

    spec: PartSpec
    track: int
    layer: int
    style: str
    """Whose way of playing this track is asked for: the request's style, or one that knows the track."""
    shift: int
    """Semitones from the part's own pitch to the track's row: to C, and by octaves into the track's register."""
    low: int
    high: int
    free: Bool
    """(bars,): which bars are composed."""
    mono: bool
    polyphony: int
    """The cap asked for, else what is usual in the style."""
    notes_a_quarter: tuple[float, float]
    """The least and the most, on average over a block."""
    given: tuple[NoteRow, ...]
    rhythm: tuple[tuple[int, int], ...] | None
    """(onset, duration) in grid ticks of the notes to find pitches for."""

    @property
    def is_drum(self) -> bool:
        return self.track == DRUMS


@dataclass(frozen=True, slots=True)
class GanPlan:
    """A request checked and translated, shared by all its seeds."""

    request: CompositionRequest
    slices: Slices
    parts: tuple[PartPlan, ...]
    layers: int
    chords: tuple[frozenset[int], ...]
    """For each slice's steps, flattened: the pitch classes in C of the chord wished for; empty: none."""


def plan(request: CompositionRequest, styles: dict[str, StyleTracks]) -> GanPlan:
    """Check a request against the model's styles and translate it.

    Raises:
        InvalidRequest: the style is unknown; a part has no pitch; a rhythm overlaps itself or runs past the end; a
            given note is no note of the piece or lies where something is to be composed.
    """
    if request.style not in styles:
        raise InvalidRequest(f"this model knows no style {request.style!r}; it knows {', '.join(styles)}")
    if request.bar_changes:
        raise InvalidRequest("this model composes in one metre at a time; ask for bars of one metre, or another model")
    bar = request.numerator * TICKS_PER_QUARTER * 4 // request.denominator
    slices = Slices.of([(bar, request.numerator)] * request.bars)
    specs = request.parts
    names = [
        "drums" if spec.role == "drums" else
        instrument_class(program=spec.program, is_drum=spec.is_drum, is_voice=spec.is_voice)
        for spec in specs
    ]  # fmt: skip
    tracks = assign([spec.role for spec in specs], names, [(spec.low + spec.high) / 2 for spec in specs])
    free = np.array(request.free_bars)
    given = _given(request, free, bar * GRID_PER_TICK)
    layers, own_styles = _layers(request.style, tracks, free, styles)
    base = shift_to_c(request.tonic)
    parts = []
    for index, spec in enumerate(specs):
        track = tracks[index]
        if track != DRUMS and spec.low > spec.high:
            raise InvalidRequest(f"part {spec.name!r} has no pitch between {spec.low} and {spec.high}")
        known = styles[own_styles[index]].tracks[track]
        level = spec.density or request.density
        parts.append(
            PartPlan(
                spec=spec, track=track, layer=layers[index], style=own_styles[index],
                shift=0 if track == DRUMS else _register(base, spec, track, known.pitches),
                low=spec.low, high=spec.high, free=free[index],
                mono=track != DRUMS and (spec.monophonic or spec.is_voice),
                polyphony=1 if spec.monophonic or spec.is_voice else spec.polyphony or known.polyphony,
                notes_a_quarter=LEVEL_RANGES[level - 1] if level else known.notes_a_quarter,
                given=tuple(given[index]), rhythm=_rhythm(request, index, free[index], bar * GRID_PER_TICK),
            )
        )  # fmt: skip
    return GanPlan(request, slices, tuple(parts), max(layers) + 1, _chords(request, slices, base))


def _given(request: CompositionRequest, free: Bool, bar: int) -> list[list[NoteRow]]:
    """The prompt's notes of each part."""
    found: list[list[NoteRow]] = [[] for _ in request.parts]
    end = request.bars * bar
    if request.prompt and request.holes is None and not request.prompt_bars:
        raise InvalidRequest("the prompt has notes but fills no bar; set prompt_bars")
    for row in request.prompt:
        part, onset, duration, pitch, velocity = row
        if not 0 <= part < len(found):
            raise InvalidRequest(f"the prompt names part {part}, which does not exist")
        fits = onset >= 0 and duration >= 1 and onset + duration <= end
        if not fits or not 0 <= pitch <= 127 or not 1 <= velocity <= 127:
            raise InvalidRequest(f"the prompt's note at tick {onset} is no note of this piece")
        if free[part, onset // bar]:
            raise InvalidRequest(
                f"the prompt's note at tick {onset} lies in bar {onset // bar + 1} of {request.parts[part].name!r}, "
                "which is to be composed"
            )
        found[part].append(row)
    return found


def _layers(style: str, tracks: list[int], free: Bool, styles: dict[str, StyleTracks]) -> tuple[list[int], list[str]]:
    """A layer and a style for each part. Parts that are given throughout are in no layer: -1."""
    known = styles[style].tracks
    taken: dict[int, int] = {}
    layers, owners = [], []
    for index, track in enumerate(tracks):
        familiar = known[track].share >= FAMILIAR
        best = max(styles, key=lambda name: (styles[name].tracks[track].share, name))
        owners.append(style if familiar or styles[best].tracks[track].share <= known[track].share else best)
        if not free[index].any():
            layers.append(-1)
            continue
        first = 0 if familiar or all(known[other].share < FAMILIAR for other in tracks) else 1
        layers.append(max(first, taken.get(track, 0)))
        taken[track] = layers[-1] + 1
    used = sorted({layer for layer in layers if layer >= 0})
    return [used.index(layer) if layer >= 0 else -1 for layer in layers], owners


def _register(base: int, spec: PartSpec, track: int, pitches: tuple[int, int, int]) -> int:
    """The shift to C that brings the part's range nearest to where the style has the track."""
    low, middle, high = pitches
    top = LOWEST[track] + PITCHES[track] - 1

    def misfit(shift: int) -> tuple[float, int]:
        lowest, highest = spec.low + shift, spec.high + shift
        outside = max(0, lowest - low) + max(0, high - highest)
        unreachable = max(0, LOWEST[track] - highest) + max(0, lowest - top)
        centre = 0 if lowest <= middle <= highest else min(abs(lowest - middle), abs(highest - middle))
        return (outside + 2.0 * centre + 4.0 * unreachable, abs(shift))

    return min((base + 12 * octave for octave in range(-6, 7)), key=misfit)


def _rhythm(request: CompositionRequest, index: int, free: Bool, bar: int) -> tuple[tuple[int, int], ...] | None:
    """The fixed notes of a part's free bars, in grid ticks."""
    if index not in request.rhythm:
        return None
    before, end = 0, request.bars * bar
    for note in request.rhythm[index]:
        if note.onset < before:
            raise InvalidRequest(f"the rhythm of part {index} overlaps itself at tick {note.onset}")
        before = note.onset + note.duration
        if before > end:
            raise InvalidRequest(f"the rhythm of part {index} runs past the last bar: {before} of {end} ticks")
    return tuple((note.onset, note.duration) for note in request.rhythm[index] if free[note.onset // bar])


def _chords(request: CompositionRequest, slices: Slices, shift: int) -> tuple[frozenset[int], ...]:
    """The wished pitch classes in C at each step of the piece."""
    if not request.chords:
        return ()
    steps = len(slices) * (len(slices.there(0, 1)))
    found: list[frozenset[int]] = []
    for step in range(steps):
        tick = slices.tick(step) * GRID_PER_TICK
        span = next((c for c in request.chords if c.onset <= tick < c.onset + c.duration), None)
        found.append(frozenset((p + shift) % 12 for p in span.pitch_classes) if span else frozenset())
    return tuple(found)


__all__ = ["LEVEL_RANGES", "TRACKS", "GanPlan", "PartPlan", "plan"]
