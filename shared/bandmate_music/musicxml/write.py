"""Writes scores as MusicXML 4.0 partwise, the same bytes for the same score. Source: W3C MusicXML 4.0."""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from xml.etree import ElementTree as ET

import numpy as np

from bandmate_music.analysis.bars import bars_of
from bandmate_music.general_midi import DRUM_CROSS_HEADS, DRUM_STAFF, drum_name, program_name
from bandmate_music.musicxml.engraving import Drawn, accidentals, draw_bar
from bandmate_music.musicxml.harmony import harmony_element
from bandmate_music.musicxml.note_values import UNITS_PER_QUARTER
from bandmate_music.musicxml.voices import Voice, staves_of, to_units
from bandmate_music.score import KeyChange, Notes, Part, Score
from bandmate_music.theory.bars import Bar
from bandmate_music.theory.keys import Key
from bandmate_music.theory.metrical_grid import beat_ticks, is_compound
from bandmate_music.theory.spelling import spell

_HEAD = (
    b"<?xml version='1.0' encoding='UTF-8'?>\n"
    b'<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN"'
    b' "http://www.musicxml.org/dtds/partwise.dtd">\n'
)
_ACCIDENTALS = {-2: "flat-flat", -1: "flat", 0: "natural", 1: "sharp", 2: "double-sharp"}
_SECOND_STAFF_VOICE = 5
_SOUND_LOWER = (*range(32, 40), 43)
"""General MIDI's basses, whose players read an octave above what sounds."""
_LOW_BASS = 50
"""Above this median they would stand above the staff."""


def write_musicxml(score: Score, min_bars: int = 1) -> bytes:
    """The score as notation that any notation program opens, with silent bars at the end up to `min_bars`.

    Onsets and ends are placed on the nearest of 24 units a quarter note (exact for 32nd notes and triplets of 16ths).
    Overlapping notes get voices of their own; keyboards that use both hands get two staves; drums are unpitched.
    Sections are rehearsal marks, chords stand above the first part, and a syllable sung on several notes has a slur.
    """
    root = ET.Element("score-partwise", version="4.0")
    if score.title:
        _text(ET.SubElement(root, "work"), "work-title", score.title)
    _text(ET.SubElement(ET.SubElement(root, "identification"), "encoding"), "software", "Bandmate")
    part_list = ET.SubElement(root, "part-list")
    bars = bars_of(score, min_bars)
    parts = score.parts or (Part("Music", 0, Notes()),)
    pitched = 0
    for number, part in enumerate(parts, 1):
        channel = 10 if part.is_drum else (1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16)[pitched % 15]
        pitched += not part.is_drum
        _describe(part_list, f"P{number}", part, channel)
        element = ET.SubElement(root, "part", id=f"P{number}")
        for measure in _measures(score, part, f"P{number}", bars, leading=number == 1):
            element.append(measure)
    ET.indent(root, " ")
    body: bytes = ET.tostring(root, encoding="utf-8")
    return _HEAD + body + b"\n"


def _describe(part_list: ET.Element, identifier: str, part: Part, channel: int) -> None:
    """The part's name and how it sounds; a drum part names each of its drums."""
    element = ET.SubElement(part_list, "score-part", id=identifier)
    _text(element, "part-name", part.name)
    drums = sorted(set(part.notes.pitch.tolist())) if part.is_drum else []
    instruments = [(f"{identifier}-I{pitch + 1}", drum_name(pitch), pitch) for pitch in drums]
    for name, label, _ in instruments or [(f"{identifier}-I1", program_name(part.program), -1)]:
        _text(ET.SubElement(element, "score-instrument", id=name), "instrument-name", label)
    for name, _, pitch in instruments or [(f"{identifier}-I1", "", -1)]:
        midi = ET.SubElement(element, "midi-instrument", id=name)
        _text(midi, "midi-channel", channel)
        _text(midi, "midi-program", part.program + 1)
        if pitch >= 0:
            _text(midi, "midi-unpitched", pitch + 1)


def _measures(score: Score, part: Part, identifier: str, bars: Sequence[Bar], leading: bool) -> Iterator[ET.Element]:
    """The part's measures; tempi, sections and chords stand in the leading part."""
    resolution = score.ticks_per_quarter
    staves = staves_of(part, resolution)
    chords = {to_units(mark.onset, resolution): mark.symbol for mark in score.chords} if leading else {}
    sections = {to_units(mark.onset, resolution): mark.text for mark in score.sections} if leading else {}
    drawing = _Drawing(part, identifier, staves, chords)
    changes = {_bar_at(bars, change): change for change in score.keys if change.onset < bars[-1].end}
    key = Key(0, "major")
    for index, bar in enumerate(bars):
        onset, length = to_units(bar.onset, resolution), to_units(bar.end, resolution)
        length -= onset
        measure = ET.Element("measure", number=str(bar.number))
        if length < to_units(bar.metre.bar_ticks(resolution), resolution):
            measure.set("implicit", "yes")
        change = changes.get(index)
        key = change.key if change else key
        previous = bars[index - 1].metre if index else None
        _attributes(measure, part, staves, bar if bar.metre != previous else None, change, first=index == 0)
        last = index + 1 == len(bars)
        if leading:
            _rehearsal_marks(measure, sections, onset, None if last else onset + length)
            _tempi(measure, score, bar, None if last else bar.end)
        reached = drawing.bar(measure, bar, onset, length, key)
        if last:
            drawing.chords_until(measure, None, onset + reached)
            _text(ET.SubElement(measure, "barline", location="right"), "bar-style", "light-heavy")
        yield measure


def _bar_at(bars: Sequence[Bar], change: KeyChange) -> int:
    return bisect_right(bars, change.onset, key=lambda bar: bar.onset) - 1


def _attributes(
    measure: ET.Element, part: Part, staves: list[list[Voice]], bar: Bar | None, key: KeyChange | None, first: bool
) -> None:
    """Key and metre where they change; all of it in the first bar. Children in the order of the schema."""
    if not (first or bar or key):
        return
    attributes = ET.SubElement(measure, "attributes")
    if first:
        _text(attributes, "divisions", UNITS_PER_QUARTER)
    if key and not part.is_drum:
        element = ET.SubElement(attributes, "key")
        _text(element, "fifths", key.key.fifths)
        _text(element, "mode", key.key.mode)
    if bar:
        element = ET.SubElement(attributes, "time")
        _text(element, "beats", bar.metre.numerator)
        _text(element, "beat-type", bar.metre.denominator)
    if not first:
        return
    if len(staves) > 1:
        _text(attributes, "staves", len(staves))
    for number, (sign, line, octave) in enumerate(_clefs(part, len(staves)), 1):
        clef = ET.SubElement(attributes, "clef", {"number": str(number)} if len(staves) > 1 else {})
        _text(clef, "sign", sign)
        if line:
            _text(clef, "line", line)
        if octave:
            _text(clef, "clef-octave-change", octave)


def _clefs(part: Part, staves: int) -> list[tuple[str, int, int]]:
    """Sign, line and octave change of each staff's clef, by the instrument and where its notes lie."""
    if part.is_drum:
        return [("percussion", 0, 0)]
    if staves == 2:
        return [("G", 2, 0), ("F", 4, 0)]
    middle = float(np.median(part.notes.pitch)) if len(part.notes) else 67.0
    if 24 <= part.program <= 31 or (52 <= part.program <= 54 and middle < 57):
        return [("G", 2, -1)]
    if part.program == 41:
        return [("C", 3, 0)]
    if middle < 57:
        return [("F", 4, -1 if part.program in _SOUND_LOWER and middle < _LOW_BASS else 0)]
    return [("G", 2, 1 if middle > 88 else 0)]


def _tempi(measure: ET.Element, score: Score, bar: Bar, end: int | None) -> None:
    """The tempi from the bar on and before `end`, in beats a minute: dotted ones in compound metres."""
    dotted = is_compound(bar.metre)
    unit = "eighth" if dotted and bar.metre.denominator > 8 else "quarter"
    beat = beat_ticks(bar.metre) if dotted else UNITS_PER_QUARTER
    for change in score.tempi:
        if change.onset < bar.onset or (end is not None and change.onset >= end):
            continue
        direction = ET.SubElement(measure, "direction", placement="above")
        metronome = ET.SubElement(ET.SubElement(direction, "direction-type"), "metronome")
        _text(metronome, "beat-unit", unit)
        if dotted:
            ET.SubElement(metronome, "beat-unit-dot")
        _text(metronome, "per-minute", _number(round(change.tempo * UNITS_PER_QUARTER / beat, 2)))
        offset = to_units(change.onset, score.ticks_per_quarter) - to_units(bar.onset, score.ticks_per_quarter)
        if offset:
            ET.SubElement(direction, "offset", sound="yes").text = str(offset)
        ET.SubElement(direction, "sound", tempo=_number(round(change.tempo, 6)))


def _rehearsal_marks(measure: ET.Element, sections: Mapping[int, str], onset: int, end: int | None) -> None:
    """The titles of the sections that begin in the measure, onsets in units."""
    for place, title in sections.items():
        if place < onset or (end is not None and place >= end):
            continue
        direction = ET.SubElement(measure, "direction", placement="above")
        _text(ET.SubElement(direction, "direction-type"), "rehearsal", title)
        if place > onset:
            _text(direction, "offset", place - onset)


class _Drawing:
    """Writes one part's bars in order, each voice going on where the bar before left it.

    `chords` are chord symbols by onset in units; they stand before the notes of the first voice.
    """

    def __init__(self, part: Part, identifier: str, staves: list[list[Voice]], chords: Mapping[int, str]) -> None:
        self.part = part
        self.identifier = identifier
        self.staves = staves
        self.next: dict[tuple[int, int], int] = {}
        self.chords = deque(chords.items())

    def chords_until(self, measure: ET.Element, end: int | None, position: int) -> None:
        """Writes the chord symbols before `end`, all for None; the next element stands at `position`."""
        while self.chords and (end is None or self.chords[0][0] < end):
            onset, symbol = self.chords.popleft()
            measure.append(harmony_element(symbol, onset - position))

    def bar(self, measure: ET.Element, bar: Bar, onset: int, length: int, key: Key) -> int:
        """All voices of all staves, with a <backup> to the start of the bar between them; gives where it stops.

        A voice without shown rests may stop short of the bar's end. Where no other fills the bar but by a rest for a
        whole bar, which is as long as its bar happens to be, a <forward> does.
        """
        reached = filled = 0
        for staff, voices in enumerate(self.staves):
            drawn = [
                self._draw(staff, number, voice, bar, onset, length) for number, voice in enumerate(voices or [[]])
            ]
            marked = set() if self.part.is_drum else accidentals(drawn, key)
            first_voice = 1 if staff == 0 else max(_SECOND_STAFF_VOICE, len(self.staves[0]) + 1)
            for number, items in enumerate(drawn):
                if number and not items:
                    continue
                if reached:
                    _text(ET.SubElement(measure, "backup"), "duration", reached)
                if not items:
                    self.chords_until(measure, onset + length, onset)
                reached = self._voice(measure, items, staff, str(first_voice + number), onset, length, key, marked)
                filled = max(filled, reached if items else 0)
        if 0 < filled < length:
            _text(ET.SubElement(measure, "forward"), "duration", length - reached)
            reached = length
        return reached

    def _draw(self, staff: int, number: int, voice: Voice, bar: Bar, onset: int, length: int) -> list[Drawn]:
        start = self.next.get((staff, number), 0)
        end = start
        while end < len(voice) and voice[end].onset < onset + length:
            end += 1
        sounding = voice[start:end]
        self.next[staff, number] = end - 1 if sounding and sounding[-1].end > onset + length else end
        if not sounding:
            return []
        return draw_bar(sounding, onset, length, bar.metre, hide_rests=number > 0)

    def _voice(
        self,
        measure: ET.Element,
        items: list[Drawn],
        staff: int,
        voice: str,
        onset: int,
        length: int,
        key: Key,
        marked: set[tuple[int, int]],
    ) -> int:
        """Writes a voice; gives the units it has moved on."""
        staff_number = str(staff + 1) if len(self.staves) > 1 else ""
        if not items:
            note = ET.SubElement(measure, "note")
            ET.SubElement(note, "rest", measure="yes")
            _text(note, "duration", length)
            _text(note, "voice", voice)
            if staff_number:
                _text(note, "staff", staff_number)
            return length
        for item in items:
            self.chords_until(measure, onset + item.end, onset + item.start)
            if item.hidden:
                forward = ET.SubElement(measure, "forward")
                _text(forward, "duration", item.value.units)
                continue
            pitches = item.chord.pitches if item.chord else (-1,)
            for index, pitch in enumerate(pitches):
                self._note(measure, item, index, pitch, voice, staff_number, key, (id(item), pitch) in marked)
        return items[-1].end

    def _note(
        self,
        measure: ET.Element,
        item: Drawn,
        index: int,
        pitch: int,
        voice: str,
        staff: str,
        key: Key,
        accidental: bool,
    ) -> None:
        """One note of a chord, or a rest. Children in the order of the schema."""
        chord, value = item.chord, item.value
        note = ET.SubElement(measure, "note")
        if chord:
            note.set("dynamics", _number(round(chord.velocities[index] / 0.9, 2)))
        if index:
            ET.SubElement(note, "chord")
        if chord is None:
            ET.SubElement(note, "rest")
        elif self.part.is_drum:
            unpitched = ET.SubElement(note, "unpitched")
            staff_note = DRUM_STAFF.get(pitch, "B4")
            _text(unpitched, "display-step", staff_note[0])
            _text(unpitched, "display-octave", staff_note[1])
        else:
            step, alter, octave = spell(pitch, key)
            element = ET.SubElement(note, "pitch")
            _text(element, "step", step)
            if alter:
                _text(element, "alter", alter)
            _text(element, "octave", octave)
        _text(note, "duration", value.units)
        ties = [kind for kind, tied in (("stop", item.tied_from), ("start", item.tied_to)) if tied and chord]
        for kind in ties:
            ET.SubElement(note, "tie", type=kind)
        if self.part.is_drum and chord:
            ET.SubElement(note, "instrument", id=f"{self.identifier}-I{pitch + 1}")
        _text(note, "voice", voice)
        _text(note, "type", value.type)
        for _ in range(value.dots):
            ET.SubElement(note, "dot")
        if accidental:
            _text(note, "accidental", _ACCIDENTALS[spell(pitch, key)[1]])
        if value.triplet:
            modification = ET.SubElement(note, "time-modification")
            _text(modification, "actual-notes", 3)
            _text(modification, "normal-notes", 2)
        if self.part.is_drum and pitch in DRUM_CROSS_HEADS:
            _text(note, "notehead", "x")
        if staff:
            _text(note, "staff", staff)
        for level, beam in enumerate(item.beams if index == 0 else (), 1):
            ET.SubElement(note, "beam", number=str(level)).text = beam
        slur = _slur(item) if chord and index == 0 else ""
        self._notations(note, ties, slur, item.bracket if index == 0 else "")
        if chord and chord.syllable and not item.tied_from and index == len(chord.pitches) - 1:
            lyric = ET.SubElement(note, "lyric", number="1")
            kinds = {(False, True): "single", (False, False): "begin", (True, False): "middle", (True, True): "end"}
            _text(lyric, "syllabic", kinds[chord.continues_word, chord.syllable.word_end])
            _text(lyric, "text", chord.syllable.text)
            if chord.melisma:
                ET.SubElement(lyric, "extend")

    def _notations(self, note: ET.Element, ties: list[str], slur: str, bracket: str) -> None:
        if not ties and not slur and not bracket:
            return
        notations = ET.SubElement(note, "notations")
        for kind in ties:
            ET.SubElement(notations, "tied", type=kind)
        if slur:
            ET.SubElement(notations, "slur", type=slur, number="1")
        for kind in ("start", "stop") if bracket == "alone" else (bracket,) if bracket else ():
            ET.SubElement(notations, "tuplet", type=kind, number="1")


def _slur(item: Drawn) -> str:
    """The end of a slur that stands on a note: over a syllable's notes from the first one struck to the end of all."""
    if item.chord is None or (item.tied_from if item.chord.melisma == "start" else item.tied_to):
        return ""
    return item.chord.melisma


def _text(parent: ET.Element, name: str, value: str | int) -> None:
    """A child with text; characters that XML cannot hold are left out."""
    text = str(value)
    if not text.isprintable():
        text = "".join(c for c in text if c.isprintable() or c in "\t\n")
    ET.SubElement(parent, name).text = text


def _number(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")
