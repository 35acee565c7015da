"""Voices beside the lead: the rule of the second voice, and that a choir is more than one voice."""

import numpy as np
import pytest
from bandmate_shared.contracts.vocals import SungNote
from bandmate_vocal.ensemble import lower_voice, sing_backing
from bandmate_vocal.speech.neural.engine import NeuralEngine
from bandmate_vocal.speech.neural.hibari import HibariNetwork

SCALE = (62, 64, 66, 67, 69, 71, 73, 74, 73, 71, 69, 67, 66, 64, 62)


def notes(pitches: tuple[int, ...]) -> list[SungNote]:
    return [
        SungNote(onset=0.4 * number, duration=0.4, pitch=pitch, syllable="la") for number, pitch in enumerate(pitches)
    ]


def test_thirds_and_sixths_stay_in_the_melodys_key() -> None:
    thirds = [note.pitch for note in lower_voice(notes(SCALE), 2)]
    assert thirds[:8] == [59, 61, 62, 64, 66, 67, 69, 71]
    sixths = [note.pitch for note in lower_voice(notes(SCALE), 5)]
    assert sixths[:8] == [54, 55, 57, 59, 61, 62, 64, 66]


def test_a_note_outside_the_scale_is_as_much_above_the_second_voices_note() -> None:
    raised = lower_voice(notes((*SCALE, 68, 69, 62)), 2)
    assert raised[len(SCALE)].pitch == 65  # G sharp over G: E sharp over E


def test_no_voice_goes_below_what_can_be_sung() -> None:
    assert all(note.pitch >= 24 for note in lower_voice(notes((26, 24, 26, 28, 26)), 7))


def test_a_second_voice_is_heard_below_the_lead() -> None:
    engine = NeuralEngine(HibariNetwork())
    lead = notes((62, 64, 66, 62))
    assert sing_backing("solo", lead, "alto", engine, "en", 1.7, 1) is None
    below = sing_backing("thirds", lead, "alto", engine, "en", 1.7, 1)
    assert below is not None
    levels = np.abs(np.fft.rfft(below[5000:20000] * np.hanning(15000), 1 << 17))
    hertz = np.fft.rfftfreq(1 << 17, 1 / 44100)
    sung, lead_hertz = (440 * 2 ** ((pitch - 69) / 12) for pitch in (59, 62))
    near = [levels[np.abs(hertz - value) < 6].max() for value in (sung, lead_hertz)]
    assert near[0] > 4 * near[1]


@pytest.mark.parametrize("ensemble", ["double", "choir"])
def test_everybody_sings(ensemble: str) -> None:
    engine = NeuralEngine(HibariNetwork())
    together = sing_backing(ensemble, notes((62, 64)), "alto", engine, "en", 1.2, 1)  # type: ignore[arg-type]
    assert together is not None
    assert np.abs(together[: int(0.8 * 44100)]).max() > 0.02
