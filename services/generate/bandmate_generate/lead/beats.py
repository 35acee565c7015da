"""The beats of a song's bars, which rhythms are made of."""

from typing import NamedTuple

from bandmate_music.theory.bars import Bars
from bandmate_music.theory.metre import Metre
from bandmate_music.theory.metrical_grid import QUARTER, SIXTEENTH, beat_ticks, is_compound, strength

from bandmate_generate.lead.statistics import STRENGTHS


class Beat(NamedTuple):
    """A beat; onset and length in ticks from the start of the song. `kind` is 0 on a bar's first beat, 1 on another
    strong one, 2 on a weak one. `slots` are the ticks on which a note may begin, `levels` their index in STRENGTHS."""

    onset: int
    length: int
    kind: int
    compound: bool
    slots: tuple[int, ...]
    levels: tuple[int, ...]

    @property
    def end(self) -> int:
        return self.onset + self.length


def beats_of(frame: Bars, first_bar: int, end_bar: int, finest: int) -> list[Beat]:
    """The beats of bars `first_bar`..`end_bar`; a note may begin every `finest` ticks of a bar."""
    beats = []
    for index in range(first_bar, end_bar):
        bar = frame[index]
        compound = is_compound(bar.metre)
        length = beat_ticks(bar.metre) if compound else min(beat_ticks(bar.metre), QUARTER)
        for position in range(0, bar.length, length):
            size = min(length, bar.length - position)
            slots = tuple(
                tick
                for tick in range(position, position + size, SIXTEENTH)
                if tick % finest == 0 and bar.length - tick >= finest
            )
            beats.append(
                Beat(
                    bar.onset + position,
                    size,
                    min(2, level_at(position, bar.metre)),
                    compound,
                    tuple(bar.onset + tick for tick in slots),
                    tuple(level_at(tick, bar.metre) for tick in slots),
                )
            )
    return beats


def level_at(position: int, metre: Metre) -> int:
    """Index in STRENGTHS of a tick of the bar."""
    return STRENGTHS.index(strength(position, metre))


def song_level(tick: int, frame: Bars) -> int:
    """Index in STRENGTHS of a tick of the song."""
    bar = frame[frame.at(tick)]
    return level_at(tick - bar.onset, bar.metre)
