"""Lays out a harmony figure over a section: its rhythm is kept, its notes follow the chords."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bandmate_music.note_rows import NoteRow
from bandmate_music.theory.keys import Key
from bandmate_music.theory.metrical_grid import DOWNBEAT, SIXTEENTH, STRONG_BEAT
from bandmate_shared.contracts.composition import PartSpec

from bandmate_generate.band.chord_line import Chord, ChordLine
from bandmate_generate.band.figures import HarmonyFigure, Layer
from bandmate_generate.band.rhythm import SLOT_TICKS, Stroke
from bandmate_generate.band.section_bars import SectionBars
from bandmate_generate.band.tune_chords import tune_strokes
from bandmate_generate.band.voicing import Voicing, lowest, nearest, place_near, voice_chord
from bandmate_generate.lead.notes import LeadNote

_LOW = "rfopdq"
_HELD = "chtrfopdq"
"""Symbols whose notes are struck again where the chord changes under them."""
_ACCENT, _DOWNBEAT, _DAMPED = 12, 4, -26
_RING_TICKS = 48
_OCTAVE, _BELOW_TUNE, _BELOW_CEILING = 12, 7, 6
_LOWEST_DOUBLED, _APART = 40, 5
"""E2, and the semitones that a doubled bass lies below its chord at least."""
_LINE_SPAN = 6
"""Semitones from the centre at which a line turns back."""
_SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}


@dataclass(slots=True)
class Accompanist:
    """Plays a figure in one part. The voicing moves on from chord to chord within a section, and begins anew in each,
    so that equal sections have equal notes."""

    figure: HarmonyFigure
    spec: PartSpec
    part: int
    chords: ChordLine
    key: Key
    lead: Sequence[LeadNote]
    _ceiling: int | None = None
    _voicings: dict[int, Voicing] = field(default_factory=dict)
    _line: int | None = None
    _direction: int = -1

    def section(self, bars: SectionBars) -> list[NoteRow]:
        """The notes of a section, in no order, not yet within the limits of the part. Where a tune sounds they lie
        below it."""
        self._line, self._direction, self._ceiling = None, -1, bars.ceiling
        self._voicings = self._voice_section(bars)
        if self.figure.follows_tune:
            return self._four_parts(bars)
        return [
            row
            for layer in self.figure.layers(bars.energy)
            for row in self._layer(layer, list(bars.strokes(layer)), bars)
        ]

    def held(self, start: int, end: int) -> list[NoteRow]:
        """The chords between two ticks, held: what a song ends with."""
        rows, before = [], tuple(self._voicings.values())[-1] if self._voicings else ()
        for begin, stop, chord in self.chords.within(start, end):
            before = self._voice(chord, before)
            rows += [NoteRow(self.part, begin, stop - begin, pitch, self.figure.velocity + 6) for pitch in before]
            low = self._low("r", chord)
            if self._cap > len(before) and low is not None and low < before[0] and self._has_low:
                rows.append(NoteRow(self.part, begin, stop - begin, low, self.figure.velocity + 6))
        return rows

    @property
    def _cap(self) -> int:
        return 1 if self.spec.monophonic else self.spec.polyphony or 16

    @property
    def _has_low(self) -> bool:
        layers = (*self.figure.usual, *(self.figure.full or ()))
        return self.figure.follows_tune or any(set(layer.line.four.lower()) & set(_LOW) for layer in layers)

    @property
    def _centre(self) -> int:
        usual = round(self.spec.low + self.figure.place * (self.spec.high - self.spec.low))
        return usual if self._ceiling is None else max(self._low_end, min(usual, self._ceiling - _BELOW_CEILING))

    @property
    def _high_end(self) -> int:
        """The high end of what is not a chord: the tune's register, where the part has an octave below it."""
        if self._ceiling is None or self._ceiling - self._low_end < _OCTAVE:
            return self.spec.high
        return min(self.spec.high, self._ceiling)

    @property
    def _low_end(self) -> int:
        """The low end of what the part plays: a piano's lowest octave is left out."""
        return max(self.spec.low, min(36, self.spec.high - 24))

    def _voice(self, chord: Chord, before: Voicing) -> Voicing:
        voices = min(self.figure.voices, self._cap)
        return voice_chord(chord, voices, self._low_end, self.spec.high, self._centre, before, self._ceiling)

    def _voice_section(self, bars: SectionBars) -> dict[int, Voicing]:
        voicings: dict[int, Voicing] = {}
        before: Voicing = ()
        for start, _, chord in self.chords.within(bars.start, bars.end):
            voicings[start] = before = self._voice(chord, before)
        return voicings

    def _layer(self, layer: Layer, played: Sequence[Stroke], bars: SectionBars) -> list[NoteRow]:
        rows = [row for stroke in played for row in self._stroke(stroke, layer, bars)]
        return self._rung(rows, bars.end) if layer.ring else rows

    def _stroke(self, stroke: Stroke, layer: Layer, bars: SectionBars) -> Iterator[NoteRow]:
        symbol, accented = stroke.symbol.lower(), stroke.symbol.isupper()
        velocity = self.figure.velocity + (_ACCENT if accented else 0) + _place_accent(stroke.start, bars)
        for start, end, chord in self.chords.within(stroke.start, stroke.end):
            if start > stroke.start and (symbol not in _HELD or end - start < 2 * SLOT_TICKS):
                break
            again = "r" if start > stroke.start and symbol == "f" else symbol
            length = end - start
            if layer.gate < 1:
                length = max(SIXTEENTH, round(length * layer.gate / SIXTEENTH) * SIXTEENTH)
            length = min(length, end - start)
            if symbol == "m":
                length, velocity = min(length, SIXTEENTH), self.figure.velocity + _DAMPED
            pitches = self._pitches(again, chord, start, bars)
            if bars.is_peak and accented and symbol == "c":
                pitches += self._doubled_bass(chord, pitches)
            for pitch in pitches:
                yield NoteRow(self.part, start, length, pitch, max(1, min(127, velocity)))

    def _four_parts(self, bars: SectionBars) -> list[NoteRow]:
        """A hymn: the tune on top, two voices of the chord below it and the bass, struck with the tune."""
        rows: list[NoteRow] = []
        before: Voicing = ()
        for stroke in tune_strokes(bars, self.chords, self.lead):
            chord = self.chords.at(stroke.start)
            tops = [note.pitch for note in self.lead if note.onset < stroke.end and note.end > stroke.start]
            bass = self._low("r", chord)
            ceiling = min([self.spec.high, *(top - 1 for top in tops)])
            if tops and ceiling - self._low_end >= _OCTAVE:
                inner = [chord.third, chord.fifth if tops[0] % 12 != chord.fifth else chord.root]
                centre = min(tops) - _BELOW_TUNE
                floor = max(self._low_end, ceiling - 2 * _OCTAVE)
                placed = (place_near(pitch_class, centre, floor, ceiling) for pitch_class in inner)
                before = tuple(sorted({pitch for pitch in placed if pitch is not None}))
            else:
                before = self._voice(chord, before)
            velocity = self.figure.velocity + _place_accent(stroke.start, bars)
            pitches = [*before, *([] if bass is None or bass in before else [bass])][-self._cap :]
            rows += [NoteRow(self.part, stroke.start, stroke.end - stroke.start, pitch, velocity) for pitch in pitches]
        tune = (note for note in self.lead if bars.start <= note.onset < bars.end and self._cap > len(before))
        rows += [NoteRow(self.part, note.onset, note.duration, note.pitch, self.figure.velocity) for note in tune]
        return rows

    def _pitches(self, symbol: str, chord: Chord, tick: int, bars: SectionBars) -> list[int]:
        voicing = self._voicing_at(tick, chord, bars)
        if symbol.isdigit():
            octave, index = divmod(int(symbol) - 1, len(voicing))
            pitch = voicing[index] + 12 * octave
            return [pitch if pitch <= self._high_end else voicing[index]]
        if symbol in _LOW:
            root = self._low(symbol, chord)
            if root is None or symbol in "rf":
                return [voicing[0] if root is None else root]
            step = {"o": (12,), "p": (7, 12), "d": (7,), "q": (9,)}[symbol]
            if symbol in "pd":
                step = ((chord.fifth - chord.root) % 12, *step[1:])
            return [root, *(root + interval for interval in step if root + interval <= self._high_end)]
        if symbol in "lk":
            return [self._next_of_line(symbol, chord, tick)]
        return list({"h": voicing[1:] or voicing, "t": voicing[-1:], "m": voicing[-2:]}.get(symbol, voicing))

    def _doubled_bass(self, chord: Chord, pitches: Sequence[int]) -> list[int]:
        """The chord's bass under its notes, where the part has room for one more: accents of the last chorus."""
        low, high = max(self._low_end, _LOWEST_DOUBLED), min(pitches) - _APART
        pitch = place_near(chord.bass, high, low, high) if len(pitches) < self._cap else None
        return [] if pitch is None else [pitch]

    def _voicing_at(self, tick: int, chord: Chord, bars: SectionBars) -> Voicing:
        start = max(bars.start, max((s for s in self._voicings if s <= tick), default=bars.start))
        return self._voicings.get(start) or self._voice(chord, ())

    def _low(self, symbol: str, chord: Chord) -> int | None:
        """The low note: the bass for r and o, the fifth below or above it for f, the root of a dyad."""
        root = lowest(chord.root if symbol in "pdq" else chord.bass, self._low_end, self.spec.high)
        if root is None or symbol != "f":
            return root
        fifth = chord.fifth if chord.fifth != chord.bass else chord.root
        return place_near(fifth, root, self._low_end, self.spec.high)

    def _next_of_line(self, symbol: str, chord: Chord, tick: int) -> int:
        """The next note of a line that rises and falls about its centre: a chord tone near the last note and not the
        tune's, or a step of the scale."""
        low, high = self._low_end, self._high_end
        before = self._line
        if before is None:
            self._line = place_near(chord.third, self._centre, low, high) or min(max(self._centre, low), high)
            return self._line
        if abs(before - self._centre) >= _LINE_SPAN:
            self._direction = 1 if before < self._centre else -1
        if symbol == "k":
            scale = {(self.key.tonic + step) % 12 for step in _SCALES[self.key.mode]}
            steps = (before + self._direction * size for size in (1, 2))
            self._line = next((pitch for pitch in steps if low <= pitch <= high and pitch % 12 in scale), before)
            return self._line
        sung = {note.pitch % 12 for note in self.lead if note.onset <= tick < note.end}
        tones = [pitch for pitch in range(low, high + 1) if pitch % 12 in chord.classes and pitch != before]
        others = [pitch for pitch in tones if pitch % 12 not in sung] or tones or [before]
        self._line = nearest(others, before + 2 * self._direction)
        return self._line

    def _rung(self, rows: list[NoteRow], end: int) -> list[NoteRow]:
        """The notes sounding on: to the same pitch's next one, the next chord, or for half a bar of 4/4."""
        following: dict[int, int] = {}
        rung = []
        for row in sorted(rows, key=lambda row: -row.onset):
            stop = min(end, row.onset + _RING_TICKS, self.chords.change_after(row.onset), following.get(row.pitch, end))
            following[row.pitch] = row.onset
            rung.append(row._replace(duration=max(row.duration, stop - row.onset)))
        return rung


def _place_accent(tick: int, bars: SectionBars) -> int:
    strength = bars.strength(tick)
    return _DOWNBEAT if strength >= DOWNBEAT else _DOWNBEAT // 2 if strength >= STRONG_BEAT else 0
