"""What becomes of the network's spectra on their way to a singing voice."""

import numpy as np
from bandmate_vocal.speech.neural.network import Frames, Timbre
from bandmate_vocal.speech.neural.spectra import shape_free

BINS, HALVES = 601, 40
FREQUENCIES = np.linspace(0.0, 12000.0, BINS)
VOICED = np.arange(HALVES) >= HALVES // 2
LOW = FREQUENCIES < 600.0


def frames() -> Frames:
    """Half of them voiceless, half of them a steady vowel at 220 Hz."""
    zeros = np.zeros(HALVES)
    return Frames(("t", "ə"), np.array([10, 10]), zeros + 220.0, VOICED, VOICED.astype(np.float64), zeros)


def test_a_pop_in_a_voiceless_sound_is_held_below_the_vowels() -> None:
    quiet = np.full((BINS, HALVES), -3.0, np.float32)
    popping = quiet.copy()
    popping[LOW, 18] = 2.2  # the network's own last pulse of a voice, as it was found in "kitchen"
    popping[~LOW, 12] = 2.2  # the burst of a consonant
    shaped, expected = (shape_free(levels, FREQUENCIES, frames(), Timbre()) for levels in (popping, quiet))
    assert shaped[LOW, 18].max() == 0.5
    assert np.allclose(shaped[~LOW, 12], 2.2)
    rest = np.delete(np.arange(HALVES), (12, 18))
    assert np.array_equal(shaped[:, rest], expected[:, rest])


def test_what_is_voiced_keeps_its_low_frequencies() -> None:
    loud = np.full((BINS, HALVES), 3.0, np.float32)
    shaped = shape_free(loud, FREQUENCIES, frames(), Timbre())
    voiced = shaped[:, VOICED]
    assert np.allclose(voiced, voiced[-1:], atol=1e-5)
    assert shaped[LOW][:, ~VOICED].max() == 0.5
