"""What is measured of mixes, on sounds whose values are known."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from bandmate_bench.cli.app import app
from bandmate_bench.mix import measures
from bandmate_bench.mix.measures import deviation, published_balance
from bandmate_bench.mix.report import measure, summarise
from bandmate_bench.mix.song_sound import SongSound, Sound, find_sounds, read_sound
from bandmate_shared.errors import InvalidRequest, NotFound
from typer.testing import CliRunner

RATE = 44_100


def balanced_noise(seconds: float = 8.0, bell_hz: float | None = None) -> Sound:
    """Noise with the published balance; around `bell_hz` 6 dB more than that."""
    count = int(seconds * RATE)
    spectra = np.fft.rfft(np.random.default_rng(1).standard_normal((2, count)))
    hertz = np.maximum(np.fft.rfftfreq(count, 1 / RATE), 20.0)
    levels = published_balance(hertz)
    if bell_hz is not None:
        levels = levels + 6.0 * (np.abs(np.log2(hertz / bell_hz)) < 1 / 6)
    sound = np.fft.irfft(spectra * 10.0 ** (levels / 20.0)).T
    return (0.1 * sound / np.std(sound)).astype(np.float32)


def song(mix: Sound, **stems: Sound) -> SongSound:
    return SongSound("a", "pop", RATE, mix, stems, "vocals" in stems)


def sine(amplitude: float) -> Sound:
    """Without a jump at its ends, which a band-limited signal overshoots."""
    times = np.arange(4 * RATE) / RATE
    wave = amplitude * np.sin(2 * np.pi * 997 * times) * np.clip(np.minimum(times, times[::-1]) / 0.02, 0.0, 1.0)
    return np.stack([wave, wave], axis=1).astype(np.float32)


def test_noise_of_the_published_balance_lies_on_it_and_a_bump_is_found() -> None:
    assert np.abs(deviation(balanced_noise(), RATE)).max() < 1.0
    bumped = deviation(balanced_noise(bell_hz=2000.0), RATE)
    assert np.argmax(bumped) == 15  # thirds of an octave up from 62.5 Hz
    assert bumped.max() == pytest.approx(6.0 - 6.0 / 23, abs=0.8)


def test_the_published_slope_is_four_and_a_half_decibels_an_octave() -> None:
    """The paper's mean from 100 Hz to 4 kHz."""
    ends = published_balance(np.array([100.0, 4000.0]))
    assert (ends[0] - ends[1]) / np.log2(40.0) == pytest.approx(4.5, abs=0.1)


def test_a_sine_has_the_crest_and_the_loudness_of_the_standard() -> None:
    whole = song(sine(0.5))
    assert measures.crest_factor(whole) == pytest.approx(3.01, abs=0.05)
    assert measures.loudness(whole) == pytest.approx(-6.02, abs=0.15)  # 0 LUFS at full scale in both channels.
    assert measures.peak(whole) == pytest.approx(-6.02, abs=0.1)
    assert measures.balance(whole) is None, "no drums, no bass"
    assert measures.stems_apart(whole) is None


def test_what_is_opposite_on_both_sides_is_lost_in_mono() -> None:
    noise = balanced_noise()[:, :1]
    assert measures.mono_loss(song(np.repeat(noise, 2, axis=1))) == pytest.approx(0.0, abs=0.01)
    assert measures.mono_loss(song(balanced_noise())) == pytest.approx(3.01, abs=0.2)
    assert measures.mono_loss(song(np.concatenate([noise, -0.9 * noise], axis=1))) > 20.0


def test_stems_that_add_up_leave_nothing() -> None:
    bass, drums = balanced_noise(), balanced_noise(bell_hz=100.0)[::-1]
    assert measures.stems_apart(song(bass + drums, bass=bass, drums=drums)) < -100.0  # type: ignore[operator]
    apart = measures.stems_apart(song(bass + drums, bass=bass))
    assert apart == pytest.approx(-3.0, abs=0.5)
    assert measures.balance(song(bass + drums, bass=bass, drums=drums)) is not None
    assert measures.balance(song(bass, bass=bass, drums=np.zeros_like(drums))) is None, "silent drums"


def write_song(folder: Path, gain: float = 0.5) -> Sound:
    mix = balanced_noise(4.0)
    (folder / "stems").mkdir(parents=True)
    soundfile.write(folder / "song.wav", mix, RATE, subtype="FLOAT")
    soundfile.write(folder / "stems" / "bass.wav", mix[:-100] / gain, RATE, subtype="FLOAT")
    soundfile.write(folder / "stems" / "other.wav", mix, RATE, subtype="FLOAT")
    report = {"style": "pop", "mix": {"gains": {"bass": gain, "drums": 1.0}}}
    (folder / "report.json").write_text(json.dumps(report))
    return mix


def test_a_folder_is_read_with_the_gains_of_its_report(tmp_path: Path) -> None:
    mix = write_song(tmp_path / "a-song")
    [folder] = find_sounds(tmp_path)
    sound = read_sound(folder)
    assert (sound.name, sound.style, sound.is_sung) == ("a-song", "pop", False)
    assert set(sound.stems) == {"bass"}, "stems without a gain are not in the mix"
    assert np.abs(sound.stems["bass"][:-100] - mix[:-100]).max() < 1e-6
    assert not sound.stems["bass"][-100:].any()


def test_folders_without_songs_and_reports_of_something_else_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        find_sounds(tmp_path / "nowhere")
    with pytest.raises(InvalidRequest, match=r"no song\.wav"):
        find_sounds(tmp_path)
    write_song(tmp_path / "a")
    (tmp_path / "a" / "report.json").write_text('["not a report"]')
    with pytest.raises(InvalidRequest, match=r"not the report of a song"):
        read_sound(tmp_path / "a")


def test_rows_say_how_many_songs_are_as_asked() -> None:
    loud, soft = (measure(song(level * balanced_noise())) for level in (1.0, 0.01))
    rows = {row["row"]: row for row in summarise([("pop", loud), ("rock", soft)])}
    assert rows["balance"]["all"]["songs"] == 0
    loudness = rows["loudness"]
    assert loudness["styles"]["rock"]["lowest"] == loudness["all"]["lowest"] == pytest.approx(loud["loudness"] - 40.0)  # type: ignore[operator]
    assert rows["peak"]["all"]["met"] == 2
    assert rows["crest_factor"]["all"]["met"] == 2
    assert loudness["how"].startswith("Integrated loudness in LUFS")


def test_the_command_measures_a_folder(tmp_path: Path) -> None:
    write_song(tmp_path / "songs" / "a")
    result = CliRunner().invoke(app, ["mix", "--from", str(tmp_path / "songs"), "--json", str(tmp_path / "mix.json")])
    assert result.exit_code == 0, result.output
    written = json.loads((tmp_path / "mix.json").read_text())
    assert [measured["song"] for measured in written["songs"]] == ["a"]
    assert written["passed"] is False
    assert {row["row"] for row in written["rows"]} >= {"balance", "crest_factor", "mono_loss"}
