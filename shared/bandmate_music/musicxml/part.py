"""One part of a MusicXML score, measure by measure, with positions within the measure in ticks."""

import re
from collections import Counter
from dataclasses import dataclass, replace
from math import isfinite
from typing import Generic, TypeVar
from xml.etree.ElementTree import Element

from bandmate_music.general_midi import DRUM_STAFF, is_drum_pitch
from bandmate_music.musicxml.harmony import symbol_of
from bandmate_music.musicxml.jumps import barline_jumps, direction_jumps, sound_jumps
from bandmate_music.musicxml.lyrics import WrittenSyllable, read_lyrics
from bandmate_music.musicxml.order import Jumps
from bandmate_music.musicxml.score_part import ScorePart
from bandmate_music.musicxml.values import decimal_number, text_of, whole_number
from bandmate_music.theory.keys import Key
from bandmate_music.theory.metre import Metre

T = TypeVar("T")

_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_VALUES = ["maxima", "long", "breve", "whole", "half", "quarter", "eighth", "16th", "32nd", "64th"]
_BEATS = {name: 32.0 / 2**halvings for halvings, name in enumerate(_VALUES)}
_MINOR_MODES = frozenset(("minor", "aeolian", "dorian", "phrygian", "locrian"))
_DENOMINATORS = frozenset((1, 2, 4, 8, 16, 32))
_DEFAULT_VELOCITY = 80
_MAX_TICKS = 2**31
_SNARE = 38
_GRACE = 8
"""A grace note that is sung lasts a quarter note divided by this, at most half of its main note."""


@dataclass(slots=True)
class ReadNote:
    """A written note: position within its measure and duration in ticks, before ties are joined.

    `chord_end`: where its chord ends, which a tied note may end before. `line`: the staff and the voice. `slurred`: a
    slur leads to it. `only_sung`: a cue or grace note, which sounds only where it has words of its own and they are
    sung; `delay`: ticks by which the note is then late.
    """

    measure: int
    position: int
    duration: int
    pitch: int
    velocity: int
    tied_from: bool
    tied_to: bool
    chord_end: int
    line: tuple[str, str]
    slurred: bool
    only_sung: bool = False
    delay: int = 0


@dataclass(slots=True)
class ReadSyllable:
    """What the lyric lines have under a note; `only_sung` and `delay` as of the note."""

    measure: int
    position: int
    line: tuple[str, str]
    syllables: list[WrittenSyllable]
    only_sung: bool = False
    delay: int = 0


@dataclass(slots=True)
class ReadChange(Generic[T]):
    measure: int
    position: int
    value: T


@dataclass(slots=True)
class _Measure:
    index: int
    position: int = 0
    reached: int = 0
    rested: int = 0
    chord: int = 0
    chord_end: int = 0


class PartReader:
    """Collects what one part says. `lengths` are the ticks that each measure's content takes, 0 for an empty one.

    `divisions`: those that the part states first; they hold for the notes before them too.
    """

    def __init__(self, described: Element, resolution: int, divisions: float = 1.0) -> None:
        self.described = ScorePart(described)
        self.identifier, self.name = self.described.identifier, self.described.name
        self.resolution = resolution
        self.jumps: list[Jumps] = []
        self.numbers: list[str] = []
        self.left_out: Counter[str] = Counter()
        self.notes: list[ReadNote] = []
        self.syllables: list[ReadSyllable] = []
        self.tempi: list[ReadChange[float]] = []
        self.metres: list[ReadChange[Metre]] = []
        self.keys: list[ReadChange[Key]] = []
        self.sections: list[ReadChange[str]] = []
        self.chords: list[ReadChange[str]] = []
        self.lengths: list[int] = []
        self.unpitched = 0
        self.is_in_choir = False
        """Whether "Bass" is the name of a singer."""
        self._divisions = divisions
        self._bar = 4 * resolution
        self._transposition = 0
        self._transposition_of: dict[str, int] = {}
        """Of single staves."""
        self._velocity = _DEFAULT_VELOCITY
        self._waiting: dict[tuple[str, str], list[tuple[int | None, list[WrittenSyllable]]]] = {}
        self._slurs: dict[tuple[str, str], set[str]] = {}

    @property
    def is_drum(self) -> bool:
        if self.described.is_on_drum_channel or self.unpitched * 2 > len(self.notes):
            return True
        is_kit = self.described.is_called_drums and not self.syllables
        return is_kit and all(is_drum_pitch(note.pitch) for note in self.notes)

    @property
    def program(self) -> int:
        return self.described.program(sings_bass=self.is_in_choir or bool(self.syllables))

    @property
    def events(self) -> int:
        """How much has been kept of the part so far."""
        changes = len(self.tempi) + len(self.metres) + len(self.keys) + len(self.sections) + len(self.chords)
        return len(self.notes) + sum(len(each.syllables) for each in self.syllables) + changes

    def measure(self, element: Element) -> None:
        """Reads the next measure.

        Raises:
            ValueError: a number that is none, or that no piece reaches.
        """
        measure = _Measure(len(self.lengths))
        self.jumps.append(Jumps())
        self.numbers.append(element.get("number", "")[:16])
        for child in element:
            if child.tag == "note":
                self._note(child, measure)
            elif child.tag == "backup":
                measure.position = max(0, measure.position - self._ticks(child.find("duration")))
            elif child.tag == "forward":
                self._advance(measure, self._ticks(child.find("duration")))
            elif child.tag == "attributes":
                self._attributes(child, measure)
            elif child.tag == "direction":
                self._direction(child, measure)
            elif child.tag == "harmony":
                if symbol := symbol_of(child):
                    self.chords.append(self._mark(symbol, measure, self._offset(child)))
            elif child.tag == "sound":
                self._sound(child, measure, 0)
                self.jumps[-1].add(sound_jumps(child))
            elif child.tag == "barline":
                self.jumps[-1].add(barline_jumps(child))
        is_upbeat = element.get("implicit") == "yes"
        self.lengths.append(measure.reached or (measure.rested if is_upbeat else 0))

    def _advance(self, measure: _Measure, ticks: int) -> None:
        measure.position += ticks
        measure.reached = max(measure.reached, measure.position)
        if measure.reached >= _MAX_TICKS:
            raise ValueError("a measure of more than 2,147,483,647 ticks")

    def _note(self, element: Element, measure: _Measure) -> None:
        child = {sub.tag: sub for sub in reversed(element)}  # Of repeated children the first.
        line = text_of(child.get("staff")) or "1", text_of(child.get("voice")) or "1"
        if "grace" in child:
            if "lyric" in child:
                self._waiting.setdefault(line, []).append((self._pitch(child), read_lyrics(element)))
            return
        duration = self._ticks(child["duration"]) if "duration" in child else self._written_value(child)
        is_rest = "rest" in child and "chord" not in child and "lyric" not in child
        if is_rest and measure.position == 0 and self._rests_all_bar(child, measure, duration):
            return
        if "chord" in child:
            onset = measure.chord
            measure.reached = max(measure.reached, onset + duration)
        else:
            onset = measure.chord = measure.position
            self._advance(measure, duration)
            measure.chord_end = measure.position
        if "rest" in child:
            if "lyric" in child and (under := read_lyrics(element)):
                self.syllables.append(ReadSyllable(measure.index, onset, line, under))
            return
        if "cue" in child and "lyric" not in child:
            return
        if "lyric" not in child and text_of(child.get("notehead")).startswith("slash"):
            self.left_out["rhythm slashes"] += 1
            return
        pitch = self._pitch(child)
        if pitch is None or not 0 <= pitch <= 127:
            self.left_out["notes outside the range of MIDI pitches"] += pitch is not None
            return
        if duration == 0:
            self.left_out["notes without a length"] += 1
            if "lyric" in child:
                self._waiting.setdefault(line, []).append((None, read_lyrics(element)))
            return
        ties = {tie.get("type") for tie in element.iter("tie")} or {tie.get("type") for tie in element.iter("tied")}
        velocity = self._velocity
        if dynamics := element.get("dynamics"):
            velocity = _velocity(dynamics)
        is_first = "chord" not in child
        slurred = self._is_slurred(element, line) if is_first or "notations" in child else False
        note = ReadNote(
            measure.index,
            onset,
            duration,
            pitch,
            velocity,
            "stop" in ties,
            "start" in ties,
            max(measure.chord_end, onset + duration),
            line,
            slurred,
            only_sung="cue" in child,
        )
        self.notes.append(note)
        if "lyric" in child or line in self._waiting:
            self._lyric(element, note)

    def _rests_all_bar(self, child: dict[str, Element], measure: _Measure, duration: int) -> bool:
        """A rest for a whole bar lasts the bar, whatever duration is written; it makes no bar longer or shorter."""
        is_whole = text_of(child.get("type")) == "whole" or ("type" not in child and duration == 4 * self.resolution)
        if child["rest"].get("measure") != "yes" and not (is_whole and duration >= self._bar):
            return False
        measure.position = min(duration, self._bar)
        measure.rested = max(measure.rested, measure.position)
        return True

    def _written_value(self, child: dict[str, Element]) -> int:
        """Ticks of a note that states no duration, by its note value; 0 where it has none either."""
        beats: float = _BEATS.get(text_of(child.get("type")), 0.0)
        return round(beats * self.resolution * (1.5 if "dot" in child else 1.0))

    def _is_slurred(self, note: Element, line: tuple[str, str]) -> bool:
        """Whether a slur leads from the note before to this one."""
        under = self._slurs.setdefault(line, set())
        leads_here = bool(under)
        for slur in note.iter("slur"):
            number = slur.get("number", "1")
            if slur.get("type") == "start":
                under.add(number)
            elif slur.get("type") == "stop":
                under.discard(number)
        return leads_here

    def _pitch(self, child: dict[str, Element]) -> int | None:
        if "pitch" in child:
            pitch = child["pitch"]
            step, octave = text_of(pitch.find("step")).upper(), whole_number(pitch.find("octave"), 4)
            alter = round(decimal_number(pitch.find("alter"), 0.0))
            if step not in _STEPS:
                raise ValueError(f"step {step[:8]!r}")
            transposition = self._transposition_of.get(text_of(child.get("staff")) or "1", self._transposition)
            return 12 * (octave + 1) + _STEPS[step] + alter + transposition
        if "unpitched" in child:
            self.unpitched += 1
            instrument = child.get("instrument")
            if instrument is not None and instrument.get("id", "") in self.described.drums:
                return self.described.drums[instrument.get("id", "")]
            return _drum_at(child["unpitched"])
        return None

    def _lyric(self, element: Element, note: ReadNote) -> None:
        """The note's syllables, and those of grace notes before it in the same voice.

        A grace note's words go to the main note, unless that has words of its own: then the grace note is sung.
        """
        syllables = {syllable.line: syllable for syllable in read_lyrics(element)}
        early = self._waiting.pop(note.line, [])
        for pitch, found in early:
            clash = [
                each
                for each in found
                if each.text and each.line in syllables and _has_letters(syllables[each.line].text)
            ]
            for each in found:
                if each not in clash:
                    syllables[each.line] = each
            if clash and pitch is not None and 0 <= pitch <= 127:
                self._grace(note, pitch, clash, len(early))
            else:
                for each in clash:
                    own = syllables[each.line]
                    syllables[each.line] = replace(own, text=f"{each.text}{' ' if each.word_end else ''}{own.text}")
        if syllables:
            under = list(syllables.values())
            self.syllables.append(
                ReadSyllable(note.measure, note.position, note.line, under, note.only_sung, note.delay)
            )

    def _grace(self, note: ReadNote, pitch: int, syllables: list[WrittenSyllable], count: int) -> None:
        """Let a grace note sound at the main note's beginning, which is late by it."""
        length = max(1, min(self.resolution // _GRACE, note.duration // 2) // count)
        onset = note.position + note.delay
        grace = replace(
            note, position=onset, duration=length, pitch=pitch, tied_from=False, tied_to=False, only_sung=True, delay=0
        )
        self.notes.append(grace)
        self.syllables.append(ReadSyllable(note.measure, onset, note.line, syllables, only_sung=True))
        note.delay += length

    def _attributes(self, element: Element, measure: _Measure) -> None:
        # Where <transpose> follows a key in the same element, it already holds for that key.
        chromatic = whole_number(element.find("transpose/chromatic"), self._transposition)
        for child in element:
            if child.tag == "divisions":
                self._divisions = decimal_number(child, 1.0)
                if not self._divisions > 0:
                    raise ValueError(f"{text_of(child)[:20]} divisions a quarter")
            elif child.tag == "transpose":
                semitones = whole_number(child.find("chromatic"), 0) + 12 * whole_number(child.find("octave-change"), 0)
                if staff := child.get("number"):
                    self._transposition_of[staff] = semitones
                else:
                    self._transposition, self._transposition_of = semitones, {}
            elif child.tag == "time":
                if metre := _metre(child):
                    self._bar = metre.bar_ticks(self.resolution)
                    self.metres.append(ReadChange(measure.index, measure.position, metre))
            elif child.tag == "key" and child.get("number", "1") == "1" and child.find("fifths") is not None:
                fifths = whole_number(child.find("fifths"), 0)
                if -7 <= fifths <= 7:
                    minor = text_of(child.find("mode")).lower() in _MINOR_MODES
                    tonic = (fifths * 7 + (9 if minor else 0)) % 12
                    key = Key((tonic + chromatic) % 12, "minor" if minor else "major")
                    self.keys.append(ReadChange(measure.index, measure.position, key))

    def _direction(self, element: Element, measure: _Measure) -> None:
        offset = self._offset(element)
        for rehearsal in element.iter("rehearsal"):
            self.sections.append(self._mark(text_of(rehearsal), measure, offset))
        sound = element.find("sound")
        if sound is not None:
            self._sound(sound, measure, offset)
        said = Jumps() if sound is None else sound_jumps(sound)
        self.jumps[-1].add(direction_jumps(element) if said == Jumps() else said)
        if sound is None or sound.get("tempo") is None:
            for metronome in element.iter("metronome"):
                self._metronome(metronome, measure, offset)

    def _offset(self, element: Element) -> int:
        """Ticks from the current position to where a direction or a chord symbol stands."""
        return round(decimal_number(element.find("offset"), 0.0) * self.resolution / self._divisions)

    def _mark(self, text: str, measure: _Measure, offset: int) -> ReadChange[str]:
        position = max(0, measure.position + offset)
        if position >= _MAX_TICKS:
            raise ValueError("a mark more than 2,147,483,647 ticks into a measure")
        return ReadChange(measure.index, position, text)

    def _sound(self, element: Element, measure: _Measure, offset: int) -> None:
        if tempo := element.get("tempo"):
            self._tempo(float(tempo), measure, offset)
        if dynamics := element.get("dynamics"):
            self._velocity = _velocity(dynamics)

    def _metronome(self, element: Element, measure: _Measure, offset: int) -> None:
        unit, number = _BEATS.get(text_of(element.find("beat-unit"))), None
        if (per_minute := element.find("per-minute")) is not None:
            number = re.search(r"\d{1,4}(\.\d{1,4})?", text_of(per_minute))
        if unit and number:
            dots = len(element.findall("beat-unit-dot"))
            self._tempo(float(number[0]) * unit * (2 - 0.5**dots), measure, offset)

    def _tempo(self, tempo: float, measure: _Measure, offset: int) -> None:
        position = max(0, measure.position + offset)
        if position >= _MAX_TICKS:
            raise ValueError("a tempo more than 2,147,483,647 ticks into a measure")
        if isfinite(tempo) and 1 <= tempo <= 10_000:
            self.tempi.append(ReadChange(measure.index, position, tempo))

    def _ticks(self, element: Element | None) -> int:
        ticks = round(decimal_number(element, 0.0) * self.resolution / self._divisions)
        if not 0 <= ticks < _MAX_TICKS:
            raise ValueError(f"a duration of {ticks:.3g} ticks")
        return ticks


def _has_letters(text: str) -> bool:
    return any(character.isalnum() and character != "ー" for character in text)


def _velocity(percent: str) -> int:
    """MusicXML counts loudness in hundredths of a forte, MIDI velocity 90."""
    return min(127, max(1, round(float(percent) * 0.9)))


def _metre(element: Element) -> Metre | None:
    """3+2/8 is read as 5/8, 2/4 + 3/8 as 7/8."""
    pairs: list[tuple[int, int]] = []
    for beats, unit in zip(element.findall("beats"), element.findall("beat-type"), strict=False):
        if not re.fullmatch(r"\d{1,2}( ?\+ ?\d{1,2})*", text_of(beats)):
            return None
        pairs.append((sum(int(part) for part in text_of(beats).split("+")), whole_number(unit, 4)))
    if not pairs or any(unit not in _DENOMINATORS for _, unit in pairs):
        return None
    denominator = max(unit for _, unit in pairs)
    numerator = sum(count * denominator // unit for count, unit in pairs)
    return Metre(numerator, denominator) if 1 <= numerator <= 64 else None


def _drum_at(unpitched: Element) -> int:
    """The drum that stands at this place of the staff by common use; the snare where none does."""
    staff_position = text_of(unpitched.find("display-step")) + text_of(unpitched.find("display-octave"))
    return next((pitch for pitch in (36, 38, 42, *DRUM_STAFF) if DRUM_STAFF[pitch] == staff_position), _SNARE)
