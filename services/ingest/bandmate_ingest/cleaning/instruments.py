"""Classifies parts: instrument class, General MIDI program, and role in the piece.

The program is one witness, the part's name another: notation programs play singers with an oboe, and parts exported
without programs all claim to be a grand piano. Singers' names count always, other names where the program is 0. "Bass"
is a singer in a choir, and the instrument beside drums. Accents play no part in it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from bandmate_music.analysis.roles import PartProfile, Role, find_roles
from bandmate_music.instrument_names import NamedInstrument, named_instrument
from bandmate_music.instruments import BASS_PROGRAMS, VOICE_PROGRAMS
from bandmate_music.score import Part

from bandmate_ingest.cleaning.columns import Columns, Ints

_FAMILY_NAMES = """
piano mallets organ guitar bass strings ensemble brass
reed pipe synth-lead synth-pad synth-effects ethnic percussive sound-effects
"""
_FAMILIES = _FAMILY_NAMES.split()
INSTRUMENT_CLASSES = (*_FAMILIES, "voice", "drums")
"""General MIDI's sixteen families, and singers and drum kits beside them."""
VOICE_PROGRAM = 52
_CHOIR_LETTERS = 3
"""So many of S, A, T and B as names make a choir."""

_BAND_PROGRAMS = frozenset((*range(24, 32), *range(80, 104)))
"""Guitars and synthesisers: what plays beside a bass guitar and not beside a choir."""


@dataclass(frozen=True, slots=True)
class PartColumns:
    """Columns of equal length, one entry a part, as parts.parquet has them."""

    names: list[str]
    program: Ints
    is_drum: list[bool]
    role: list[Role]
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
    mapped = instruments_of(parts)
    means = (np.add.reduceat(notes.pitch, starts) / sizes).tolist()
    new_onset = np.ones(len(notes), dtype=np.int64)
    new_onset[1:] = (notes.onset[1:] != notes.onset[:-1]) | (notes.part[1:] != notes.part[:-1])
    onsets = np.add.reduceat(new_onset, starts).tolist()
    profiles = [
        PartProfile(part.name, program, part.is_drum, mean, size, onset_count)
        for part, (_, program), mean, size, onset_count in zip(
            parts, mapped, means, sizes.tolist(), onsets, strict=True
        )
    ]
    return PartColumns(
        names=[" ".join(part.name.split())[:64] for part in parts],
        program=np.array([program for _, program in mapped], dtype=np.int64),
        is_drum=[part.is_drum for part in parts],
        role=find_roles(profiles),
        instrument=[instrument for instrument, _ in mapped],
        notes=sizes,
        low=np.minimum.reduceat(notes.pitch, starts),
        high=np.maximum.reduceat(notes.pitch, starts),
        remapped=sum(
            program != part.program and not part.is_drum for (_, program), part in zip(mapped, parts, strict=True)
        ),
    )


def instruments_of(parts: Sequence[Part]) -> list[tuple[str, int]]:
    """The instrument class and program of each part of a piece."""
    named = _lettered(parts) or [_named(part) for part in parts]
    singers = sum(each is not None and each.kind == "register" for each in named)
    is_band = any(
        part.is_drum or (part.program or (0 if each is None else each.program)) in _BAND_PROGRAMS
        for part, each in zip(parts, named, strict=True)
    )
    return [
        _instrument(part, each, sings_bass=bool(part.lyrics) or singers > 1 or not is_band)
        for part, each in zip(parts, named, strict=True)
    ]


def _lettered(parts: Sequence[Part]) -> list[NamedInstrument | None] | None:
    """The singers of a choir whose parts are called S, A, T and B; None where they are not."""
    letters = [re.fullmatch(r"([satb])[ .]*(?:\d|i{1,2})?\.?", part.name.strip().lower()) for part in parts]
    if len({letter[1] for letter in letters if letter}) < _CHOIR_LETTERS:
        return None
    singer = NamedInstrument("register", VOICE_PROGRAM)
    return [singer if letter else _named(part) for part, letter in zip(parts, letters, strict=True)]


def _named(part: Part) -> NamedInstrument | None:
    return named_instrument(part.name) if part.name and not part.is_drum else None


def _instrument(part: Part, named: NamedInstrument | None, *, sings_bass: bool) -> tuple[str, int]:
    """The instrument class and program of a part; `sings_bass` says what "Bass" means in its piece."""
    program = min(max(part.program, 0), 127)
    if part.is_drum:
        return "drums", 0
    if named is not None and _sings(named, program, sings_bass=sings_bass):
        return "voice", program if program in VOICE_PROGRAMS else VOICE_PROGRAM
    if program == 0 and named is not None:
        program = named.program
    return ("voice" if program in VOICE_PROGRAMS else _FAMILIES[program // 8]), program


def _sings(named: NamedInstrument, program: int, *, sings_bass: bool) -> bool:
    """Whether a name, and a program that does not speak against it, mean a singer."""
    if program in BASS_PROGRAMS:
        return False
    if named.kind == "bass":
        return sings_bass
    return named.is_singer and (named.kind != "voice" or program == 0)
