"""Builders of small pieces with known properties."""

from collections.abc import Iterable, Sequence

from bandmate_bench.form.piece import GRID, GridNote, Piece, PieceBar, PiecePart, Section, Syllable

BAR = 4 * GRID
PARTS = (PiecePart("Voice", 52, False), PiecePart("Piano", 0, False), PiecePart("Drums", 0, True))
TUNE, BAND, DRUMS = range(3)

Hit = tuple[int, int, int]
"""(Onset, duration, pitch), in ticks."""


def piece(
    bars: int,
    tune: Iterable[Hit] = (),
    band: Iterable[Hit] = (),
    drums: Iterable[Hit] = (),
    *,
    sections: Sequence[tuple[str, int, int]] = (),
    velocity: int = 80,
    **fields: object,
) -> Piece:
    """A piece in 4/4; sections are (name, first bar, bars), and the name is the letter."""
    notes = [
        GridNote(part, onset, onset + duration, pitch, velocity)
        for part, hits in ((TUNE, tune), (BAND, band), (DRUMS, drums))
        for onset, duration, pitch in hits
    ]
    return Piece(
        name="made",
        group=str(fields.pop("group", "pop")),
        bars=tuple(PieceBar(number * BAR, BAR, GRID) for number in range(bars)),
        parts=PARTS,
        notes=tuple(sorted(notes, key=lambda note: (note.onset, note.part, note.pitch))),
        melody=TUNE,
        sections=tuple(Section(name, name, first, count) for name, first, count in sections),
        **fields,  # type: ignore[arg-type]
    )


def chord(bar: int, pitches: Sequence[int], beats: int = 4, beat: int = 0) -> list[Hit]:
    """A held chord."""
    return [(bar * BAR + beat * GRID, beats * GRID, pitch) for pitch in pitches]


def line(pitches: Sequence[int], start: int = 0, step: int = GRID) -> list[Hit]:
    """Notes one after the other, of one length."""
    return [(start + number * step, step, pitch) for number, pitch in enumerate(pitches)]


def sung(words: str, pitches: Sequence[int], start: int = 0, step: int = GRID) -> list[Syllable]:
    """Syllables on successive notes: 'hap- py day' with a hyphen where the word goes on."""
    texts = words.split()
    assert len(texts) == len(pitches)
    return [
        Syllable(text.rstrip("-"), not text.endswith("-"), ((start + number * step, pitch),))
        for number, (text, pitch) in enumerate(zip(texts, pitches, strict=True))
    ]
