"""Lays out a bass figure over a section."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bandmate_music.note_rows import NoteRow
from bandmate_music.theory.keys import Key
from bandmate_music.theory.metrical_grid import EIGHTH, SIXTEENTH, STRONG_BEAT
from bandmate_shared.contracts.composition import PartSpec

from bandmate_generate.band.chord_line import Chord, ChordLine
from bandmate_generate.band.figures import CALM_BELOW, BassFigure, Layer
from bandmate_generate.band.rhythm import Stroke
from bandmate_generate.band.section_bars import SectionBars
from bandmate_generate.band.voicing import place_near

_LOWEST = 28
"""The low E of a bass: a wider range than an instrument's is not used."""
_SPAN = 19
_ACCENT, _STRONG, _DAMPED = 10, 4, -30
_SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}


@dataclass(slots=True)
class Bassist:
    """Plays a figure in one part; begins anew in each section, so that equal sections have equal notes."""

    figure: BassFigure
    spec: PartSpec
    part: int
    chords: ChordLine
    key: Key
    _before: int | None = None
    _earlier: int | None = None

    def section(self, bars: SectionBars, kicks: Sequence[int]) -> list[NoteRow]:
        """The notes of a section, one after the other. `kicks` are the kick drum's ticks, empty where there is none."""
        self._before = self._earlier = None
        layer = self.figure.layer(bars.energy)
        played = list(bars.strokes(layer))
        if self.figure.locks and kicks and bars.energy >= CALM_BELOW:
            played = _locked(played, bars, kicks)
        return [row for stroke in played for row in self._stroke(stroke, layer, bars)]

    def held(self, start: int, end: int) -> list[NoteRow]:
        """The basses between two ticks, held: what a song ends with."""
        rows = []
        for begin, stop, chord in self.chords.within(start, end):
            self._before = self._place(chord.bass)
            rows.append(NoteRow(self.part, begin, stop - begin, self._before, self.figure.velocity + 4))
        return rows

    @property
    def _low(self) -> int:
        return max(self.spec.low, min(_LOWEST, self.spec.high - 12))

    @property
    def _high(self) -> int:
        return min(self.spec.high, max(self._low + _SPAN, 48)) if self.spec.high >= self._low else self.spec.high

    def _stroke(self, stroke: Stroke, layer: Layer, bars: SectionBars) -> Iterator[NoteRow]:
        symbol, accented = stroke.symbol.lower(), stroke.symbol.isupper()
        for start, end, chord in self.chords.within(stroke.start, stroke.end):
            ahead = symbol == "n" and start == stroke.start
            if start > stroke.start and end - start < EIGHTH:
                break
            if symbol == "n" and start > stroke.start and self._is_ahead(stroke, chord):
                break  # The bass of this chord sounds already.
            sounding = self._next_bar_chord(stroke.start, bars) if ahead else chord
            stop = stroke.end if ahead and self._holds(stroke, sounding) else end
            is_first = start > stroke.start or start == bars.start
            pitch = self._pitch("r" if is_first or ahead else symbol, sounding, start, bars)
            length = stop - start
            if layer.gate < 1:
                length = min(length, max(SIXTEENTH, round(length * layer.gate / SIXTEENTH) * SIXTEENTH))
            velocity = self.figure.velocity + (_ACCENT if accented else 0)
            velocity += _STRONG if bars.strength(start) >= STRONG_BEAT else 0
            if symbol == "x":
                length, velocity = SIXTEENTH, velocity + _DAMPED
            self._earlier, self._before = self._before, pitch
            yield NoteRow(self.part, start, length, pitch, max(1, min(127, velocity)))

    def _is_ahead(self, stroke: Stroke, chord: Chord) -> bool:
        return self.chords.at(min(stroke.end - 1, self.chords.change_after(stroke.start))).bass == chord.bass

    def _holds(self, stroke: Stroke, chord: Chord) -> bool:
        """Whether the chord lasts to the stroke's end, so that one note serves for both."""
        return self.chords.at(stroke.end - 1).bass == chord.bass

    def _next_bar_chord(self, tick: int, bars: SectionBars) -> Chord:
        following = next((bar.onset for bar in bars.bars if bar.onset > tick), None)
        return self.chords.at(tick if following is None else following)

    def _pitch(self, symbol: str, chord: Chord, tick: int, bars: SectionBars) -> int:
        is_new = self.chords.stretch_start(tick) == tick
        if symbol in "rx" or (symbol == "w" and is_new) or (symbol in "ftsv" and tick in bars.onsets):
            return self._place(chord.bass)
        root = self._place(chord.bass)
        if symbol == "o":
            return root + 12 if root + 12 <= self.spec.high else root - 12 if root - 12 >= self._low else root
        if symbol == "w":
            return self._walked(chord, tick)
        if symbol == "a":
            return self._approach(chord, tick)
        seventh = chord.degree(10, 11)
        wanted = {
            "f": chord.fifth if chord.fifth != chord.bass else chord.root,
            "t": chord.third,
            "s": (chord.root + 9) % 12,
            "v": chord.fifth if seventh is None else seventh,
        }[symbol]
        near = root if self._before is None else self._before
        return self._inside(place_near(wanted, near, self._low, self.spec.high), root)

    def _place(self, pitch_class: int) -> int:
        """The pitch of a bass note: low, and not far from the note before."""
        low, high = self._low, self._high
        centre = low + 7
        target = centre if self._before is None else round(0.5 * centre + 0.5 * self._before)
        return self._inside(place_near(pitch_class, target, low, high), centre)

    def _inside(self, pitch: int | None, otherwise: int) -> int:
        return min(max(otherwise if pitch is None else pitch, self.spec.low), self.spec.high)

    def _target(self, tick: int) -> int | None:
        """The pitch of the next chord's bass; None where the song ends before."""
        change = self.chords.change_after(tick)
        return None if change >= self.chords.end else self._place(self.chords.at(change).bass)

    def _approach(self, chord: Chord, tick: int) -> int:
        """A step of the scale to the next chord's bass; the fifth where it is the same."""
        target, before = self._target(tick), self._before
        if target is None or before is None or target % 12 == chord.bass:
            return self._inside(
                place_near(chord.fifth, before or self._low + 7, self._low, self.spec.high), target or 0
            )
        scale = {(self.key.tonic + step) % 12 for step in _SCALES[self.key.mode]}
        direction = -1 if before <= target else 1
        steps = [target + direction * size for size in (2, 1)] + [target - direction * size for size in (2, 1)]
        fitting = [pitch for pitch in steps if pitch % 12 in scale and self._low <= pitch <= self.spec.high]
        return self._inside(fitting[0] if fitting else target, target)

    def _walked(self, chord: Chord, tick: int) -> int:
        """A step of a walk: chord tones and scale steps towards the next bass, the last one a semitone beside it."""
        before, target = self._before, self._target(tick)
        if before is None:
            return self._place(chord.bass)
        change = self.chords.change_after(tick)
        if target is not None and change - tick <= EIGHTH * 3:
            sides = [target - 1, target + 1] if before <= target else [target + 1, target - 1]
            fitting = [pitch for pitch in sides if self._low <= pitch <= self.spec.high and pitch != before]
            return self._inside(fitting[0] if fitting else target, target)
        aim = target if target is not None else self._place(chord.bass)
        upward = before < aim or (before == aim and before < self._low + 9)
        tones = [
            pitch
            for pitch in range(max(self._low, before - 9), min(self.spec.high, self._low + _SPAN, before + 9) + 1)
            if pitch % 12 in chord.classes and pitch != before
        ]
        return min(tones, key=lambda pitch: self._walk_cost(pitch - before, pitch, aim, upward), default=before)

    def _walk_cost(self, interval: int, pitch: int, aim: int, upward: bool) -> float:
        """Thirds and fourths towards the aim are a walk; semitones and a return to the note before last are not."""
        size = 0.0 if abs(interval) in (3, 4, 5) else 0.6 if abs(interval) in (2, 7) else 1.4
        turned = 0.0 if (interval > 0) == upward else 0.9
        return size + turned + 0.08 * abs(pitch - aim) + (2.5 if pitch == self._earlier else 0.0)


def _locked(played: Sequence[Stroke], bars: SectionBars, kicks: Sequence[int]) -> list[Stroke]:
    """The strokes on the kick drum's beats and the bar lines; octaves and approaches stay where they are in between."""
    inside = {tick for tick in kicks if bars.start <= tick < bars.end}
    between = {stroke.start: stroke.symbol for stroke in played if stroke.symbol.lower() in "oav"}
    starts = sorted(inside | set(bars.onsets))
    symbols = {start: "R" if start in bars.onsets else "r" for start in starts}
    for start, symbol in between.items():
        if all(abs(start - other) >= EIGHTH for other in starts):
            symbols[start] = symbol
    ordered = sorted(symbols)
    spaced = [start for index, start in enumerate(ordered) if _is_kept(ordered, index, bars)]
    locked = [Stroke(start, end, symbols[start]) for start, end in zip(spaced, [*spaced[1:], bars.end], strict=True)]
    return [stroke._replace(end=min(stroke.end, bars.bar_end(stroke.start))) for stroke in locked]


def _is_kept(starts: Sequence[int], index: int, bars: SectionBars) -> bool:
    """Whether a stroke is far enough from the one before; a bar line always is."""
    return index == 0 or starts[index] in bars.onsets or starts[index] - starts[index - 1] >= EIGHTH
