"""What is said where the voice is not installed, or is another one."""

from pathlib import Path

import pytest
from bandmate_vocal.speech.errors import SpeechEngineMissing
from bandmate_vocal.speech.neural.hibari import HibariNetwork


def test_without_the_package_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SpeechEngineMissing, match="pip install hibari-tts"):
        HibariNetwork().pronounce(["la"], "en")


def test_another_voice_than_the_pinned_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "hibari.onnx").write_bytes(b"another voice")
    (tmp_path / "vocab.json").write_text('{"l": 1}', encoding="utf-8")
    network = HibariNetwork()
    network.__dict__["_folder"] = tmp_path
    with pytest.raises(SpeechEngineMissing, match="not the voice that this version sings with"):
        network.predict(["l"])
