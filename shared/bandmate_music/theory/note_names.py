"""Notes by name: 'C4' is middle C, MIDI pitch 60 (scientific pitch notation)."""

import re

_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_PATTERN = re.compile(r"^\s*([A-Ga-g])\s*(##|#|♯|bb|b|♭)?\s*(-?\d)\s*$")
ACCIDENTALS = {"": 0, "#": 1, "♯": 1, "##": 2, "b": -1, "♭": -1, "bb": -2}


def parse_note(text: str) -> int:
    """The MIDI pitch of a note's name, or of a number written out.

    Raises:
        ValueError: it is neither, or not within MIDI's 0 to 127.
    """
    match = _PATTERN.match(text)
    if match is not None:
        letter, accidental, octave = match.groups()
        pitch = 12 * (int(octave) + 1) + _LETTERS[letter.upper()] + ACCIDENTALS[accidental or ""]
    elif re.fullmatch(r"\s*\d{1,3}\s*", text):
        pitch = int(text)
    else:
        raise ValueError(f"unknown note {text!r}; write a letter, perhaps # or b, and an octave: 'C4' is middle C")
    if not 0 <= pitch <= 127:
        raise ValueError(f"the note {text!r} is beyond MIDI, which goes from C-1 (0) to G9 (127)")
    return pitch


def note_name(pitch: int) -> str:
    """'C4' for 60."""
    return f"{_NAMES[pitch % 12]}{pitch // 12 - 1}"
