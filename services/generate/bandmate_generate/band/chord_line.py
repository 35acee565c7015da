"""The chord of every moment: the chords of a form without gaps."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bandmate_music.theory.keys import Key
from bandmate_shared.contracts.composition import ChordSpan


class Chord(NamedTuple):
    """Pitch classes: root, bass, and all of them from the root upwards."""

    root: int
    bass: int
    classes: tuple[int, ...]

    def degree(self, *steps: int) -> int | None:
        """The pitch class the first of these semitones above the root that the chord has; None: it has none."""
        return next(((self.root + step) % 12 for step in steps if (self.root + step) % 12 in self.classes), None)

    @property
    def fifth(self) -> int:
        """The fifth, altered where the chord's is, perfect where it has none."""
        found = self.degree(7, 6, 8)
        return (self.root + 7) % 12 if found is None else found

    @property
    def third(self) -> int:
        """The third, or what is suspended in its place; the fifth where there is neither."""
        found = self.degree(4, 3, 5, 2)
        return self.fifth if found is None else found


class _Stretch(NamedTuple):
    start: int
    end: int
    chord: Chord


@dataclass(frozen=True)
class ChordLine:
    """Chords one after the other from tick 0 to the end of the song."""

    stretches: tuple[_Stretch, ...]
    starts: tuple[int, ...]

    @staticmethod
    def of(spans: Sequence[ChordSpan], key: Key, end: int) -> "ChordLine":
        """Where no chord is given, the one before holds; before the first one, that one; without any, the tonic."""
        third = 4 if key.mode == "major" else 3
        tonic = Chord(key.tonic, key.tonic, (key.tonic, (key.tonic + third) % 12, (key.tonic + 7) % 12))
        chords: list[tuple[int, Chord]] = []
        for span in spans:
            classes = tuple(sorted(span.pitch_classes, key=lambda pitch_class: (pitch_class - span.root) % 12))
            chord = Chord(span.root, span.root if span.bass is None else span.bass, classes)
            if span.onset < end and (not chords or chords[-1][1] != chord):
                chords.append((span.onset, chord))
        chords = [(0, chords[0][1] if chords else tonic), *chords[1:]]
        ends = [*(start for start, _ in chords[1:]), end]
        stretches = tuple(_Stretch(start, stop, chord) for (start, chord), stop in zip(chords, ends, strict=True))
        return ChordLine(stretches, tuple(stretch.start for stretch in stretches))

    def at(self, tick: int) -> Chord:
        """The chord at a tick."""
        return self._stretch(tick).chord

    def change_after(self, tick: int) -> int:
        """The tick at which the chord of this tick ends."""
        return self._stretch(tick).end

    def stretch_start(self, tick: int) -> int:
        """The tick at which the chord of this tick begins."""
        return self._stretch(tick).start

    @property
    def end(self) -> int:
        return self.stretches[-1].end

    def within(self, start: int, end: int) -> Iterator[tuple[int, int, Chord]]:
        """The chords between two ticks, each with its part of the time."""
        while start < end:
            stop = min(end, self.change_after(start))
            yield start, stop, self.at(start)
            start = stop if stop > start else end

    def _stretch(self, tick: int) -> _Stretch:
        return self.stretches[max(0, bisect_right(self.starts, tick) - 1)]
