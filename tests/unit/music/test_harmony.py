"""Chord symbols in MusicXML: root, kind, degrees and bass mean the notes of the symbol, here and to music21."""

from itertools import combinations
from types import ModuleType
from xml.etree import ElementTree as ET

import pytest
from bandmate_music.musicxml.harmony import harmony_element, symbol_of
from bandmate_music.musicxml.read import read_musicxml
from bandmate_music.musicxml.write import write_musicxml
from bandmate_music.score import ChordMark, Notes, Part, Score
from bandmate_music.theory.chord_symbols import SHAPES, BadChord, parse_chord
from bandmate_shared.settings import SharedSettings
from hypothesis import given, settings
from hypothesis import strategies as st

LIMITS = SharedSettings().file_limits

STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
# The schema's own words, kind-value of MusicXML 4.0, as semitones above the root by degree.
KINDS = {
    "major": {3: 4, 5: 7},
    "minor": {3: 3, 5: 7},
    "augmented": {3: 4, 5: 8},
    "diminished": {3: 3, 5: 6},
    "dominant": {3: 4, 5: 7, 7: 10},
    "major-seventh": {3: 4, 5: 7, 7: 11},
    "minor-seventh": {3: 3, 5: 7, 7: 10},
    "diminished-seventh": {3: 3, 5: 6, 7: 9},
    "augmented-seventh": {3: 4, 5: 8, 7: 10},
    "half-diminished": {3: 3, 5: 6, 7: 10},
    "major-minor": {3: 3, 5: 7, 7: 11},
    "major-sixth": {3: 4, 5: 7, 6: 9},
    "minor-sixth": {3: 3, 5: 7, 6: 9},
    "dominant-ninth": {3: 4, 5: 7, 7: 10, 9: 2},
    "major-ninth": {3: 4, 5: 7, 7: 11, 9: 2},
    "minor-ninth": {3: 3, 5: 7, 7: 10, 9: 2},
    "dominant-11th": {3: 4, 5: 7, 7: 10, 9: 2, 11: 5},
    "major-11th": {3: 4, 5: 7, 7: 11, 9: 2, 11: 5},
    "minor-11th": {3: 3, 5: 7, 7: 10, 9: 2, 11: 5},
    # The eleventh that the schema counts to a thirteenth is left out by every player.
    "dominant-13th": {3: 4, 5: 7, 7: 10, 9: 2, 13: 9},
    "major-13th": {3: 4, 5: 7, 7: 11, 9: 2, 13: 9},
    "minor-13th": {3: 3, 5: 7, 7: 10, 9: 2, 13: 9},
    "suspended-second": {2: 2, 5: 7},
    "suspended-fourth": {4: 5, 5: 7},
    "power": {5: 7},
}
ADDED = {2: 2, 4: 5, 5: 7, 6: 9, 7: 10, 9: 2, 11: 5, 13: 9}

QUALITIES = list(SHAPES)
ALTERATIONS = ["b5", "#5", "b9", "#9", "#11", "b13", "b6"]


def meaning(harmony: ET.Element) -> set[int]:
    """The pitch classes that an element says, read by the schema's definitions alone."""
    root = STEPS[harmony.findtext("root/root-step", "")] + int(harmony.findtext("root/root-alter", "0"))
    kind = harmony.find("kind")
    assert kind is not None
    notes: list[tuple[int, int]] = list(KINDS[kind.text or ""].items())
    for degree in harmony.findall("degree"):
        value, alter = int(degree.findtext("degree-value", "")), int(degree.findtext("degree-alter", ""))
        match degree.findtext("degree-type"):
            case "add":
                notes.append((value, ADDED[value] + alter))
            case "alter":
                (old,) = [note for note in notes if note[0] == value]
                notes.remove(old)
                notes.append((value, old[1] + alter))
            case _:
                notes.remove(next(note for note in notes if note[0] == value))
    return {(root + step) % 12 for step in (0, *(step for _, step in notes))}


@pytest.mark.parametrize("quality", [*QUALITIES, "7alt", "Δ", "ø", "+", "°7", "sus", "-7", "6/9"])
def test_an_element_means_the_notes_of_its_symbol(quality: str) -> None:
    for count in range(3):
        for alterations in combinations(ALTERATIONS, count):
            symbol = "F#" + quality + "".join(alterations)
            try:
                chord = parse_chord(symbol)
            except BadChord:
                continue
            element = harmony_element(symbol, 0)
            assert meaning(element) == set(chord.pitch_classes), symbol
            assert symbol_of(element) == symbol


@pytest.mark.parametrize("quality", QUALITIES)
def test_a_symbol_is_found_by_kind_and_degrees_where_the_words_are_missing(quality: str) -> None:
    element = harmony_element(f"Bb{quality}/D", 0)
    for kind in element.iter("kind"):
        kind.set("text", "of another program")
    assert (symbol := symbol_of(element)) is not None
    assert set(parse_chord(symbol).pitch_classes) == set(parse_chord(f"Bb{quality}").pitch_classes)
    assert parse_chord(symbol).bass == 2


def test_the_degrees_of_other_programs_are_read() -> None:
    xml = """<harmony><root><root-step>G</root-step></root><kind text="7">dominant</kind><degree>
    <degree-value>9</degree-value><degree-alter>-1</degree-alter><degree-type>add</degree-type></degree></harmony>"""
    assert symbol_of(ET.fromstring(xml)) == "G7b9"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "<kind>major</kind>",
        "<root><root-step>H</root-step></root><kind>major</kind>",
        "<root><root-step>C</root-step><root-alter>1e99</root-alter></root><kind>major</kind>",
        "<root><root-step>C</root-step></root><kind>Neapolitan</kind>",
        "<root><root-step>C</root-step></root><kind>none</kind>",
        "<numeral><numeral-root>2</numeral-root></numeral><kind>minor</kind>",
    ],
)
def test_what_is_no_chord_we_know_is_none(content: str) -> None:
    assert symbol_of(ET.fromstring(f"<harmony>{content}</harmony>")) is None


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40), st.sampled_from([*KINDS, "other", ""]), st.integers(-3, 20), st.integers(-3, 3))
def test_whatever_is_read_is_a_chord(text: str, kind: str, value: int, alter: int) -> None:
    element = ET.Element("harmony")
    ET.SubElement(ET.SubElement(element, "root"), "root-step").text = "C"
    ET.SubElement(element, "kind", text=text).text = kind
    degree = ET.SubElement(element, "degree")
    ET.SubElement(degree, "degree-value").text = str(value)
    ET.SubElement(degree, "degree-alter").text = str(alter)
    symbol = symbol_of(element)
    assert symbol is None or parse_chord(symbol).root == 0


SEEN = ["C", "Am", "G7", "Fmaj7", "Dm7", "Bm7b5", "Bdim7", "E+", "F6", "D9", "Gsus4", "Csus2", "Cadd9", "G7b9"]


def test_a_flat_fifth_is_not_mistaken_for_a_flat_root() -> None:
    assert symbol_of(harmony_element("C(b5)", 0)) == "C(b5)"
    for kind in (element := harmony_element("C(b5)", 0)).iter("kind"):
        kind.set("text", "?")
    assert parse_chord(symbol_of(element) or "").pitch_classes == parse_chord("C(b5)").pitch_classes


def test_music21_hears_the_same_chords_at_the_same_places(music21: ModuleType) -> None:
    chords = [*SEEN, "C/E", "F#m7/C#", "Eb"]
    notes = Notes.from_rows([(n * 480, 480, 60, 80) for n in range(4)] + [(1920, 1920 * 4, 60, 80)])
    marks = tuple(ChordMark(n * 480, symbol) for n, symbol in enumerate(chords))
    data = write_musicxml(Score((Part("Tune", 0, notes), Part("Bass", 32, notes)), chords=marks))
    assert read_musicxml(data, LIMITS).chords == marks
    parsed = music21.converter.parseData(data.decode(), format="musicxml")
    heard = list(parsed.parts[0].flatten().getElementsByClass("ChordSymbol"))
    assert [symbol.offset for symbol in heard] == list(range(len(chords)))
    for symbol, written in zip(heard, chords, strict=True):
        chord = parse_chord(written)
        assert {pitch.pitchClass for pitch in symbol.pitches} == set(chord.pitch_classes) | ({chord.bass} - {None})
        assert symbol.root().pitchClass == chord.root
        assert symbol.bass().pitchClass == (chord.root if chord.bass is None else chord.bass)
    assert not parsed.parts[1].flatten().getElementsByClass("ChordSymbol")
