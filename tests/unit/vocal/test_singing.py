"""The sung sound: on pitch (by an independent tracker), vowels on the beat, no clicks, silence in the rests."""

import numpy as np
import pytest

SAMPLE_RATE = 44100


def test_notes_are_sung_within_50_cents(judged) -> None:
    share, worst = judged
    assert share >= 0.98
    assert worst < 15.0


@pytest.mark.parametrize(("name", "voice"), [("tenor", "en-us"), ("eighths", "en-us+linda")])
def test_other_voices_and_fast_notes_too(singing, melodies, pitch_judge, name: str, voice: str) -> None:
    performed = singing(*melodies[name], voice)
    share, worst = pitch_judge(performed.voice, performed.notes)
    assert share >= 0.97
    assert worst < 20.0


def test_the_services_own_measurement_agrees_with_the_independent_one(sung, judged) -> None:
    from bandmate_vocal.synthesis.measure import intonation

    measured = intonation(sung.voice, sung.notes)
    share, _ = judged
    assert measured.within_50_cents == pytest.approx(share, abs=0.02)
    assert measured.frames > 500


def test_the_services_own_measurement_hears_wrong_notes(sung) -> None:
    from bandmate_vocal.synthesis.measure import intonation

    wrong = [note.model_copy(update={"pitch": note.pitch + 1}) for note in sung.notes]
    measured = intonation(sung.voice, wrong)
    assert measured.within_50_cents < 0.05
    assert measured.worst_note_cents > 80.0


def test_vowels_begin_on_the_beat(sung) -> None:
    """Of syllables after a stop or fricative: energy between 400 and 2500 Hz rises to half within 25 ms of the beat."""
    from scipy.signal import butter, sosfiltfilt

    band = sosfiltfilt(butter(2, (400, 2500), "bandpass", fs=SAMPLE_RATE, output="sos"), sung.voice.astype(float))
    vowels = [vowel for phrase in sung.spoken.phrases for vowel in phrase.vowels if vowel.after_obstruent]
    assert len(vowels) >= 10
    late = []
    for vowel in vowels:
        at = np.arange(-0.08, 0.08, 0.002) + vowel.beat
        power = [float(np.mean(band[int((t - 0.005) * SAMPLE_RATE) : int((t + 0.005) * SAMPLE_RATE)] ** 2)) for t in at]
        full = np.median([p for t, p in zip(at, power, strict=True) if t > vowel.beat + 0.02])
        below = [t for t, p in zip(at, power, strict=True) if p < full / 4 and t < vowel.beat + 0.06]
        late.append((max(below) if below else at[0]) - vowel.beat)
    assert abs(float(np.median(late))) < 0.015
    assert float(np.percentile(np.abs(late), 90)) < 0.03


def test_rests_are_silent(sung) -> None:
    ends = [phrase.t1 for phrase in sung.spoken.phrases]
    begins = [phrase.t0 for phrase in sung.spoken.phrases[1:]] + [sung.seconds]
    for end, begin in zip(ends, begins, strict=True):
        assert begin - end > 0.2
        rest = sung.voice[int((end + 0.03) * SAMPLE_RATE) : int((begin - 0.005) * SAMPLE_RATE)]
        assert np.abs(rest).max() < 1e-3


def test_there_are_no_clicks(sung) -> None:
    """Where recordings or notes join, the signal is no rougher than inside vowels.

    A click is broad: it shows as a jump of the second difference above anything in the steady vowels around it.
    """
    bend = np.abs(np.diff(sung.voice.astype(float), 2))
    steady, joins = [], []
    for phrase in sung.spoken.phrases:
        for segment, following in zip(phrase.segments[:-1], phrase.segments[1:], strict=True):
            if segment.held:
                steady.append(bend[int(segment.t0 * SAMPLE_RATE) : int(segment.t1 * SAMPLE_RATE)].max())
            if segment.take != following.take:
                at = int(segment.t1 * SAMPLE_RATE)
                joins.append(bend[at - 220 : at + 220].max())
        for edge in (phrase.t0, phrase.t1):
            at = int(edge * SAMPLE_RATE)
            assert np.abs(sung.voice[max(0, at - 20) : at + 20]).max() < 0.05
    assert len(joins) >= 10
    assert len(steady) >= 10
    assert max(joins) < 1.5 * max(steady)


def test_it_lasts_exactly_as_long_as_the_song(sung) -> None:
    assert len(sung.voice) == round(sung.seconds * SAMPLE_RATE)


def test_the_same_request_gives_the_same_samples(sung, singing) -> None:
    again = singing(sung.notes, sung.seconds)
    assert np.array_equal(again.voice, sung.voice)


def test_the_words_can_be_told_apart(singing, melodies) -> None:
    """Vowels keep their formants: 'ee' has its second formant far above that of 'oo' on the same note."""
    from bandmate_shared.contracts.vocals import SungNote

    centres = {}
    for word in ("see", "moon", "far"):
        voice = singing([SungNote(onset=0.2, duration=1.0, pitch=57, syllable=word)], 1.5, "en-us").voice
        vowel = voice[int(0.4 * SAMPLE_RATE) : int(0.8 * SAMPLE_RATE)]
        spectrum = np.abs(np.fft.rfft(vowel * np.hanning(len(vowel)))) ** 2
        frequencies = np.fft.rfftfreq(len(vowel), 1 / SAMPLE_RATE)
        front = spectrum[(frequencies > 1700) & (frequencies < 2800)].sum()
        back = spectrum[(frequencies > 600) & (frequencies < 1500)].sum()
        centres[word] = 10 * np.log10(front / back)
    assert centres["see"] > centres["far"] + 10
    assert centres["see"] > centres["moon"] + 10


@pytest.mark.parametrize("pitch", [57, 62, 69, 74, 76.5, 79, 84])
def test_the_services_pitch_tracker_makes_no_octave_errors(pitch: float) -> None:
    """A tone as bright as an 'ee', searched over three octaves; of high notes a period is a few dozen samples."""
    from bandmate_vocal.synthesis.measure import track

    hertz = 440.0 * 2.0 ** ((pitch - 69) / 12)
    times = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    phases = np.random.default_rng(1).uniform(0.0, 6.0, 60)
    partials = [(k * hertz, phases[k]) for k in range(1, 60) if k * hertz < 10000]
    tone = sum((3.0 if 1500 < at < 3000 else 0.5) * np.sin(2 * np.pi * at * times + phase) for at, phase in partials)
    _, contour = track((0.3 * tone / np.abs(tone).max()).astype(np.float32), 150.0, 1200.0)
    inside = contour[10:-10]
    assert not np.isnan(inside).any()
    assert np.abs(1200 * np.log2(inside / hertz)).max() < 20
