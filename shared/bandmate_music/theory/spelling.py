"""Pitches as a reader of notes expects them in a key: F sharp in G major, G flat in D flat major."""

from functools import cache

from bandmate_music.theory.keys import Key

_STEPS = "FCGDAEB"


@cache
def spell(pitch: int, key: Key) -> tuple[str, int, int]:
    """Step letter, alteration (-1 flat, 1 sharp) and octave (4 holds middle C) of a MIDI pitch.

    On the line of fifths a key's scale lies in one stretch of seven; the five notes outside it are taken next to it,
    two flatter and three sharper in major, one flatter and four sharper in minor (whose sixth, seventh and fourth are
    raised). Double accidentals are avoided.
    """
    lowest = key.fifths - (3 if key.mode == "major" else 2)
    fifths = (pitch * 7 - lowest) % 12 + lowest
    if not -8 <= fifths <= 12:  # A double flat or sharp: the plain name reads better.
        fifths += 12 if fifths < 0 else -12
    alter, index = divmod(fifths + 1, 7)
    step = _STEPS[index]
    natural = pitch - alter
    return step, alter, natural // 12 - 1


@cache
def signature_alteration(step: str, fifths: int) -> int:
    """What the key signature does to a step: 1 sharp, -1 flat, 0 nothing."""
    index = _STEPS.index(step)
    if fifths > 0:
        return 1 if index < fifths else 0
    return -1 if 6 - index < -fifths else 0
