"""What a figure is: lines of rhythm whose characters say which notes of the chord sound.

A figure keeps its rhythm through a section and changes its notes with the chords. Characters of harmony parts (capital:
accented):

    c all notes of the voicing   h all but the lowest      t the highest        1-9 one of them, counted from below
    r the chord's bass, low      f its fifth, low          o bass and octave    p root, fifth and octave, low
    d root and fifth, low        q root and sixth, low     m the two highest, damped
    l the next note of a line    k a step between two of them

Of bass parts: r the chord's bass, f fifth, t third, s sixth, v seventh, o octave, w a step of a walk, a the approach to
the next chord's bass, n the bass of the chord at the next bar line, x damped.
"""

from dataclasses import dataclass

from bandmate_generate.band.rhythm import Line

CALM_BELOW, FULL_FROM = 0.45, 0.72
"""Energies of a section below which a figure is calm, and from which it is full."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A line with how it is played. `turn` replaces it in the last bar of a phrase. `gate` is the share of a note that
    sounds. `ring`: notes sound on, to the next low note or the next chord, half a bar at most."""

    line: Line
    turn: Line | None = None
    gate: float = 1.0
    ring: bool = False


@dataclass(frozen=True, slots=True)
class HarmonyFigure:
    """A figure of a harmony part. `calm` and `full` are played at low and high energy, `usual` else.

    `voices` are the notes of the voicing, centred at `place` (0-1) of the part's range; `velocity` is that of a plain
    note. `follows_tune`: chords are struck with the notes of the tune, in four parts.
    """

    usual: tuple[Layer, ...]
    calm: tuple[Layer, ...] | None = None
    full: tuple[Layer, ...] | None = None
    voices: int = 4
    place: float = 0.55
    velocity: int = 74
    follows_tune: bool = False

    def layers(self, energy: float) -> tuple[Layer, ...]:
        """What is played at that energy."""
        if energy < CALM_BELOW and self.calm is not None:
            return self.calm
        if energy >= FULL_FROM and self.full is not None:
            return self.full
        return self.usual


@dataclass(frozen=True, slots=True)
class BassFigure:
    """A figure of a bass part, in the same three degrees. `locks`: the bass plays with the kick drum, where there is
    one; the lines are what it plays without."""

    usual: Layer
    calm: Layer | None = None
    full: Layer | None = None
    locks: bool = False
    velocity: int = 84

    def layer(self, energy: float) -> Layer:
        """What is played at that energy."""
        if energy < CALM_BELOW and self.calm is not None:
            return self.calm
        if energy >= FULL_FROM and self.full is not None:
            return self.full
        return self.usual


def layer(
    four: str,
    three: str | None = None,
    six: str | None = None,
    *,
    turn: str | None = None,
    turn_three: str | None = None,
    gate: float = 1.0,
    ring: bool = False,
) -> Layer:
    """A layer with its lines in 4/4, 3/4 and 6/8; `turn` in 4/4, `turn_three` in 3/4."""
    return Layer(Line(four, three, six), None if turn is None else Line(turn, turn_three), gate, ring)
