"""Keys: parsing 'F# minor', 'Bbm', 'D'; naming them; their signatures."""

import re
from dataclasses import dataclass
from typing import Literal

Mode = Literal["major", "minor"]

_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_MAJOR_NAMES = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_MINOR_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B")
_MAJOR_FIFTHS = (0, -5, 2, -3, 4, -1, 6, 1, -4, 3, -2, 5)
_PATTERN = re.compile(r"^\s*([A-Ga-g])\s*(#|♯|b|♭|sharp|flat)?\s*(major|maj|minor|min|m|M)?\s*$")


@dataclass(frozen=True, slots=True)
class Key:
    """A tonic pitch class (0 = C) and a mode."""

    tonic: int
    mode: Mode

    @property
    def name(self) -> str:
        names = _MAJOR_NAMES if self.mode == "major" else _MINOR_NAMES
        return f"{names[self.tonic]} {self.mode}"

    @property
    def fifths(self) -> int:
        """Sharps (positive) or flats (negative) in the signature, -6..6."""
        relative_major = self.tonic if self.mode == "major" else (self.tonic + 3) % 12
        return _MAJOR_FIFTHS[relative_major]


def parse_key(text: str) -> Key:
    """A key from its usual spellings.

    Raises:
        ValueError: naming the text and showing the spellings that work.
    """
    match = _PATTERN.match(text)
    if match is None:
        raise ValueError(
            f"unknown key {text!r}; write a letter A-G, an optional # or b, and major or minor: 'F# minor'"
        )
    letter, accidental, mode = match.groups()
    shift = {"#": 1, "♯": 1, "sharp": 1, "b": -1, "♭": -1, "flat": -1}.get(accidental or "", 0)
    minor = mode in ("minor", "min", "m") or (mode is None and letter.islower())
    return Key((_LETTERS[letter.upper()] + shift) % 12, "minor" if minor else "major")
