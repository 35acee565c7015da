"""The same verse by every singer: melodies in range, pictures and a page."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from bandmate_bench.cli.demo_voices import demo_case, draw_spectrogram, main, page
from bandmate_shared.singing.catalogue import SINGERS
from bandmate_shared.singing.singers import notes_outside, singer_named


@pytest.mark.parametrize("singer", SINGERS)
def test_every_singer_sings_within_its_range(singer: str) -> None:
    case = demo_case("en", singer, None)
    voice = singer_named(singer)
    assert voice is not None
    assert notes_outside(voice, [note["pitch"] for note in case.request["notes"]]) == 0
    assert (case.group, case.name, case.request["voice"]) == ("en", singer, singer)


def test_a_verse_is_drawn_and_listed(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="needs the extra bench-singing")
    folder = tmp_path / "en" / "alto"
    folder.mkdir(parents=True)
    soundfile.write(folder / "vocals.wav", 0.1 * np.sin(np.arange(44100) / 20), 44100)
    (folder / "alignment.json").write_text(json.dumps({"notes": [{"start": 0.2, "syllable": "la"}]}))
    (folder / "vocal.json").write_text(json.dumps({"engine": "hibari", "voice": "alto"}))
    draw_spectrogram(folder)
    assert (folder / "spectrogram.png").read_bytes()[:4] == b"\x89PNG"
    assert 'src="en/alto/vocals.wav"' in page(tmp_path, [folder])


def test_unknown_singers_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--singers", "caruso"])
    assert "there is no singer caruso; there are soprano" in capsys.readouterr().err
