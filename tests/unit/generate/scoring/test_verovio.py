"""Verovio engraves what is written without a word of complaint: every metre, drums, chords, sections and words."""

import random

import pytest
import verovio
from bandmate_generate.delivery.engraving import engrave
from bandmate_music.musicxml.write import write_musicxml
from bandmate_music.score import (
    ChordMark,
    KeyChange,
    Lyric,
    MetreChange,
    Notes,
    Part,
    Score,
    SectionMark,
    TempoChange,
)
from bandmate_music.theory.keys import Key
from bandmate_music.theory.metre import Metre

BARS = 8
METRES = ("4/4", "3/4", "2/4", "6/8", "9/8", "12/8", "3/8", "5/8", "7/8", "2/2", "5/4", "6/16", "1/4")
CHORDS = ("Cm", "Ab", "Eb/G", "Bb7", "A", "F#m7", "Dmaj7", "E7sus4")
LENGTHS = (120, 160, 240, 240, 320, 360, 480, 720, 960)
DRUMS = (35, 36, 37, 38, 42, 44, 46, 47, 49, 51, 54, 56, 82)


def piece(metre: Metre) -> Score:
    """A voice with words, a piano of two staves and a kit, whose notes are tied over beats and bars."""
    dice, bar = random.Random(metre.name), metre.bar_ticks(480)
    end = BARS * bar
    voice, words, onset = [], [], 0
    while onset < end:
        length = min(dice.choice(LENGTHS), end - onset)
        voice.append((onset, length, 60 + dice.choice((0, 1, 2, 4, 5, 6, 7, 9, 11, 12)), 80))
        words.append(Lyric(onset, dice.choice(("la,", "so!", "won't", "(hey)", '"Tis')), dice.random() < 0.6))
        onset += length
    piano = [(number * bar, bar, pitch, 60) for number in range(BARS) for pitch in (36, 43, 60, 64, 67)]
    kit = {(onset, dice.choice(DRUMS)) for onset in range(0, end, 120)}
    kit |= {(number * bar, drum) for number in range(BARS) for drum in (36, 42, 49)}
    return Score(
        (
            Part("Voice", 52, Notes.from_rows(voice), lyrics=tuple(words)),
            Part("Piano", 0, Notes.from_rows(piano)),
            Part("Drums", 0, Notes.from_rows([(onset, 120, drum, 90) for onset, drum in sorted(kit)]), is_drum=True),
        ),
        480,
        (TempoChange(0, 90.0), TempoChange(3 * bar, 72.5)),
        (MetreChange(0, metre),),
        (KeyChange(0, Key(3, "minor")), KeyChange(4 * bar, Key(9, "major"))),
        sections=(SectionMark(0, "Verse 1"), SectionMark(4 * bar, "Chorus")),
        chords=tuple(ChordMark(number * bar, symbol) for number, symbol in enumerate(CHORDS)),
    )


def complaints(musicxml: bytes, capfd: pytest.CaptureFixture[str]) -> str:
    """What Verovio says on standard error while it engraves all pages."""
    verovio.enableLog(verovio.LOG_WARNING)
    capfd.readouterr()
    pages = engrave(musicxml, 1)[1]
    for page in range(2, pages + 1):
        engrave(musicxml, page)
    return capfd.readouterr().err


@pytest.mark.parametrize("name", METRES)
def test_a_score_is_engraved_without_a_warning(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    numerator, denominator = map(int, name.split("/"))
    assert complaints(write_musicxml(piece(Metre(numerator, denominator))), capfd) == ""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (b"<sign>percussion</sign>", b"<sign>drums</sign>"),
        (b'<beam number="1">end</beam>', b""),
        (b'<tied type="stop" />', b""),
        (b"<type>eighth</type>", b"<type>eight</type>"),
    ],
    ids=["clef", "beam", "tie", "type"],
)
def test_a_fault_would_be_told(right: bytes, wrong: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    data = write_musicxml(piece(Metre(4, 4)))
    assert right in data
    assert "[Warning]" in complaints(data.replace(right, wrong), capfd)


def test_drums_are_unpitched_notes_of_named_instruments_on_a_percussion_staff() -> None:
    text = write_musicxml(piece(Metre(4, 4))).decode()
    drums = text[text.index('<part id="P3">') :]
    assert "<sign>percussion</sign>" in drums
    assert "<pitch>" not in drums
    assert drums.count("<unpitched>") == drums.count('<instrument id="P3-I') > 30
    named = {line.split('"')[1] for line in text.splitlines() if "<score-instrument id=" in line}
    assert {line.split('"')[1] for line in drums.splitlines() if "<instrument id=" in line} <= named
