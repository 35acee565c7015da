"""Chords as degrees of a key: 'I', 'ii7', 'bVII', 'V/7', and the same as symbols in a given key.

Degrees count from the tonic along its major scale in either mode (the relative major of a minor key is bIII). Capitals
are major, small letters minor. A slash names the degree in the bass: 'V/7' is G/B in C.
"""

import re
from dataclasses import dataclass
from functools import cache

from bandmate_music.theory.chord_symbols import parse_chord
from bandmate_music.theory.keys import Key
from bandmate_music.theory.spelling import spell

_NUMERALS = ("I", "II", "III", "IV", "V", "VI", "VII")
_SCALE = (0, 2, 4, 5, 7, 9, 11)
_NAMES = ("I", "bII", "II", "bIII", "III", "IV", "#IV", "V", "bVI", "VI", "bVII", "VII")
_DEGREE = re.compile(r"([b#]?)(VII|VI|IV|V|III|II|I|vii|vi|iv|v|iii|ii|i)([a-z0-9+-]*)(?:/([b#]?)([1-7]))?")
_ACCIDENTALS = {"": 0, "b": -1, "#": 1}


@dataclass(frozen=True, slots=True)
class DegreeChord:
    """`root` and `bass` are semitones above the tonic; `quality` as in chord symbols ('m7')."""

    root: int
    quality: str
    bass: int | None = None

    @property
    def text(self) -> str:
        """As `parse_degree` reads it."""
        name, quality = _NAMES[self.root], self.quality
        if quality.startswith("m") and not quality.startswith("maj") and quality != "m7b5":
            name, quality = name.replace("I", "i").replace("V", "v"), quality[1:]
        elif quality.startswith("dim") or quality == "m7b5":
            name = name.replace("I", "i").replace("V", "v")
        bass = "" if self.bass is None else "/" + _NAMES_OF_BASS[self.bass]
        return f"{name}{quality}{bass}"


_NAMES_OF_BASS = ("1", "b2", "2", "b3", "3", "4", "#4", "5", "b6", "6", "b7", "7")


@cache
def parse_degree(text: str) -> DegreeChord:
    """The chord of a degree.

    Raises:
        ValueError: the text is none.
    """
    match = _DEGREE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no degree; write 'I', 'ii7', 'bVII' or 'V/7'")
    accidental, numeral, quality, bass_accidental, bass = match.groups()
    root = (_SCALE[_NUMERALS.index(numeral.upper())] + _ACCIDENTALS[accidental]) % 12
    if numeral.islower() and not quality.startswith(("dim", "m7b5")):
        quality = f"m{quality}"
    below = None if bass is None else (_SCALE[int(bass) - 1] + _ACCIDENTALS[bass_accidental]) % 12
    return DegreeChord(root, quality, below)


@cache
def symbol_in(chord: DegreeChord, key: Key) -> str:
    """The chord's symbol, spelled as the key has it: 'F#m7', 'Bb/D'."""
    bass = "" if chord.bass is None else "/" + _note(chord.bass, key)
    return f"{_note(chord.root, key)}{chord.quality}{bass}"


def _note(semitones: int, key: Key) -> str:
    step, alteration, _ = spell(60 + (key.tonic + semitones) % 12, key)
    return step + ("#" * alteration if alteration > 0 else "b" * -alteration)


def pitch_classes(chord: DegreeChord) -> tuple[int, ...]:
    """Semitones above the tonic of the chord's notes, the root first."""
    return tuple((chord.root + step) % 12 for step in parse_chord(f"C{chord.quality}").pitch_classes)
