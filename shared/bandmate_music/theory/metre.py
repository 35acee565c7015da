"""Metres: parsing '6/8' and the length of a bar."""

import re
from dataclasses import dataclass

DENOMINATORS = (1, 2, 4, 8, 16)


@dataclass(frozen=True, slots=True)
class Metre:
    """A time signature."""

    numerator: int
    denominator: int

    @property
    def name(self) -> str:
        return f"{self.numerator}/{self.denominator}"

    def bar_ticks(self, ticks_per_quarter: int) -> int:
        """Length of a bar in ticks; exact for every resolution divisible by 4."""
        return self.numerator * ticks_per_quarter * 4 // self.denominator

    def bar_seconds(self, tempo: float) -> float:
        """Length of a bar in seconds at `tempo` quarter notes a minute."""
        return self.numerator * 4 / self.denominator * 60 / tempo


def parse_metre(text: str) -> Metre:
    """A metre from 'numerator/denominator'.

    Raises:
        ValueError: naming the text and the metres that work.
    """
    match = re.match(r"^\s*(\d{1,2})\s*/\s*(\d{1,2})\s*$", text)
    numerator, denominator = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= numerator <= 16 or denominator not in DENOMINATORS:
        raise ValueError(f"unknown metre {text!r}; write beats 1-16 over 1, 2, 4, 8 or 16: '3/4'")
    return Metre(numerator, denominator)
