"""A composition request in the network's terms: slices, tracks, layers, free cells, keys.

A layer is a pass of the generator over a block that composes one part a track. The second melody, the third guitar,
and tracks that are unfamiliar to the style are composed in later layers, conditioned on the earlier ones: the
track-conditional mode."""

from dataclasses import dataclass

import numpy as np
from bandmate_music.note_rows import NoteRow
from bandmate_shared.contracts.composition import DENSITY_BOUNDS, CompositionRequest, PartSpec
from bandmate_shared.errors import InvalidRequest

from bandmate_model.data.pieces import shift_to_c
from bandmate_model.data.tokens import GRID_PER_TICK, TICKS_PER_QUARTER, instrument_class
from bandmate_model.gan.roll import DRUMS, LOWEST, PITCHES, TRACKS, Bool, Slices
from bandmate_model.gan.statistics import FAMILIAR, StyleTracks
from bandmate_model.gan.tracks import assign

LEVEL_RANGES = ((0.12, 0.44), (0.56, 0.94), (1.1, 1.9), (2.2, 3.8), (4.3, 8.0))
"""Notes per quarter aimed at for each level of DENSITY_BOUNDS: inside it, away from its ends."""
assert len(LEVEL_RANGES) == len(DENSITY_BOUNDS) + 1, "a range for each level"


@dataclass(frozen=True, slots=True)
class PartPlan:
    """One part."""

    spec: PartSpec
    track: int
    layer: int
    style: str
    """The style in which the track is played: the request's, or one to which the track is familiar."""
    shift: int
    """Semitones from the part's own pitch to the track's row: to C, and by octaves into the track's register."""
    low: int
    high: int
    free: Bool
    """(bars,): which bars are composed."""
    mono: bool
    polyphony: int
    """The requested cap, else the usual one of the style."""
    notes_per_quarter: tuple[float, float]
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
        InvalidRequest: the style is unknown, or the metre changes.
    """
    if request.style not in styles:
        raise InvalidRequest(f"this model knows no style {request.style!r}; it knows {', '.join(styles)}")
    if request.bar_changes:
        raise InvalidRequest("this model composes in one metre at a time; ask for bars of one metre, or another model")
    bar = request.numerator * TICKS_PER_QUARTER * 4 // request.denominator
    slices = Slices.of([(bar, request.numerator)] * request.bars)
    specs = request.parts
    names = [
        "drums"
        if spec.role == "drums"
        else instrument_class(program=spec.program, is_drum=spec.is_drum, is_voice=spec.is_voice)
        for spec in specs
    ]
    tracks = assign([spec.role for spec in specs], names, [(spec.low + spec.high) / 2 for spec in specs])
    free = np.array(request.free_bars)
    given_notes = _given_notes(request)
    layers, own_styles = _layers(request.style, tracks, free, styles)
    base = shift_to_c(request.tonic)
    parts = []
    for index, spec in enumerate(specs):
        track = tracks[index]
        track_statistics = styles[own_styles[index]].tracks[track]
        level = spec.density or request.density
        parts.append(
            PartPlan(
                spec=spec,
                track=track,
                layer=layers[index],
                style=own_styles[index],
                shift=0 if track == DRUMS else _register(base, spec, track, track_statistics.pitches),
                low=spec.low,
                high=spec.high,
                free=free[index],
                mono=track != DRUMS and (spec.monophonic or spec.is_voice),
                polyphony=1 if spec.monophonic or spec.is_voice else spec.polyphony or track_statistics.polyphony,
                notes_per_quarter=LEVEL_RANGES[level - 1] if level else track_statistics.notes_per_quarter,
                given=tuple(given_notes[index]),
                rhythm=_rhythm(request, index, free[index], bar * GRID_PER_TICK),
            )
        )
    return GanPlan(request, slices, tuple(parts), max(layers) + 1, _chords(request, slices, base))


def _given_notes(request: CompositionRequest) -> list[list[NoteRow]]:
    """The prompt's notes of each part."""
    notes: list[list[NoteRow]] = [[] for _ in request.parts]
    for row in request.prompt:
        notes[row[0]].append(NoteRow._make(row))
    return notes


def _layers(style: str, tracks: list[int], free: Bool, styles: dict[str, StyleTracks]) -> tuple[list[int], list[str]]:
    """A layer and a style for each part. Parts that are given throughout are in no layer: -1."""
    style_tracks = styles[style].tracks
    next_layers: dict[int, int] = {}
    layers, owners = [], []
    for index, track in enumerate(tracks):
        familiar = style_tracks[track].share >= FAMILIAR
        best = max(styles, key=lambda name: (styles[name].tracks[track].share, name))
        owners.append(style if familiar or styles[best].tracks[track].share <= style_tracks[track].share else best)
        if not free[index].any():
            layers.append(-1)
            continue
        min_layer = 0 if familiar or all(style_tracks[other_track].share < FAMILIAR for other_track in tracks) else 1
        layers.append(max(min_layer, next_layers.get(track, 0)))
        next_layers[track] = layers[-1] + 1
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
    return tuple((note.onset, note.duration) for note in request.rhythm[index] if free[note.onset // bar])


def _chords(request: CompositionRequest, slices: Slices, shift: int) -> tuple[frozenset[int], ...]:
    """The wished pitch classes in C at each step of the piece."""
    if not request.chords:
        return ()
    steps = len(slices) * (len(slices.present(0, 1)))
    chords: list[frozenset[int]] = []
    for step in range(steps):
        tick = slices.tick(step) * GRID_PER_TICK
        span = next((c for c in request.chords if c.onset <= tick < c.onset + c.duration), None)
        chords.append(frozenset((p + shift) % 12 for p in span.pitch_classes) if span else frozenset())
    return tuple(chords)


__all__ = ["LEVEL_RANGES", "TRACKS", "GanPlan", "PartPlan", "plan"]
