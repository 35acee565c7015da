"""Classifies parts: instrument class, General MIDI program, and role in the piece.

The program is one witness, the part's name another: notation programs play singers with an oboe, and parts exported
without programs all claim to be a grand piano. Singers' names count always, other names where the program is 0. "Bass"
is a singer in a choir, and the instrument beside drums. Accents play no part in it.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from bandmate_music.analysis.roles import PartProfile, Role, find_roles
from bandmate_music.instruments import VOICE_PROGRAMS
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
BASS_PROGRAM = 33

_SINGER = re.compile(
    r"\b(voices?|vocals?|vox|sing(er|stimme)?|stimme|gesang|chant|canto|choir|chor|coro|soprano?|mezzo|alto?|contralto|"
    r"tenor|bariton[eo]?|basso?)\b",
    re.IGNORECASE,
)
_SINGER_BY_NAME_ALONE = re.compile(r"\b(tenore|voix|voce|voz|stemme|baryton|basse|bajo|baixo)\b", re.IGNORECASE)
"""Names of singers that tell nothing against a program."""
_CHOIR = re.compile(r"\b(soprano?|mezzo|alto?|contralto|tenore?|barit?[oy]n[eo]?)\b", re.IGNORECASE)
_PLAYED = re.compile(r"sax|trombone|guitar|recorder|horn|clarinet|flute|viol|drum|synth|pad", re.IGNORECASE)
_BASS = re.compile(
    r"^\W*(the )?(bass(line)?|basse|basso|bajo|baixo|basgitaar)( ?(\d+|[ivx]+|track|part|line|solo))?\W*$",
    re.IGNORECASE,
)
"""A track that calls itself bass and no more."""
_BASS_INSTRUMENT = re.compile(
    r"""\b(bass\ ?gui?tarr?e?|bassgit\w*|gui?tare\ basse|chitarra\ basso|bajo\ electrico|e\W?-?bass
    |(electr\w+|elektr\w+|finger\w*|pick\w*|slap\w*|fretless|synth\w*|sub|moog|wobble|reese|acid|808|acoustic|upright
    |double|string|jazz|walking|rock|funk|pop|stick)[ -]?bass\w*
    |bass\ ?(synth|line)|contrabass\w*|contrebasse|contrabasso|contrabajo|kontrab\w+)\b|\bbass\b.*\(""",
    re.IGNORECASE | re.VERBOSE,
)
_BAND_PROGRAMS = frozenset((*range(24, 32), *range(80, 104)))
"""Guitars and synthesisers: what plays beside a bass guitar and not beside a choir."""
_NAMED_PATTERNS = r"""
40  \b(violin[oi]?|geige|vln?)\b
41  \b(viola|bratsche|vla)\b
42  \b(violon)?cello\b|\bvc\b
33  \b\d[ -]?string[ -]?bass\b
43  \b(contrab\w+|contrebasse|double[ -]?bass|string[ -]?bass|kontrabass\w*)\b
32  \b(acoustic|upright|jazz|walking)[ -]?bass\b
35  \bfretless\b
34  \bpick(ed)?[ -]bass\b
36  \bslap[ -]?bass\b
38  \b(synth\w*|sub|moog|wobble|reese|acid|808)[ -]?bass\b|\bbass ?synth\b
46  \bharpe?|\barpa\b
48  \bstrings?\b
33  \b(bass ?gui?tarr?e?|bassgit\w*|gui?tare basse|chitarra basso|bajo electrico|bass ?line)\b
33  \b((electr\w+|elektr\w+|finger\w*|rock|funk|pop|stick)[ -]?bass\w*|e\W?-?bass)\b|\bbass\b.*\(
30  \bdistort\w*
29  \boverdrive\w*
25  \bguitar\b|\bgtr\b
19  \borgan\b|\borgel\b
73  \bflutes?\b|\bfl\b
68  \boboe\b
71  \bclarinet\b
70  \bbassoon\b|\bfagott\b
65  \bsax\w*
56  \btrumpet\b
57  \btrombone\b
60  \bhorn\b
6   \bharpsichord\b|\bcembalo\b
33  \b\w+bass\b
"""
_NAMED = [
    (re.compile(pattern, re.IGNORECASE), int(program))
    for program, pattern in (line.split(maxsplit=1) for line in _NAMED_PATTERNS.strip().splitlines())
]


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
    names = [_plain(part.name) for part in parts]
    choir = sum(_CHOIR.search(name) is not None and _PLAYED.search(name) is None for name in names)
    is_band = any(part.is_drum or part.program in _BAND_PROGRAMS for part in parts)
    return [
        _instrument(part, name, sings_bass=bool(part.lyrics) or choir > 1 or not is_band)
        for part, name in zip(parts, names, strict=True)
    ]


def _instrument(part: Part, name: str, *, sings_bass: bool) -> tuple[str, int]:
    """The instrument class and program of a part; `sings_bass` says what "Bass" means in its piece."""
    program = min(max(part.program, 0), 127)
    if part.is_drum:
        return "drums", 0
    if name and _sings(name, program) and (sings_bass or not _is_bass(name)):
        return "voice", program if program in VOICE_PROGRAMS else VOICE_PROGRAM
    if program == 0 and name:
        program = next((known for pattern, known in _NAMED if pattern.search(name)), 0)
        if program == 0 and _is_bass(name):
            program = BASS_PROGRAM
    return ("voice" if program in VOICE_PROGRAMS else _FAMILIES[program // 8]), program


def _sings(name: str, program: int) -> bool:
    """Whether a name, and a program that does not speak against it, mean a singer."""
    if _PLAYED.search(name) or _BASS_INSTRUMENT.search(name) or program in range(32, 40):
        return False
    return _SINGER.search(name) is not None or (program == 0 and _SINGER_BY_NAME_ALONE.search(name) is not None)


def _is_bass(name: str) -> bool:
    return _BASS.match(name) is not None


def _plain(name: str) -> str:
    """A name without accents: 'Ténor' as 'Tenor'."""
    if name.isascii():
        return name
    return "".join(char for char in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(char))
