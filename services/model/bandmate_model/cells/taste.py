"""How strongly each musical leaning counts: the numbers that config.json may set (`sampling.taste`)."""

from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Taste:
    """How strongly each leaning counts."""

    chromatic: float = 0.0
    """Against pitches outside the scale, and outside the chord asked for where there is one. Styles have more or fewer
    of them, and a network of some training knows how many."""
    chromatic_sung: float = 1.5
    """The same in a melody of given rhythm: a singer has to find them."""
    leap: float = 0.25
    """Against each semitone of a melodic leap beyond a fifth."""
    leap_sung: float = 0.4
    """In a melody of given rhythm: against each semitone of a leap beyond a third. Of the steps in the voices of
    OpenScore's songs 84 % are no wider than that, and 85 % in minor."""
    wide_leap: float = 2.5
    """Against leaps of more than an octave, in a melody."""
    repeat: float = 1.0
    """Against a fourth, fifth… note on the same pitch in a melody."""
    register: float = 0.35
    """Against each semitone beyond a sixth from the middle of a melody's range so far used."""
    recall: float = 2.5
    """In a melody of given rhythm: towards the pitch of four bars ago in the first half of a four-bar phrase, and of
    eight bars ago but for the close of an eight-bar period."""
    phrase_end: float = 1.2
    """Towards the tonic triad where a melody's phrase ends."""
    cadence: float = 3.0
    """Towards the tonic triad in the last bar, doubled for notes that last to the end; the bass and the last note of
    a melody towards the tonic."""
    close: float = 3.0
    """In the last bar: against many notes and late ones, towards notes that last to the end."""
    silence: float = 1.5
    """Towards parts that have rested, for each whole bar."""
    entry: float = 4.0
    """In the first bar: towards the accompanying parts. What has begun goes on."""
    together: float = 5.0
    """In the last bar: towards all parts."""
    monotony: float = 1.0
    """Against yet another repetition of a bar, for each that is already there beyond three."""
    memory: float = 0.5
    """How far a bar's chance of being one of those before is moved from the network's (0) to the style's (1)."""
    chord: float = 5.5
    """Where chords are asked for: against pitches outside, on beats and for long notes; half for short ones between."""
    chord_hold: float = 4.0
    """Against notes held over into another chord."""
    chord_repeat: float = 12.0
    """Against repeating a cell that does not fit the chords."""
    chord_bass: float = 2.0
    """The bass towards the chord's lowest note where the chord begins."""
    density: float = 3.0
    """Against e times too many or too few notes in a bar where a density is asked for."""
    density_bounds: float = 9.0
    """Against numbers of notes with which the density could hardly be reached."""
    key_balance: float = 2.0
    """Where a key is asked for: towards degrees that have sounded too little, against those that have sounded too
    much, for each factor of e (tonality.py)."""
    key_opening: float = 1.0
    """The same: in the first bar towards the tonic triad, the lowest part towards the tonic."""
    key_closing: float = 4.0
    """The same in the last bar."""

    @staticmethod
    def from_config(values: dict[str, Any]) -> "Taste":
        known = {field.name for field in fields(Taste)}
        return Taste(**{name: float(value) for name, value in values.items() if name in known})

    @staticmethod
    def off() -> "Taste":
        return Taste(**{field.name: 0.0 for field in fields(Taste)})
