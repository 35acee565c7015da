"""A preset cut out of a font sounds as it does in the whole font, and damaged fonts are refused."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import tinysoundfont
from bandmate_generate.audio.soundfont import find_soundfont
from bandmate_generate.audio.soundfont_file import SoundfontFile
from bandmate_generate.settings import GenerateSettings
from bandmate_shared.errors import UnreadableFile
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return find_soundfont(GenerateSettings(home=tmp_path_factory.mktemp("home"))).path


@pytest.fixture(scope="module")
def whole(path: Path) -> tinysoundfont.Synth:
    synth = tinysoundfont.Synth(gain=0.0, samplerate=44100)
    assert synth.sfload(str(path)) == 0
    return synth


def struck(synth: tinysoundfont.Synth, bank: int, program: int, pitch: int, velocity: int) -> np.ndarray:
    """Half a second of a note and its release, from silence."""
    synth.sounds_off(0)
    synth.control_change(0, 121, 0)
    synth.program_select(0, 0, bank, program, bank == 128)
    while np.frombuffer(synth.generate(4096), dtype=np.float32).any():
        pass
    synth.noteon(0, pitch, velocity)
    first = np.frombuffer(synth.generate(22050), dtype=np.float32).copy()
    synth.noteoff(0, pitch)
    return np.concatenate([first, np.frombuffer(synth.generate(4410), dtype=np.float32)])


@pytest.mark.parametrize(
    ("bank", "program", "pitch"), [(0, 0, 60), (0, 25, 52), (0, 33, 33), (0, 48, 67), (128, 0, 38), (128, 0, 42)]
)
@pytest.mark.parametrize("velocity", [40, 100])
def test_a_preset_cut_out_sounds_as_in_the_whole_font(
    path: Path, whole: tinysoundfont.Synth, bank: int, program: int, pitch: int, velocity: int
) -> None:
    cut = SoundfontFile(path).preset(bank, program, [(pitch, velocity), (pitch + 7, 90)])
    alone = tinysoundfont.Synth(gain=0.0, samplerate=44100)
    alone.sfload(cut)
    expected = struck(whole, bank, program, pitch, velocity)
    assert np.abs(expected).max() > 0.01
    assert np.abs(struck(alone, bank, program, pitch, velocity) - expected).max() < 0.005
    assert len(cut) < path.stat().st_size


def test_the_presets_are_those_of_general_midi(path: Path) -> None:
    presets = SoundfontFile(path).presets
    assert {(0, program) for program in range(128)} <= presets
    assert (128, 0) in presets


def test_equal_notes_are_equal_bytes(path: Path) -> None:
    notes = [(60, 90), (64, 50), (67, 90)]
    assert SoundfontFile(path).preset(0, 0, notes) == SoundfontFile(path).preset(0, 0, reversed(notes))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_damaged_font_is_read_or_refused(data: st.DataObject, small_font: bytes, tmp_path_factory) -> None:
    damaged = bytearray(small_font)
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("fonts") / "damaged.sf2"
    path.write_bytes(bytes(damaged[: data.draw(st.integers(1, len(damaged)))]))
    with suppress(UnreadableFile):  # Any other error would be ours.
        font = SoundfontFile(path)
        for bank, program in sorted(font.presets)[:3]:
            font.preset(bank, program, [(60, 90)])


@pytest.fixture(scope="module")
def small_font(path: Path) -> bytes:
    """A font of one preset without its samples, so that damage hits the lists."""
    font = SoundfontFile(path).preset(0, 0, [(60, 90)])
    samples, lists = font.index(b"sdta") - 8, font.index(b"pdta") - 8
    return font[:samples] + _chunk(b"LIST", b"sdta" + _chunk(b"smpl", bytes(64))) + font[lists:]


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + len(content).to_bytes(4, "little") + content
