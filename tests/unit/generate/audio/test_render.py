"""The synthesiser: right pitches at the right samples, and the same samples whatever was played before."""

import numpy as np
import pytest
from bandmate_generate.audio.render import SAMPLE_RATE, Band
from bandmate_generate.audio.soundfont import find_soundfont
from bandmate_generate.settings import GenerateSettings
from bandmate_music.score import Notes, Part, Score, TempoChange
from bandmate_shared.errors import UnreadableFile


@pytest.fixture(scope="module")
def player(tmp_path_factory: pytest.TempPathFactory) -> Band:
    return Band(find_soundfont(GenerateSettings(home=tmp_path_factory.mktemp("home"))).path)


def one_note(pitch: int, program: int = 73, onset: int = 480, is_drum: bool = False) -> tuple[Part, Score]:
    part = Part("Part", program, Notes.from_rows([(onset, 960, pitch, 90)]), is_drum)
    return part, Score((part,), 480, (TempoChange(0, 120.0),))


def fundamental(sound: np.ndarray) -> float:
    """Hz: the first strong peak of the autocorrelation tells the octave, the spectrum's peak nearby the pitch."""
    mono = sound.mean(axis=1).astype(np.float64)
    size = 1 << (2 * len(mono) - 1).bit_length()
    correlation = np.fft.irfft(np.abs(np.fft.rfft(mono, size)) ** 2)[: len(mono) // 2]
    shortest, longest = SAMPLE_RATE // 1600, SAMPLE_RATE // 50
    window = correlation[shortest:longest] / (1 - np.arange(shortest, longest) / len(mono))
    peaks = [i for i in range(1, len(window) - 1) if window[i - 1] < window[i] >= window[i + 1]]
    best = next(i for i in peaks if window[i] > 0.9 * max(window[i] for i in peaks))
    estimate = SAMPLE_RATE / (shortest + best)
    bins = 1 << 18
    spectrum = np.abs(np.fft.rfft(mono * np.hanning(len(mono)), bins))
    low, high = (int(estimate * factor / SAMPLE_RATE * bins) for factor in (0.96, 1.04))
    return float(low + spectrum[low:high].argmax()) * SAMPLE_RATE / bins


@pytest.mark.parametrize(("pitch", "program"), [(69, 73), (60, 40), (57, 25), (45, 32), (72, 0)])
def test_a_note_sounds_at_its_pitch(player: Band, pitch: int, program: int) -> None:
    part, score = one_note(pitch, program)
    sound = player.play(part, score, 2.0)
    steady = sound[int(0.7 * SAMPLE_RATE) : int(1.2 * SAMPLE_RATE)]
    cents = 1200 * np.log2(fundamental(steady) / (440 * 2 ** ((pitch - 69) / 12)))
    assert abs(cents) < 25


def test_nothing_sounds_before_the_onset_and_the_length_is_exact(player: Band) -> None:
    part, score = one_note(60, program=0, onset=480)
    sound = player.play(part, score, 1.7321)
    assert sound.shape == (round(1.7321 * SAMPLE_RATE), 2)
    onset = SAMPLE_RATE // 2
    assert np.abs(sound[:onset]).max() == 0.0
    assert np.abs(sound[onset : onset + 2000]).max() > 0.001


def test_equal_parts_give_equal_samples_whatever_came_before(player: Band) -> None:
    part, score = one_note(64, program=25)
    first = player.play(part, score, 1.5)
    other, other_score = one_note(40, program=30, onset=0)
    player.play(other, other_score, 0.5)
    assert np.array_equal(first, player.play(part, score, 1.5))


def test_drums_sound_as_drums(player: Band) -> None:
    drum, score = one_note(38, program=0, is_drum=True)
    piano, _ = one_note(38, program=0)
    assert not np.allclose(player.play(drum, score, 1.5), player.play(piano, score, 1.5))


def test_a_guitar_chord_is_strummed_and_a_piano_chord_is_not(player: Band) -> None:
    rows = [(0, 960, pitch, 90) for pitch in (52, 59, 64, 67)]

    def late(program: int) -> int:
        """Samples by which the chord's last note comes after its first, by comparing with the first note alone."""
        chord = Part("P", program, Notes.from_rows(rows))
        lowest = Part("P", program, Notes.from_rows(rows[:1]))
        score = Score((chord,), 480, (TempoChange(0, 120.0),))
        difference = np.abs(player.play(chord, score, 0.3) - player.play(lowest, score, 0.3)).max(axis=1)
        return int(np.argmax(difference > 1e-4))

    assert late(25) >= 0.010 * SAMPLE_RATE
    assert late(0) < 0.005 * SAMPLE_RATE


def test_a_file_that_is_no_soundfont_is_named(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("fonts") / "broken.sf2"
    path.write_bytes(b"RIFFnothing")
    with pytest.raises(UnreadableFile, match=r"broken\.sf2"):
        Band(path)
