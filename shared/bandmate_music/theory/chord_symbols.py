"""Chord progressions as musicians write them: 'Dm7 G7 | Cmaj7 | % | F/A'.

Bars are parted by |, the chords of a bar share it evenly, % or an empty bar repeats the bar before. A symbol is a root,
a quality, and perhaps a slash and a bass note. What each symbol means follows Brandt and Roemer, Standardized Chord
Symbol Notation (1976), with the spellings in common use.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from bandmate_music.theory.note_names import ACCIDENTALS

MAX_PROGRESSION_CHARACTERS = 4000
MAX_CHORDS_PER_BAR = 16

_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_ROOT = re.compile(r"([A-G])(##|#|♯|bb|b|♭)?")

_SHAPES_TEXT = """
major:0,4,7 m:0,3,7 dim:0,3,6 aug:0,4,8 5:0,7 sus4:0,5,7 sus2:0,2,7 6:0,4,7,9 m6:0,3,7,9 69:0,4,7,9,2 m69:0,3,7,9,2
7:0,4,7,10 maj7:0,4,7,11 m7:0,3,7,10 mmaj7:0,3,7,11 dim7:0,3,6,9 m7b5:0,3,6,10 aug7:0,4,8,10 augmaj7:0,4,8,11
7sus4:0,5,7,10 7sus2:0,2,7,10 9sus4:0,5,7,10,2 13sus4:0,5,7,10,2,9 9:0,4,7,10,2 maj9:0,4,7,11,2 m9:0,3,7,10,2
mmaj9:0,3,7,11,2 11:0,4,7,10,2,5 m11:0,3,7,10,2,5 maj11:0,4,7,11,2,5 13:0,4,7,10,2,9 m13:0,3,7,10,2,9
maj13:0,4,7,11,2,9 add9:0,4,7,2 madd9:0,3,7,2 add11:0,4,7,5 madd11:0,3,7,5 add13:0,4,7,9 m9b5:0,3,6,10,2
dim9:0,3,6,9,2
"""
SHAPES = {
    quality.removeprefix("major"): tuple(map(int, steps.split(",")))
    for quality, steps in (entry.split(":") for entry in _SHAPES_TEXT.split())
}
"""Quality → semitones above the root; the major triad is the empty one."""

_SPELLINGS_TEXT = r"""
[()\s,] =
♯ = #
♭ = b
Δ7?(?![0-9]) = maj7
MIN? = m
Δ|[Mm]aj|MAJ?|M = maj
ø7?|Ø7?|half-?dim7? = m7b5
°|º|o(?=7|9|$) = dim
minor|min|mi(?!n)|^- = m
major|ma(?![jd]) = maj
^\+ = aug
6/9|6add9 = 69
dom =
^2$ = add9
add2 = add9
add4 = add11
sus(?![24]) = sus4
add6 = add13
"""
_SPELLINGS = [
    (re.compile(pattern), plain.strip())
    for pattern, plain in (line.split(" =") for line in _SPELLINGS_TEXT.strip().splitlines())
]
"""Patterns of other spellings and the plain form that replaces them, applied in order."""
_ALTERATIONS = re.compile(r"(b5|#5|b9|#9|#11|b13|b6)")
ALTERED = {"b5": (7, 6), "#5": (7, 8), "b9": (2, 1), "#9": (2, 3), "#11": (5, 6), "b13": (9, 8), "b6": (9, 8)}
"""Alteration → (the step that gives way if it is there, the step that comes)."""


@dataclass(frozen=True, slots=True)
class Chord:
    """Root and bass as pitch classes (0 is C), the pitch classes from the root upwards, and how it was written."""

    root: int
    pitch_classes: tuple[int, ...]
    bass: int | None
    symbol: str


class BadChord(ValueError):
    """A symbol that means no chord."""


class SymbolParts(NamedTuple):
    """A chord symbol taken apart.

    Root and bass are a letter and its alteration in semitones (-1 flat); `quality` is as written, `base` and
    `alterations` are what it means: 'dom7(b9)' is '7' and ('b9',). `bass` None: the root.
    """

    root: tuple[str, int]
    quality: str
    base: str
    alterations: tuple[str, ...]
    bass: tuple[str, int] | None


@lru_cache(maxsize=4096)
def parse_chord(symbol: str) -> Chord:
    """The chord of a symbol: 'C', 'F#m7b5', 'Bbmaj7', 'Gsus4', 'A7(b9)', 'D/F#'.

    Raises:
        BadChord: naming the symbol and what is wrong with it.
    """
    parts = split_symbol(symbol)
    root = _pitch_class(parts.root)
    classes = tuple(dict.fromkeys((root + step) % 12 for step in _steps(parts.base, parts.alterations)))
    return Chord(root, classes, None if parts.bass is None else _pitch_class(parts.bass), symbol)


def split_symbol(symbol: str) -> SymbolParts:
    """The parts of a chord symbol.

    Raises:
        BadChord: naming the symbol and what is wrong with it.
    """
    match = _ROOT.match(symbol)
    if match is None:
        raise BadChord(f"the chord {symbol!r} does not begin with a note from A to G")
    rest = symbol[match.end() :]
    bass = None
    if (slash := rest.rfind("/")) >= 0 and rest[slash + 1 :] != "9":
        below = _ROOT.fullmatch(rest[slash + 1 :].strip())
        if below is None:
            raise BadChord(f"the bass of the chord {symbol!r} is {rest[slash + 1 :]!r}, which is no note")
        bass, rest = _note(below), rest[:slash]
    meaning = _meaning(rest)
    if meaning is None:
        known = "m, dim, aug, sus2, sus4, 6, 7, maj7, m7, m7b5, dim7, 9, 11, 13, add9"
        raise BadChord(f"the chord {symbol!r} is written with {rest.strip()!r}, which is none of {known}")
    return SymbolParts(_note(match), rest.strip(), *meaning, bass)


def parse_progression(text: str) -> list[list[Chord]]:
    """The chords of each bar; every bar has at least one.

    Raises:
        BadChord: with the symbol and the number of its bar, counted from 1; or where there is nothing to repeat.
    """
    if len(text) > MAX_PROGRESSION_CHARACTERS:
        raise BadChord(f"the chords have {len(text):,} characters; at most {MAX_PROGRESSION_CHARACTERS:,} are read")
    bars: list[list[Chord]] = []
    written = text.strip().removeprefix("|").removesuffix("|")
    for number, content in enumerate(written.split("|"), start=1):
        symbols = content.split()
        if not symbols or symbols == ["%"]:
            if not bars:
                raise BadChord("bar 1 of the chords is empty, and there is no bar before it to repeat")
            bars.append(bars[-1])
            continue
        if len(symbols) > MAX_CHORDS_PER_BAR:
            raise BadChord(f"bar {number} has {len(symbols)} chords; at most {MAX_CHORDS_PER_BAR} fit")
        try:
            bars.append([parse_chord(symbol) for symbol in symbols])
        except BadChord as error:
            raise BadChord(f"bar {number}: {error}") from None
    return bars


def _note(match: "re.Match[str]") -> tuple[str, int]:
    return match[1], ACCIDENTALS[match[2] or ""]


def _pitch_class(note: tuple[str, int]) -> int:
    return (_LETTERS[note[0]] + note[1]) % 12


def _meaning(quality: str) -> tuple[str, tuple[str, ...]] | None:
    """The name of a shape and its alterations; None where the quality is none."""
    plain = quality
    for pattern, replacement in _SPELLINGS:
        plain = pattern.sub(replacement, plain)
    plain = {"maj": "", "M": ""}.get(plain, plain)
    if plain in SHAPES:
        return plain, ()
    if plain == "7alt":
        return "7", ("b9", "#9", "#5")
    altered = tuple(_ALTERATIONS.findall(plain))
    base = _ALTERATIONS.sub("", plain)
    base = {"7alt": "7", "maj": ""}.get(base, base)
    return (base, altered) if altered and base in SHAPES else None


def _steps(base: str, alterations: Sequence[str]) -> tuple[int, ...]:
    """Semitones above the root."""
    steps = list(SHAPES[base])
    for alteration in alterations:
        gives_way, comes = ALTERED[alteration]
        steps = [step for step in steps if step != gives_way]
        steps.append(comes)
    return tuple(steps)
