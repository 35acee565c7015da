"""One part of a MusicXML score, measure by measure, with positions within the measure in ticks."""

import re
from dataclasses import dataclass, field
from math import isfinite
from typing import Generic, TypeVar
from xml.etree.ElementTree import Element

from bandmate_shared.music.gm import DRUM_STAFF, guess_program
from bandmate_shared.music.keys import Key
from bandmate_shared.music.metre import Metre

T = TypeVar("T")

_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_BEATS = {
    "maxima": 32.0, "long": 16.0, "breve": 8.0, "whole": 4.0, "half": 2.0, "quarter": 1.0, "eighth": 0.5,
    "16th": 0.25, "32nd": 0.125, "64th": 0.0625,
}  # fmt: skip
_MINOR_MODES = frozenset(("minor", "aeolian", "dorian", "phrygian", "locrian"))
_DENOMINATORS = frozenset((1, 2, 4, 8, 16, 32))
_DEFAULT_VELOCITY = 80
_LONGEST = 2**31
_SNARE = 38


@dataclass(slots=True)
class ReadNote:
    """A written note: position within its measure and duration in ticks, before ties are joined."""

    measure: int
    position: int
    duration: int
    pitch: int
    velocity: int
    tied_from: bool
    tied_to: bool


@dataclass(slots=True)
class ReadSyllable:
    measure: int
    position: int
    text: str
    word_end: bool


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
    chord: int = 0
    changes: list[Element] = field(default_factory=list)


class PartReader:
    """Collects what one part says. `lengths` are the ticks that each measure's content takes, 0 for an empty one."""

    def __init__(self, described: Element, resolution: int) -> None:
        self.identifier = described.get("id", "")
        self.name = text_of(described.find("part-name"))
        self.resolution = resolution
        self.notes: list[ReadNote] = []
        self.syllables: list[ReadSyllable] = []
        self.tempi: list[ReadChange[float]] = []
        self.metres: list[ReadChange[Metre]] = []
        self.keys: list[ReadChange[Key]] = []
        self.lengths: list[int] = []
        self.unpitched = 0
        self._divisions = 1.0
        self._transposition = 0
        self._velocity = _DEFAULT_VELOCITY
        self._verse: str | None = None
        self._drums: dict[str, int] = {}
        self._channel = 0
        self._program: int | None = None
        for midi in described.iter("midi-instrument"):
            self._channel = self._channel or _whole(midi.find("midi-channel"), 0)
            if self._program is None:
                program = _whole(midi.find("midi-program"), 0)
                self._program = program - 1 if 1 <= program <= 128 else None
            drum = _whole(midi.find("midi-unpitched"), 0)
            if 1 <= drum <= 128:
                self._drums[midi.get("id", "")] = drum - 1

    @property
    def is_drum(self) -> bool:
        return self._channel == 10 or self.unpitched * 2 > len(self.notes)

    @property
    def program(self) -> int:
        return self._program if self._program is not None else guess_program(self.name)

    @property
    def events(self) -> int:
        return len(self.notes) + len(self.syllables) + len(self.tempi)

    def measure(self, element: Element) -> None:
        """Reads the next measure.

        Raises:
            ValueError: a number that is none, or that no piece reaches.
        """
        here = _Measure(len(self.lengths))
        for child in element:
            if child.tag == "note":
                self._note(child, here)
            elif child.tag == "backup":
                here.position = max(0, here.position - self._ticks(child.find("duration")))
            elif child.tag == "forward":
                self._advance(here, self._ticks(child.find("duration")))
            elif child.tag == "attributes":
                self._attributes(child, here)
            elif child.tag == "direction":
                self._direction(child, here)
            elif child.tag == "sound":
                self._sound(child, here, 0)
        self.lengths.append(here.reached)

    def _advance(self, here: _Measure, ticks: int) -> None:
        here.position += ticks
        here.reached = max(here.reached, here.position)
        if here.reached >= _LONGEST:
            raise ValueError("a measure of more than 2,147,483,647 ticks")

    def _note(self, element: Element, here: _Measure) -> None:
        child = {sub.tag: sub for sub in reversed(element)}  # Of repeated children the first.
        if "grace" in child:
            return
        duration = self._ticks(child.get("duration"))
        if "chord" in child:
            onset = here.chord
            here.reached = max(here.reached, onset + duration)
        else:
            onset = here.chord = here.position
            self._advance(here, duration)
        if "rest" in child or "cue" in child or duration == 0:
            return
        pitch = self._pitch(child)
        if pitch is None or not 0 <= pitch <= 127:
            return
        ties = {tie.get("type") for tie in element.iter("tie")}
        velocity = self._velocity
        if dynamics := element.get("dynamics"):
            velocity = _velocity(dynamics)
        self.notes.append(ReadNote(here.index, onset, duration, pitch, velocity, "stop" in ties, "start" in ties))
        if "lyric" in child:
            self._lyric(element, here.index, onset)

    def _pitch(self, child: dict[str, Element]) -> int | None:
        if "pitch" in child:
            pitch = child["pitch"]
            step, octave = text_of(pitch.find("step")).upper(), _whole(pitch.find("octave"), 4)
            alter = round(_decimal(pitch.find("alter"), 0.0))
            if step not in _STEPS:
                raise ValueError(f"step {step[:8]!r}")
            return 12 * (octave + 1) + _STEPS[step] + alter + self._transposition
        if "unpitched" in child:
            self.unpitched += 1
            instrument = child.get("instrument")
            if instrument is not None and instrument.get("id", "") in self._drums:
                return self._drums[instrument.get("id", "")]
            return _drum_at(child["unpitched"])
        return None

    def _lyric(self, note: Element, measure: int, position: int) -> None:
        for lyric in note.findall("lyric"):
            number = lyric.get("number", "1")
            if lyric.find("text") is None or (self._verse or number) != number:
                continue
            self._verse = number
            text, syllabic = "", "single"
            for piece in lyric:
                if piece.tag == "text":
                    text += piece.text or ""
                elif piece.tag == "elision":  # Two words on one note; the sign between them is only drawn.
                    text += " "
                elif piece.tag == "syllabic":
                    syllabic = text_of(piece)
            text = " ".join(text.split())
            if text:
                self.syllables.append(ReadSyllable(measure, position, text, syllabic in ("single", "end")))
            return

    def _attributes(self, element: Element, here: _Measure) -> None:
        for child in element:
            if child.tag == "divisions":
                self._divisions = _decimal(child, 1.0)
                if not self._divisions > 0:
                    raise ValueError(f"{text_of(child)[:20]} divisions a quarter")
            elif child.tag == "transpose":
                self._transposition = _whole(child.find("chromatic"), 0) + 12 * _whole(child.find("octave-change"), 0)
            elif child.tag == "time":
                if metre := _metre(child):
                    self.metres.append(ReadChange(here.index, here.position, metre))
            elif child.tag == "key" and child.get("number", "1") == "1" and child.find("fifths") is not None:
                fifths = _whole(child.find("fifths"), 0)
                if -7 <= fifths <= 7:
                    minor = text_of(child.find("mode")).lower() in _MINOR_MODES
                    tonic = (fifths * 7 + (9 if minor else 0)) % 12
                    # Where <transpose> follows in the same element, it still holds for this key.
                    chromatic = _whole(element.find("transpose/chromatic"), self._transposition)
                    key = Key((tonic + chromatic) % 12, "minor" if minor else "major")
                    self.keys.append(ReadChange(here.index, here.position, key))

    def _direction(self, element: Element, here: _Measure) -> None:
        offset = 0
        if (moved := element.find("offset")) is not None:
            offset = round(_decimal(moved, 0.0) * self.resolution / self._divisions)
        sound = element.find("sound")
        if sound is not None:
            self._sound(sound, here, offset)
        if sound is None or sound.get("tempo") is None:
            for metronome in element.iter("metronome"):
                self._metronome(metronome, here, offset)

    def _sound(self, element: Element, here: _Measure, offset: int) -> None:
        if tempo := element.get("tempo"):
            self._tempo(float(tempo), here, offset)
        if dynamics := element.get("dynamics"):
            self._velocity = _velocity(dynamics)

    def _metronome(self, element: Element, here: _Measure, offset: int) -> None:
        unit, number = _BEATS.get(text_of(element.find("beat-unit"))), None
        if (per_minute := element.find("per-minute")) is not None:
            number = re.search(r"\d{1,4}(\.\d{1,4})?", text_of(per_minute))
        if unit and number:
            dots = len(element.findall("beat-unit-dot"))
            self._tempo(float(number[0]) * unit * (2 - 0.5**dots), here, offset)

    def _tempo(self, tempo: float, here: _Measure, offset: int) -> None:
        if isfinite(tempo) and 1 <= tempo <= 10_000:
            self.tempi.append(ReadChange(here.index, max(0, here.position + offset), tempo))

    def _ticks(self, element: Element | None) -> int:
        ticks = round(_decimal(element, 0.0) * self.resolution / self._divisions)
        if not 0 <= ticks < _LONGEST:
            raise ValueError(f"a duration of {ticks:.3g} ticks")
        return ticks


def text_of(element: Element | None) -> str:
    """An element's text on one line; empty where there is none."""
    return " ".join((element.text or "").split()) if element is not None else ""


def _decimal(element: Element | None, default: float) -> float:
    text = text_of(element)
    return float(text[:40]) if text else default


def _whole(element: Element | None, default: int) -> int:
    return round(_decimal(element, default))


def _velocity(percent: str) -> int:
    """MusicXML counts loudness in hundredths of a forte, MIDI velocity 90."""
    return min(127, max(1, round(float(percent) * 0.9)))


def _metre(element: Element) -> Metre | None:
    """3+2/8 is read as 5/8; of several signatures the first."""
    beats = text_of(element.find("beats"))
    if not re.fullmatch(r"\d{1,2}( ?\+ ?\d{1,2})*", beats):
        return None
    numerator, denominator = sum(int(part) for part in beats.split("+")), _whole(element.find("beat-type"), 4)
    return Metre(numerator, denominator) if 1 <= numerator <= 64 and denominator in _DENOMINATORS else None


def _drum_at(unpitched: Element) -> int:
    """The drum that stands at this place of the staff by common use; the snare where none does."""
    place = text_of(unpitched.find("display-step")) + text_of(unpitched.find("display-octave"))
    return next((pitch for pitch in (36, 38, 42, *DRUM_STAFF) if DRUM_STAFF[pitch] == place), _SNARE)
