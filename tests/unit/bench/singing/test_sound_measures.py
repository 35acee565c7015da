"""Signals whose figures are known: what the judges of pitch, timing, clicks and level make of them."""

import numpy as np
import pytest
from bandmate_bench.singing.clicks import click_times
from bandmate_bench.singing.intonation import intonation
from bandmate_bench.singing.mix_level import mix_level, through_mp3, true_peak
from bandmate_bench.singing.onsets import begins_with_obstruent, onset_errors
from bandmate_bench.singing.pitch import praat, search_range
from bandmate_bench.singing.spectrum import begins_with_sibilant, fricatives
from bandmate_bench.singing.sung import JudgedNote, hertz

RATE = 44100
PITCHES = (57, 60, 64, 60)


def note(start: float, end: float, pitch: float, syllable: str | None = "ta") -> JudgedNote:
    return JudgedNote(start, end, pitch, syllable, True, False)


def melody(seconds: float = 0.6) -> list[JudgedNote]:
    return [note(number * seconds, (number + 1) * seconds, pitch) for number, pitch in enumerate(PITCHES)]


def sung(notes: list[JudgedNote], cents: float = 0.0, vibrato: float = 0.0) -> np.ndarray:
    """Ten harmonics on the notes, so many cents beside them, with a vibrato of 5.5 Hz."""
    times = np.arange(int(notes[-1].end * RATE)) / RATE
    pitch = np.array([one.pitch for one in notes])[
        np.minimum(np.searchsorted([one.end for one in notes], times, side="right"), len(notes) - 1)
    ]
    frequency = hertz(0) * 2 ** ((pitch + (cents + vibrato * np.sin(2 * np.pi * 5.5 * times)) / 100) / 12)
    phase = 2 * np.pi * np.cumsum(frequency) / RATE
    return (0.05 * sum(np.sin(k * phase) / k for k in range(1, 11))).astype(np.float32)


def test_a_tone_beside_its_notes_is_measured_to_the_cent() -> None:
    pytest.importorskip("parselmouth", reason="needs the extra bench-singing")
    notes = melody()
    measured = intonation(praat(sung(notes, cents=20.0, vibrato=25.0), RATE, *search_range(notes)), notes)
    assert measured["rpa"] == pytest.approx(1.0, abs=0.03)
    assert measured["octave_errors"] == 0.0
    assert measured["voiced"] > 0.95
    assert measured["note_mean_cents"] == pytest.approx(20.0, abs=3.0)


def test_praat_hears_a_song_an_octave_low() -> None:
    pytest.importorskip("parselmouth", reason="needs the extra bench-singing")
    notes = melody()
    low = sung([note(one.start, one.end, one.pitch - 12) for one in notes])
    measured = intonation(praat(low, RATE, *search_range(notes)), notes)
    assert (measured["rpa"], measured["octave_errors"]) == (0.0, pytest.approx(1.0, abs=0.02))


def test_intonation_counts_the_frames_inside_notes_alone() -> None:
    times = np.arange(0, 0.5, 0.01)
    # 30 cents high inside, a third away in the edges, unvoiced for a tenth of a second in the middle.
    track = np.full(len(times), hertz(60.3))
    track[times < 0.015] = hertz(64)
    track[times >= 0.455] = hertz(64)
    track[(times > 0.195) & (times < 0.295)] = 0.0
    measured = intonation((times, track), [note(0.0, 0.5, 60)])
    assert measured["rpa"] == 1.0
    assert measured["frames"] == 43
    assert measured["voiced"] == pytest.approx(33 / 43)
    assert measured["note_worst_cents"] == pytest.approx(30.0)


def test_the_median_of_short_notes_is_not_asked_for() -> None:
    times = np.arange(0, 0.29, 0.01)
    measured = intonation((times, np.full(len(times), hertz(60))), [note(0.0, 0.29, 60)])
    assert (measured["rpa"], measured["note_worst_cents"]) == (1.0, None)


def test_clicks_are_counted_where_they_are() -> None:
    voice = sung(melody(), vibrato=30.0)
    voice *= np.minimum(1.0, np.minimum(np.arange(len(voice)), np.arange(len(voice))[::-1]) / 2000)  # Soft ends.
    assert click_times(voice, RATE) == []
    for second in (0.31, 1.207, 1.9):
        voice[int(second * RATE)] += 0.15
    assert click_times(voice, RATE) == pytest.approx([0.31, 1.207, 1.9], abs=0.001)


def test_the_pulses_of_a_low_voice_and_a_burst_of_noise_are_no_clicks() -> None:
    random = np.random.default_rng(1)
    pulses = np.zeros(RATE, dtype=np.float32)
    pulses[:: RATE // 80] = 0.5
    assert click_times(pulses[: -RATE // 80], RATE) == []
    burst = np.zeros(RATE, dtype=np.float32)
    burst[RATE // 2 : RATE // 2 + int(0.03 * RATE)] = 0.2 * random.standard_normal(int(0.03 * RATE))
    assert click_times(burst, RATE) == []


@pytest.mark.parametrize("late", [-0.03, 0.0, 0.025])
def test_vowels_are_heard_where_they_begin(late: float) -> None:
    notes = [note(0.5 + 0.6 * number, 1.0 + 0.6 * number, 60, "ta") for number in range(5)]
    voice = sung([note(0.0, 4.0, 60)]) * 0.0
    tone = sung([note(0.0, 4.0, 60)])
    for one in notes:
        begin, end = int((one.start + late) * RATE), int((one.end + late) * RATE)
        voice[begin:end] = tone[begin:end]
    errors = onset_errors(voice, RATE, notes)
    assert len(errors) == 5
    assert np.median(errors) == pytest.approx(late, abs=0.006)


def test_only_after_stops_and_fricatives_an_onset_can_be_heard() -> None:
    assert [
        s for s in ("ta", "stra", "shore", "la", "me", "a", "Üb", "Zeit", "what", "que") if begins_with_obstruent(s)
    ] == [
        "ta",
        "shore",
        "Zeit",
    ]


def test_a_sibilant_with_and_without_its_high_noise() -> None:
    notes = [note(0.5 + 0.6 * number, 1.0 + 0.6 * number, 60, "see") for number in range(4)]
    tone = sung([note(0.0, 4.0, 60)])
    voice = np.zeros_like(tone)
    random = np.random.default_rng(2)
    for one in notes:
        begin, end = int(one.start * RATE), int(one.end * RATE)
        voice[begin:end] = tone[begin:end]
    silent = fricatives(voice, RATE, notes)
    for one in notes:
        begin = int((one.start - 0.12) * RATE)
        voice[begin : begin + 4000] += 0.02 * random.standard_normal(4000).astype(np.float32)
    hissed = fricatives(voice, RATE, notes)
    assert (silent["fricatives_present"], hissed["fricatives_present"]) == (0.0, 1.0)
    assert hissed["fricatives"] == 4
    assert -20.0 < hissed["fricative_db"] < 0.0
    assert fricatives(voice[::4], RATE // 4, notes)["fricatives_present"] is None
    assert [s for s in ("see", "cei", "cat", "chat", "za", "ten") if begins_with_sibilant(s)] == ["see", "cei", "za"]


def test_true_peak_lies_between_the_samples() -> None:
    quarter = np.sin(2 * np.pi * np.arange(RATE) / 4 + np.pi / 4).astype(np.float32)  # samples of 0.707 of a sine of 1
    assert true_peak(np.stack([quarter, quarter], axis=1)[500:-500]) == pytest.approx(0.0, abs=0.3)
    tone = (0.5 * np.hanning(RATE) * np.sin(2 * np.pi * 997 * np.arange(RATE) / RATE)).astype(np.float32)
    assert true_peak(tone[:, None]) == pytest.approx(-6.02, abs=0.1)
    assert true_peak(through_mp3(tone[:, None], RATE)) == pytest.approx(-6.02, abs=0.5)


def test_loudness_of_a_tone_by_the_standard() -> None:
    pytest.importorskip("pyloudnorm", reason="needs the extra bench-singing")
    tone = (0.1 * np.sin(2 * np.pi * 997 * np.arange(5 * RATE) / RATE)).astype(np.float32)
    level = mix_level(np.stack([tone, tone], axis=1), RATE)
    assert level["lufs"] == pytest.approx(-20.0, abs=0.1)
    assert level["true_peak"] == pytest.approx(-20.0, abs=1.1)  # It begins and ends at once, which rings.
