"""The strength of every bias: the numbers that config.json may set (`sampling.taste`)."""

from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class BiasWeights:
    """Strengths in natural log units; 1.0 makes a token e times likelier or less likely."""

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
    step: float = 1.0
    """In a melody over stated chords: towards steps of a semitone or a tone. Parts that keep to their chords more
    strictly than real ones make the network skip among the chord's tones: half of the intervals in songs are steps."""
    wide_leap: float = 2.5
    """Against leaps of more than an octave, in a melody."""
    repeat: float = 1.0
    """Against a fourth, fifth… note on the same pitch in a melody."""
    register: float = 0.35
    """Against each semitone beyond a sixth from the middle of a melody's range so far used."""
    phrase_end: float = 1.2
    """Towards the chord asked for, or else the tonic triad, where a melody's phrase ends."""
    cadence: float = 3.0
    """Towards the tonic triad in the last bar, doubled for notes that last to the end; the bass and the last note of
    a melody towards the tonic. Where a chord is asked for, the last note of a melody towards its tones."""
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
    chord_melody: float = 0.0
    """The same in a melody of one note at a time. In songs two of three notes on strong beats are tones of the chord,
    which the network knows by its CHORD tokens; more of them, and the melody becomes an arpeggio."""
    chord_missing: float = 1.5
    """In what accompanies: towards the tones of the chord that no part sounds yet."""
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
    def from_config(values: dict[str, Any]) -> "BiasWeights":
        known_names = {field.name for field in fields(BiasWeights)}
        return BiasWeights(**{name: float(value) for name, value in values.items() if name in known_names})

    @staticmethod
    def off() -> "BiasWeights":
        return BiasWeights(**{field.name: 0.0 for field in fields(BiasWeights)})
