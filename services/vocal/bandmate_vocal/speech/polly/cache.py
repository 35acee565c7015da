"""Cache of Polly's recordings in the object store: repeats cost nothing and sound the same.

`speech/<2 digits>/<hash of the request>.json` holds the marks and names the sound beside it, `<hash of the sound>.ogg`.
The record is written last and only if there is none, so sound and marks always come from the same pair of calls, also
when two workers ask for the same line at once: the second takes over what the first has written.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from bandmate_shared.errors import NotFound
from bandmate_shared.objects.base import AlreadyExists, Storage
from bandmate_shared.objects.blobs import sha256_of

from bandmate_vocal.speech.polly.client import FORMAT, MARKS, SAMPLE_RATES, Spoken

PREFIX = "speech"


@dataclass(frozen=True, slots=True)
class SpeechCache:
    """Spoken utterances by everything that shapes their sound."""

    storage: Storage
    engine: str

    def get(self, ssml: str, voice: str) -> Spoken | None:
        """The cached recording, with no characters billed; None where there is none, or a damaged one."""
        try:
            record = json.loads(self.storage.get(self._key(ssml, voice)))
            audio = self.storage.get(_sound_key(record["audio"]))
        except NotFound:
            return None
        except (ValueError, KeyError, TypeError):
            return None
        if sha256_of(audio) != record["audio"]:
            return None
        return Spoken(audio, str(record["marks"]).encode(), 0)

    def put(self, ssml: str, voice: str, spoken: Spoken) -> Spoken:
        """Store a recording; returns the one in the store, which is another worker's if that was first."""
        sha256 = sha256_of(spoken.audio)
        self.storage.put(_sound_key(sha256), spoken.audio)
        record: dict[str, Any] = {**self._request(ssml, voice), "audio": sha256, "marks": spoken.marks.decode()}
        data = json.dumps(record, ensure_ascii=False, indent=1).encode()
        key = self._key(ssml, voice)
        try:
            self.storage.put(key, data, if_absent=True)
        except AlreadyExists:
            stored = self.get(ssml, voice)
            if stored is not None:
                return Spoken(stored.audio, stored.marks, spoken.billed_characters)
            self.storage.put(key, data)  # a record whose sound is missing or damaged
        return spoken

    def _request(self, ssml: str, voice: str) -> dict[str, Any]:
        return {
            "service": "polly",
            "engine": self.engine,
            "voice": voice,
            "format": FORMAT,
            "sample_rate": SAMPLE_RATES[self.engine],
            "mark_types": MARKS,
            "ssml": ssml,
        }

    def _key(self, ssml: str, voice: str) -> str:
        canonical = json.dumps(self._request(ssml, voice), sort_keys=True)
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        return f"{PREFIX}/{digest[:2]}/{digest}.json"


def _sound_key(sha256: str) -> str:
    return f"{PREFIX}/{sha256[:2]}/{sha256}.ogg"
