"""Finds what each part of a piece does: melody, bass, harmony or drums."""

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from bandmate_music.instrument_names import named_instrument
from bandmate_music.instruments import BASS_PROGRAMS, VOICE_PROGRAMS

Role = Literal["melody", "harmony", "bass", "drums"]

_SYNTH_LEADS = range(80, 88)
_LEADER = re.compile(r"melody|lead|vocal|voice|soprano|solo|gesang|singer", re.IGNORECASE)
_BASS = re.compile(r"\bbass\b", re.IGNORECASE)
_LINE_SHARE = 0.85
"""Onsets per note from which a part counts as one line: nearly no two notes begin together."""
_BASS_BELOW = 57.0
"""A part whose mean pitch lies below A3 can be the bass."""
_MIN_ACTIVITY = 8
"""The melody has at least one onset for so many of the busiest part."""


class PartProfile(NamedTuple):
    """What the role of a part is judged by. Counts are of the whole piece; `onsets` counts simultaneous notes once."""

    name: str
    program: int
    is_drum: bool
    mean_pitch: float
    notes: int
    onsets: int

    @property
    def is_line(self) -> bool:
        """Whether it plays one note at a time."""
        return self.notes > 0 and self.onsets >= _LINE_SHARE * self.notes

    @property
    def is_bass(self) -> bool:
        """Whether its instrument or name says that it is the bass."""
        named = named_instrument(self.name) if self.name else None
        says_bass = _BASS.search(self.name) is not None or (named is not None and named.kind == "bass")
        return self.program in BASS_PROGRAMS or says_bass

    @property
    def leads(self) -> bool:
        """Whether its instrument or name says that it has the melody."""
        by_program = self.program in VOICE_PROGRAMS or self.program in _SYNTH_LEADS
        return by_program or _LEADER.search(self.name) is not None


def find_roles(parts: Sequence[PartProfile], *, require_melody: bool = False) -> list[Role]:
    """A role for each part.

    Bass are the parts that say so, or else the lowest part, if it is a low line. Melody is at most one: of the other
    lines the highest that says so, or else the highest; with `require_melody` the highest part where there is no line.
    """
    roles: list[Role] = ["drums" if part.is_drum else "harmony" for part in parts]
    pitched = [index for index, part in enumerate(parts) if not part.is_drum and part.notes]
    basses = [index for index in pitched if parts[index].is_bass]
    if not basses and len(pitched) > 1:
        lowest = min(pitched, key=lambda index: parts[index].mean_pitch)
        basses = [lowest] if parts[lowest].is_line and parts[lowest].mean_pitch < _BASS_BELOW else []
    for index in basses:
        roles[index] = "bass"
    busiest = max((parts[index].onsets for index in pitched), default=0)
    harmony_parts = [index for index in pitched if roles[index] == "harmony"]
    lines = [
        index for index in harmony_parts if parts[index].is_line and parts[index].onsets * _MIN_ACTIVITY >= busiest
    ]
    candidates = [index for index in lines if parts[index].leads] or lines
    if not candidates and require_melody:
        candidates = [index for index in harmony_parts if parts[index].leads] or harmony_parts
    if candidates:
        roles[max(candidates, key=lambda index: parts[index].mean_pitch)] = "melody"
    return roles
