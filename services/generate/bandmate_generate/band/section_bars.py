"""A section as the figures see it: its bars, and the rhythm of a line in them."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from bandmate_music.theory.bars import Bar, Bars
from bandmate_music.theory.metrical_grid import strength

from bandmate_generate.band.figures import Layer
from bandmate_generate.band.rhythm import Stroke, line_in_bar, strokes
from bandmate_generate.form.song_form import SongSection

PHRASE_BARS = 4


@dataclass(frozen=True)
class SectionBars:
    """The bars of a section, the energy at which its figures are chosen, which is that of its first hearing, and the
    highest pitch of chords below the tune (None: free). `is_peak`: it is a return and the loudest section."""

    section: SongSection
    bars: tuple[Bar, ...]
    energy: float
    ceiling: int | None = None
    is_peak: bool = False

    @staticmethod
    def of(
        section: SongSection, frame: Bars, energy: float, ceiling: int | None = None, *, is_peak: bool = False
    ) -> "SectionBars":
        bars = tuple(frame[bar] for bar in range(section.first_bar, min(section.end_bar, len(frame))))
        return SectionBars(section, bars, energy, ceiling, is_peak)

    @property
    def start(self) -> int:
        return self.bars[0].onset

    @property
    def end(self) -> int:
        return self.bars[-1].end

    @cached_property
    def onsets(self) -> tuple[int, ...]:
        """The ticks of the bar lines."""
        return tuple(bar.onset for bar in self.bars)

    def bar_end(self, tick: int) -> int:
        """Where the bar of a tick ends."""
        return self._bar(tick).end

    def strength(self, tick: int) -> float:
        """How strong the metrical place of a tick is, 0 to 1."""
        bar = self._bar(tick)
        return strength(tick - bar.onset, bar.metre)

    def _bar(self, tick: int) -> Bar:
        return self.bars[max(0, bisect_right(self.onsets, tick) - 1)]

    def is_turn(self, number: int) -> bool:
        """Whether the bar (0 is the section's first) ends a phrase of eight bars or the section."""
        return number == len(self.bars) - 1 or number % (2 * PHRASE_BARS) == 2 * PHRASE_BARS - 1

    def strokes(self, layer: Layer) -> Iterator[Stroke]:
        """The notes of a layer, with its turn where a phrase ends."""
        lines = (
            layer.turn if layer.turn is not None and len(self.bars) > 1 and self.is_turn(number) else layer.line
            for number in range(len(self.bars))
        )
        return strokes(
            (bar.onset, bar.length, line_in_bar(line, bar.metre, bar.length, number))
            for number, (bar, line) in enumerate(zip(self.bars, lines, strict=True))
        )
