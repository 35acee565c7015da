"""Hints of how a note is sung: its curve, its vibrato, its loudness and its air."""

from typing import Any

import numpy as np
import pytest
from bandmate_shared.contracts.vocals import SungNote, Vibrato
from bandmate_vocal.alignment.timing import Phrase, Segment, Vowel
from bandmate_vocal.synthesis.expression import shape
from bandmate_vocal.synthesis.hints import with_hints
from bandmate_vocal.synthesis.pitch_curve import PITCH_STEP, note_hz, pitch_curve

RATE = 44100


def notes_of(*changes: dict[str, Any]) -> list[SungNote]:
    return [
        SungNote(onset=float(number), duration=1.0, pitch=60 + 4 * number, syllable="la", **fields)
        for number, fields in enumerate(changes)
    ]


def phrase_of(notes: list[SungNote]) -> Phrase:
    end = notes[-1].onset + notes[-1].duration
    vowels = tuple(Vowel(note.onset, note.onset, note.onset + note.duration, False) for note in notes)
    return Phrase((Segment(0.0, end, 0, 0.0, end),), vowels, True)


def sung_cents(notes: list[SungNote], number: int) -> np.ndarray:
    """Cents above the note in its middle."""
    curve, _ = pitch_curve(notes, 0.0, float(len(notes)), np.random.default_rng(1))
    middle = slice(int((number + 0.45) / PITCH_STEP), int((number + 0.85) / PITCH_STEP))
    return 1200.0 * np.log2(curve[middle] / note_hz(notes[number].pitch))


def test_a_curve_is_sung_as_it_is_given() -> None:
    notes = notes_of({}, {"pitch_curve": [100.0, 100.0], "vibrato": Vibrato(depth=0.0)}, {})
    assert sung_cents(notes, 1) == pytest.approx(100.0, abs=0.01)
    assert np.abs(sung_cents(notes, 2)).max() < 60.0
    rising = notes_of({"pitch_curve": [0.0, 200.0], "vibrato": Vibrato(depth=0.0)})
    assert sung_cents(rising, 0)[0] == pytest.approx(90.0, abs=0.5)


def test_a_vibrato_has_the_depth_and_the_rate_that_are_asked_for() -> None:
    notes = notes_of({"vibrato": Vibrato(rate=7.0, depth=80.0), "pitch_curve": [0.0, 0.0]})
    cents = sung_cents(notes, 0)
    assert np.abs(cents).max() == pytest.approx(80.0, abs=16.0)
    crossings = np.flatnonzero(np.diff(np.sign(cents)) != 0)
    assert len(crossings) / (len(cents) * PITCH_STEP) == pytest.approx(14.0, abs=3.0)
    assert np.abs(sung_cents(notes_of({"vibrato": Vibrato(depth=0.0), "pitch_curve": [0.0, 0.0]}), 0)).max() < 0.01


def test_what_is_filled_in_is_what_was_sung() -> None:
    notes = notes_of({}, {}, {"vibrato": Vibrato(rate=6.0, depth=10.0)})
    filled = with_hints(notes, [phrase_of(notes)], seed=1)
    assert with_hints(filled, [phrase_of(notes)], seed=1) == filled
    assert filled[2].vibrato == Vibrato(rate=6.0, depth=10.0)
    before, after = (pitch_curve(each, 0.0, 3.0, np.random.default_rng(1))[0][100:2900] for each in (notes, filled))
    assert np.abs(1200.0 * np.log2(after / before)).max() < 60.0
    assert np.median(np.abs(1200.0 * np.log2(after / before))) < 3.0


def test_loudness_is_added_to_a_note_alone() -> None:
    plain, soft = notes_of({}, {}, {}), notes_of({}, {"loudness": -12.0}, {})
    tone = 0.1 * np.sin(2 * np.pi * 262 * np.arange(3 * RATE) / RATE)
    vibrato = np.zeros(3001)
    ratio = [
        np.sqrt(np.mean(shape(tone, phrase_of(soft), soft, vibrato)[begin : begin + RATE // 2] ** 2))
        / np.sqrt(np.mean(shape(tone, phrase_of(plain), plain, vibrato)[begin : begin + RATE // 2] ** 2))
        for begin in (RATE // 4, RATE + RATE // 4, 2 * RATE + RATE // 4)
    ]
    assert 20.0 * np.log10(ratio) == pytest.approx([0.0, -12.0, 0.0], abs=0.3)


def test_breath_is_air_above_the_voice_of_its_note() -> None:
    notes = notes_of({}, {"breath": 1.0})
    tone = 0.1 * np.sin(2 * np.pi * 262 * np.arange(2 * RATE) / RATE)
    voice = shape(tone, phrase_of(notes), notes, np.zeros(2001))
    spectrum = [
        np.abs(np.fft.rfft(voice[begin : begin + RATE // 2]))[1000:4500] for begin in (RATE // 4, RATE + RATE // 4)
    ]
    assert np.sqrt(np.mean(spectrum[1] ** 2)) > 20.0 * np.sqrt(np.mean(spectrum[0] ** 2))
    assert (voice == shape(tone, phrase_of(notes), notes, np.zeros(2001))).all()


def test_a_hyphen_or_an_underscore_holds_the_vowel() -> None:
    held = [SungNote(onset=0.0, duration=1.0, pitch=60, syllable=text).syllable for text in ("-", " _ ", "-la", "la")]
    assert held == [None, None, "-la", "la"]
