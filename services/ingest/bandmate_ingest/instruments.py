"""What each part is: its instrument class, its General MIDI program, and its role in the piece.

The program is one witness, the part's name another: notation programs play singers with an oboe, and parts exported
without programs all claim to be a grand piano. Singers' names count always, other names where the program is 0.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from bandmate_shared.music.score import Part

from bandmate_ingest.columns import Columns, Floats, Ints

_FAMILIES = (
    "piano", "mallets", "organ", "guitar", "bass", "strings", "ensemble", "brass",
    "reed", "pipe", "synth-lead", "synth-pad", "synth-effects", "ethnic", "percussive", "sound-effects",
)  # fmt: skip
INSTRUMENT_CLASSES = (*_FAMILIES, "voice", "drums")
"""General MIDI's sixteen families, and singers and drum kits beside them."""
_VOICES = range(52, 55)
VOICE_PROGRAM = 52

_SINGER = re.compile(
    r"\b(voices?|vocals?|vox|sing(er|stimme)?|stimme|gesang|chant|canto|choir|chor|coro|soprano?|mezzo|alto?|contralto|"
    r"tenor|bariton[eo]?|basso?)\b",
    re.IGNORECASE,
)
_PLAYED = re.compile(r"sax|trombone|guitar|recorder|horn|clarinet|flute|viol|drum|synth|pad", re.IGNORECASE)
_NAMED = tuple(
    (re.compile(pattern, re.IGNORECASE), program)
    for pattern, program in (
        (r"\b(violin[oi]?|geige|vln?)\b", 40), (r"\b(viola|bratsche|vla)\b", 41), (r"\b(violon)?cello\b|\bvc\b", 42),
        (r"\b(contrabass|double bass|kontrabass)\b", 43), (r"\bharpe?|\barpa\b", 46), (r"\bstrings?\b", 48),
        (r"\b(bass guitar|(electric|finger\w*|picked|slap) bass|e-?bass)\b", 33), (r"\bdistort\w*", 30),
        (r"\boverdrive\w*", 29), (r"\bguitar\b|\bgtr\b", 25), (r"\borgan\b|\borgel\b", 19), (r"\bflutes?\b|\bfl\b", 73),
        (r"\boboe\b", 68), (r"\bclarinet\b", 71), (r"\bbassoon\b|\bfagott\b", 70), (r"\bsax\w*", 65),
        (r"\btrumpet\b", 56), (r"\btrombone\b", 57), (r"\bhorn\b", 60), (r"\bharpsichord\b|\bcembalo\b", 6),
    )
)  # fmt: skip
_MONOPHONIC = 0.85
_BASS_REACH = 57.0
"""A part whose mean lies below A3 can be the bass."""


@dataclass(frozen=True, slots=True)
class PartColumns:
    """Columns of equal length, one entry a part, as parts.parquet has them."""

    names: list[str]
    program: Ints
    is_drum: list[bool]
    role: list[str]
    instrument: list[str]
    notes: Ints
    low: Ints
    high: Ints
    remapped: int
    """Parts whose name overruled their program."""


def describe_parts(parts: Sequence[Part], notes: Columns) -> PartColumns:
    """Instrument, program, role and range of each part; `notes` sorted by part and onset, no part empty."""
    count = len(parts)
    sizes = np.bincount(notes.part, minlength=count)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    mapped = [_instrument(part) for part in parts]
    means = np.add.reduceat(notes.pitch, starts) / sizes
    new_onset = np.ones(len(notes), dtype=np.int64)
    new_onset[1:] = (notes.onset[1:] != notes.onset[:-1]) | (notes.part[1:] != notes.part[:-1])
    return PartColumns(
        names=[" ".join(part.name.split())[:64] for part in parts],
        program=np.array([program for _, program in mapped], dtype=np.int64),
        is_drum=[part.is_drum for part in parts],
        role=_roles(parts, [instrument for instrument, _ in mapped], means, np.add.reduceat(new_onset, starts), sizes),
        instrument=[instrument for instrument, _ in mapped],
        notes=sizes,
        low=np.minimum.reduceat(notes.pitch, starts),
        high=np.maximum.reduceat(notes.pitch, starts),
        remapped=sum(
            program != part.program and not part.is_drum for (_, program), part in zip(mapped, parts, strict=True)
        ),
    )


def _instrument(part: Part) -> tuple[str, int]:
    """The instrument class and program of a part."""
    program = min(max(part.program, 0), 127)
    if part.is_drum:
        return "drums", 0
    if part.name and _SINGER.search(part.name) and not _PLAYED.search(part.name) and program not in range(32, 40):
        return "voice", program if program in _VOICES else VOICE_PROGRAM
    if program == 0 and part.name:
        program = next((known for pattern, known in _NAMED if pattern.search(part.name)), 0)
    return ("voice" if program in _VOICES else _FAMILIES[program // 8]), program


def _roles(parts: Sequence[Part], instruments: Sequence[str], means: Floats, onsets: Ints, sizes: Ints) -> list[str]:
    """One of melody, harmony, bass, drums a part; at most one melody and one bass line chosen by position."""
    pitched = [index for index, part in enumerate(parts) if not part.is_drum]
    roles = ["drums" if part.is_drum else "harmony" for part in parts]
    basses = [index for index in pitched if instruments[index] == "bass"]
    single = [index for index in pitched if onsets[index] >= _MONOPHONIC * sizes[index]]
    if not basses and len(pitched) > 1 and single:
        lowest = min(pitched, key=lambda index: float(means[index]))
        basses = [lowest] if lowest in single and means[lowest] < _BASS_REACH else []
    for index in basses:
        roles[index] = "bass"
    busiest = max((int(onsets[index]) for index in pitched), default=0)
    lines = [index for index in single if index not in basses and onsets[index] * 8 >= busiest]
    singers = [index for index in lines if instruments[index] in ("voice", "synth-lead")]
    choice = singers or lines
    if choice:
        roles[max(choice, key=lambda index: float(means[index]))] = "melody"
    return roles
