"""Random composition requests that set every option, and line-ups that tests compose for."""

from typing import Any

from bandmate_shared.contracts.composition import ChordSpan, CompositionRequest, Hole, PartSpec, RhythmNote, holes_from
from hypothesis import strategies as st

METRES = [(4, 4), (3, 4), (2, 4), (6, 8), (5, 16), (7, 8), (9, 4), (1, 16), (3, 16), (12, 8), (2, 2), (16, 4)]
TUNE = [RhythmNote(onset=192 * line + onset, duration=24) for line in range(4) for onset in (0, 24, 60, 96, 120, 144)]


def part(name: str, role: str, program: int, low: int, high: int, **options: Any) -> PartSpec:
    return PartSpec(name=name, role=role, program=program, low=low, high=high, **options)  # type: ignore[arg-type]


VOICE = part("Voice", "melody", 52, 60, 77, is_voice=True, monophonic=True)
PIANO = part("Piano", "harmony", 0, 36, 90)
DRUMS = part("Drums", "drums", 0, 0, 127, is_drum=True)
BASS = part("Bass", "bass", 33, 28, 55, monophonic=True)
LINE_UPS = {
    "song": [VOICE, PIANO],
    "pop": [VOICE, part("Guitar", "harmony", 24, 40, 84), BASS, DRUMS],
    "chorale": [
        part(name, role, 52, low, high, monophonic=True)
        for name, role, low, high in [
            ("S", "melody", 60, 81),
            ("A", "harmony", 55, 74),
            ("T", "harmony", 48, 69),
            ("B", "bass", 40, 62),
        ]
    ],
    "quartet": [
        part("V1", "melody", 40, 55, 96),
        part("V2", "harmony", 40, 55, 90),
        part("Va", "harmony", 41, 48, 80),
        part("Vc", "bass", 42, 36, 68),
    ],
    "rock": [part("Lead", "melody", 29, 52, 88), part("Guitar", "harmony", 30, 40, 76), BASS, DRUMS],
    "groove": [DRUMS],
}


def triads(roots: list[int], bar: int) -> list[ChordSpan]:
    """A major triad per bar."""
    return [
        ChordSpan(
            onset=number * bar,
            duration=bar,
            root=root,
            pitch_classes=sorted((root + step) % 12 for step in (0, 4, 7)),
            symbol="?",
        )
        for number, root in enumerate(roots)
    ]


@st.composite
def requests(draw: st.DrawFn, styles: tuple[str, ...] = ("chorale", "song"), max_bars: int = 6) -> CompositionRequest:
    """Short pieces, some in odd metres, with ranges of one pitch, or with given notes that break the rules."""
    numerator, denominator = draw(st.sampled_from(METRES))
    bar = numerator * 96 // denominator
    bars = draw(st.integers(1, max_bars))
    parts = [draw(_parts(number)) for number in range(draw(st.integers(1, 4)))]
    kind = draw(st.sampled_from(["whole", "continue", "infill"]))
    free = [[True] * bars for _ in parts]
    rhythm, holes = {}, None
    if kind == "continue" and bars > 1:
        given_bars = draw(st.integers(1, bars - 1))
        free = [[number >= given_bars for number in range(bars)] for _ in parts]
        holes = holes_from(given_bars, bars, len(parts))
    elif kind == "infill":
        free = [draw(st.lists(st.booleans(), min_size=bars, max_size=bars)) for _ in parts]
        free[0][draw(st.integers(0, bars - 1))] = True
        holes = [
            Hole(part=index, first_bar=number, bars=1)
            for index, row in enumerate(free)
            for number in range(bars)
            if row[number]
        ]
    if kind != "infill":
        rhythm = {number: draw(_rhythm(bar * bars)) for number in range(len(parts)) if draw(st.integers(0, 3)) == 0}
        rhythm = {number: notes for number, notes in rhythm.items() if parts[number].role != "drums"}
    return CompositionRequest(
        style=draw(st.sampled_from(["chorale", "song"])),
        tonic=draw(st.integers(0, 11)),
        mode=draw(st.sampled_from(["major", "minor"])),
        numerator=numerator,
        denominator=denominator,
        bars=bars,
        tempo=draw(st.floats(20, 300)),
        parts=parts,
        rhythm=rhythm,
        prompt=draw(_given_notes(free, bar)),
        holes=holes,
        density=draw(st.sampled_from([None, 1, 3, 5])),
        chords=draw(_chords(bar, bars)),
        seeds=[draw(st.integers(0, 2**53 - 1))],
        temperature=draw(st.floats(0.05, 4)),
        top_p=draw(st.floats(0.01, 1)),
        top_k=draw(st.sampled_from([0, 1, 5])),
    )


@st.composite
def _parts(draw: st.DrawFn, number: int) -> PartSpec:
    kind = draw(st.sampled_from(["melody", "harmony", "bass", "drums"]))
    low = draw(st.integers(0, 115))
    high = draw(st.one_of(st.integers(low, 127), st.integers(low, min(127, low + 3))))
    drums = kind == "drums"
    return part(
        f"p{number}",
        kind,
        draw(st.integers(0, 127)),
        low,
        high,
        is_drum=drums,
        is_voice=not drums and draw(st.integers(0, 4)) == 0,
        monophonic=draw(st.integers(0, 3)) == 0,
        density=draw(st.sampled_from([None, None, 1, 2, 4, 5])),
        polyphony=None if drums else draw(st.sampled_from([None, None, 1, 2, 3, 5])),
    )


@st.composite
def _rhythm(draw: st.DrawFn, end: int) -> list[RhythmNote]:
    onsets = sorted(draw(st.lists(st.integers(0, end - 1), max_size=8, unique=True)))
    ends = [*onsets[1:], end][: len(onsets)]
    return [
        RhythmNote(onset=onset, duration=draw(st.integers(1, stop - onset)))
        for onset, stop in zip(onsets, ends, strict=True)
    ]


@st.composite
def _given_notes(draw: st.DrawFn, free: list[list[bool]], bar: int) -> list[tuple[int, int, int, int, int]]:
    """Notes in the bars that are not free; they may overlap, lie outside the range and last into what is free."""
    end = len(free[0]) * bar
    places = [(index, number) for index, row in enumerate(free) for number, is_free in enumerate(row) if not is_free]
    if not places:
        return []
    rows = {}
    for _ in range(draw(st.integers(0, 12))):
        index, number = draw(st.sampled_from(places))
        onset = number * bar + draw(st.integers(0, bar - 1))
        duration = draw(st.integers(1, min(2 * bar, end - onset)))
        pitch = draw(st.integers(0, 127))
        rows[index, onset, pitch] = (index, onset, duration, pitch, draw(st.integers(1, 127)))
    return sorted(rows.values(), key=lambda row: (row[1], row[0], row[3]))


@st.composite
def _chords(draw: st.DrawFn, bar: int, bars: int) -> list[ChordSpan]:
    if draw(st.booleans()):
        return []
    chords, tick = [], 0
    while tick < bar * bars:
        length = draw(st.sampled_from([bar, max(1, bar // 2), 2 * bar, 17]))
        classes = sorted(draw(st.sets(st.integers(0, 11), min_size=1, max_size=5)))
        if draw(st.integers(0, 3)):
            chords.append(
                ChordSpan(
                    onset=tick,
                    duration=min(length, bar * bars - tick),
                    root=classes[0],
                    pitch_classes=classes,
                    bass=draw(st.sampled_from([None, *classes])),
                    symbol="?",
                )
            )
        tick += length
    return chords
