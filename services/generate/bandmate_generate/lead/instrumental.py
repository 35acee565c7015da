"""Lines for an instrument that plays the tune: as many notes as a phrase would have syllables, with stresses."""

import random

from bandmate_generate.form.song_form import SongSection
from bandmate_generate.lead.idioms import Idiom
from bandmate_generate.lyrics.lines import Line, Syllable

_FEET = ((1.0, 0.1), (0.1, 1.0), (1.0, 0.1, 0.1), (1.0, 0.1, 0.4, 0.1))
"""Trochee, iamb, dactyl, and the trochee of folk verse with its lighter second beat."""
_QUIET = 0.4
"""In an intro or outro of less energy the tune rests."""
_PHRASE_SECONDS = 4.5
_MAX_NOTES = 18


def plays(section: SongSection) -> bool:
    """Whether the instrument plays in the section."""
    return not (section.name in ("intro", "outro") and section.energy < _QUIET)


def invented_lines(
    section: SongSection, bar_seconds: float, tempo: float, max_per_bar: int, idiom: Idiom, rng: random.Random
) -> tuple[Line, ...]:
    """A line for every two bars (four where bars are short, one where they are long), varied one after the other."""
    bars = 2 if bar_seconds * 2 >= _PHRASE_SECONDS * 0.6 else 4
    bars = 1 if bar_seconds > _PHRASE_SECONDS else bars
    count = max(1, section.bars // bars)
    per_phrase = min(bars, section.bars)
    density = idiom.density * (tempo / 100) ** 0.35 * (0.85 + 0.3 * section.energy)
    usual = density * bar_seconds * per_phrase * 0.82
    most = max(1, min(_MAX_NOTES, per_phrase * max_per_bar))
    foot = rng.choice(_FEET)
    lines = []
    sizes: list[int] = []
    for number in range(count):
        size = round(usual) + rng.choice((-2, -1, 0, 0, 1, 2))
        if number % 4 == 2 and rng.random() < 0.6:
            size = sizes[number - 2]
        sizes.append(min(most, max(2, size)))
        stresses = [foot[index % len(foot)] for index in range(sizes[-1] - 1)] + [1.0]
        for index in range(len(stresses) - 1):
            if rng.random() < 0.12:
                stresses[index] = 1.0 - stresses[index] if stresses[index] in (0.1, 1.0) else 0.1
        last = len(stresses) - 1
        lines.append(
            Line(tuple(Syllable("la", stress, True, index == last) for index, stress in enumerate(stresses)), 0)
        )
    return tuple(lines)
