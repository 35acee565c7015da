"""Put the third of a chord in the bass where that makes the bass walk by steps: I V/7 vi, IV I/3 ii, vi V/7 I."""

import random
from collections.abc import Sequence

from bandmate_generate.harmony.degrees import DegreeChord, parse_degree

_STEPS = (1, 2)


def walking_bass(bars: Sequence[str], share: float, rng: random.Random) -> list[str]:
    """The bars, with `share` of the chords that could carry the bass stepwise from one root to the next doing so; the
    first and the last chord keep their roots."""
    chords = [(index, parse_degree(text)) for index, bar in enumerate(bars) for text in bar.split()]
    walked: list[list[str]] = [[] for _ in bars]
    for at, (index, chord) in enumerate(chords):
        before = chords[at - 1][1] if at else None
        after = chords[at + 1][1] if at + 1 < len(chords) else None
        if before is not None and after is not None and _connects(before, chord, after) and rng.random() < share:
            chord = DegreeChord(chord.root, chord.quality, _third(chord))
        walked[index].append(chord.text)
    return [" ".join(texts) for texts in walked]


def _third(chord: DegreeChord) -> int:
    return (chord.root + (3 if chord.quality.startswith("m") and not chord.quality.startswith("maj") else 4)) % 12


def _connects(before: DegreeChord, chord: DegreeChord, after: DegreeChord) -> bool:
    """Whether the chord's third lies stepwise between the roots of its neighbours, all going one way."""
    if chord.bass is not None or chord.quality not in ("", "m", "7"):
        return False
    third = _third(chord)
    down = (before.root - third) % 12, (third - after.root) % 12
    up = (third - before.root) % 12, (after.root - third) % 12
    return all(step in _STEPS for step in down) or all(step in _STEPS for step in up)
