"""The plan of the tune: which register each section has, and each phrase's contour, motif and ending."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from bandmate_music.theory.keys import Key

from bandmate_generate.form.song_form import SongForm, SongSection

RANGE = 12
"""Semitones that a tune spans before its climax adds one or two."""
_HEIGHT = {"chorus": 1.0, "post-chorus": 0.9, "pre-chorus": 0.55, "bridge": 0.75, "solo": 0.8, "interlude": 0.4}
_ROLES = {1: ("new",), 2: ("new sequence", "new new"), 3: ("new sequence new", "new new return")}
_FOUR = ("new sequence return new", "new new return new", "new new return sequence", "new sequence new return")
_ARCHES = ((0.0, 1.0, -0.3), (-0.6, 0.9, 0.0), (0.6, 0.2, -0.8), (0.3, -0.7, 0.4), (-0.4, 0.4, 0.7))
"""Contours through the start, the middle and the end of a phrase, as parts of the sweep."""


@dataclass(frozen=True, slots=True)
class Register:
    """Lowest and highest pitch of a section's tune, and the middle that it keeps to."""

    low: int
    high: int
    middle: float


@dataclass(frozen=True, slots=True)
class PhrasePlan:
    """A phrase's part in its section: `new`, a `return` of the first one or a `sequence` (it starts elsewhere) of
    `source`; its contour through start, middle and end in semitones from the register's middle; how it ends."""

    role: str
    source: int | None
    contour: tuple[float, float, float]
    ending: str


def tune_window(key: Key, low: int, high: int) -> tuple[int, int]:
    """The pitches that the tune spans: in the middle of the range, from the root, third or fifth of the key."""
    span = min(RANGE, high - low)
    triad = (0, 4, 7) if key.mode == "major" else (0, 3, 7)
    middle = (low + high - span) / 2
    room = min(2, high - low - span)  # For the climax.
    bottoms = [pitch for pitch in range(low, high - span - room + 1) if (pitch - key.tonic) % 12 in triad]
    bottom = min(bottoms, key=lambda pitch: (abs(pitch - middle), pitch), default=low)
    return bottom, bottom + span


def registers(form: SongForm, window: tuple[int, int]) -> dict[str, Register]:
    """The register of each letter: choruses lie above verses; without names the sections of high energy do."""
    heights: dict[str, float] = {}
    for section in form.sections:
        heights.setdefault(section.letter, _height(section, form))
    low, high = window
    span = high - low
    if len(set(heights.values())) == 1:
        return {letter: Register(low, high, low + span * 0.45) for letter in heights}
    result = {}
    for letter, height in heights.items():
        bottom = low + round(height * span * 0.36)
        top = high - round((1 - height) * span * 0.25)
        result[letter] = Register(bottom, top, low + span * (0.36 + 0.34 * height))
    return result


def _height(section: SongSection, form: SongForm) -> float:
    if section.name in _HEIGHT:
        return _HEIGHT[section.name]
    if len(section.name) == 1:
        energies = sorted({other.energy for other in form.sections})
        return energies.index(section.energy) / max(1, len(energies) - 1) if len(energies) > 1 else 0.4
    return 0.0 if any(other.name == "chorus" for other in form.sections) else 0.35


def plan_phrases(count: int, register: Register, is_last_letter: bool, rng: random.Random) -> list[PhrasePlan]:
    """A plan for each of a section's phrases."""
    roles = _roles(count, rng)
    sweep = max(2.0, (register.high - register.low) * 0.42)
    plans = []
    shapes = list(_ARCHES)
    rng.shuffle(shapes)
    lifts = _lifts(count)
    for index, role in enumerate(roles):
        start, middle, end = shapes[index % len(shapes)]
        source = None
        if role == "return":
            source = 4 * ((index - 1) // 4) if index >= 4 else 0
            source = 0 if source == index else source
            start, middle, end = shapes[source % len(shapes)]
        elif role == "sequence":
            source = index - 1
            start, middle, end = shapes[source % len(shapes)]
        lift = lifts[index] * sweep * 0.5
        closed = index + 1 == count or index % 4 == 3
        plans.append(
            PhrasePlan(
                role,
                source,
                (start * sweep + lift, middle * sweep + lift, end * sweep + lift),
                "final" if is_last_letter and index + 1 == count else "closed" if closed else "open",
            )
        )
    return plans


def _lifts(count: int) -> Sequence[float]:
    """How far each phrase lies above the section's middle: the third quarter is the highest."""
    return [
        (-0.5, 0.1, 0.8, -0.1)[min(3, 4 * index // max(4, count)) if count > 4 else index % 4] for index in range(count)
    ]


def _roles(count: int, rng: random.Random) -> list[str]:
    roles: list[str] = []
    while count - len(roles) >= 4:
        four = rng.choice(_FOUR).split()
        if roles:
            four[0] = "return"
        roles += four
    rest = count - len(roles)
    if rest:
        tail = rng.choice(_ROLES[rest]).split()
        if roles:
            tail[0] = rng.choice(("return", "sequence"))
        roles += tail
    return roles
