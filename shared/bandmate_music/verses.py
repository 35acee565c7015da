"""Which verse of a song's words is sung."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verses:
    """`verse`: the one sung in every pass; None: each pass of a repeat sings its own. `every`: all verses in order."""

    verse: int | None = None
    every: bool = False
