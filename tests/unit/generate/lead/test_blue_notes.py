"""Blue notes: which thirds and sevenths of a major key are flattened, and which stay."""

from bandmate_generate.harmony.chord_spans import chord_spans
from bandmate_generate.lead.chords import ChordTrack
from bandmate_generate.lead.idioms import with_blue_notes
from bandmate_generate.lead.notes import LeadNote
from bandmate_music.theory.bars import Bars
from bandmate_music.theory.keys import Key
from bandmate_music.theory.metre import Metre
from bandmate_shared.contracts.composition import ChordSpan

C = Key(0, "major")


def chords(text: str) -> tuple[ChordSpan, ...]:
    count = len(text.split("|"))
    metre = Metre(4, 4)
    return chord_spans(text, Bars.of([(metre.bar_ticks(24), metre)] * count), 0, count)


def tune(*pitches: int, duration: int = 24, start: int = 0) -> list[LeadNote]:
    return [LeadNote(start + index * duration, duration, pitch) for index, pitch in enumerate(pitches)]


def blue(notes: list[LeadNote], text: str, key: Key = C) -> list[int]:
    return [note.pitch for note in with_blue_notes(notes, key, ChordTrack(chords(text)))]


def test_the_third_is_flat_over_the_subdominant_seventh_and_stays_over_the_tonic() -> None:
    assert blue(tune(64, 67, 64, 60), "F7") == [63, 67, 63, 60]
    assert blue(tune(64, 67, 64, 60), "C7") == [64, 67, 64, 60]


def test_the_seventh_is_flat_over_the_tonic_seventh_unless_it_leads_up() -> None:
    assert blue(tune(71, 67), "C7") == [70, 67]
    assert blue(tune(71, 72), "C7") == [71, 72]
    assert blue(tune(71, 67), "G7") == [71, 67]


def test_a_short_third_that_falls_is_flat() -> None:
    assert blue(tune(64, 60, duration=12), "C7") == [63, 60]
    assert blue(tune(64, 65, duration=12), "C7") == [64, 65]


def test_a_minor_key_stays_as_it_is() -> None:
    assert blue(tune(64, 71, 67), "F7", Key(9, "minor")) == [64, 71, 67]
