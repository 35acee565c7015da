"""Settings of the vocal service."""

from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from bandmate_shared.settings import SharedSettings
from bandmate_shared.singing.catalogue import KOKORO_VOICES, SINGERS
from pydantic import AfterValidator, Field, field_validator

POLLY_ENGINES = ("standard", "neural")
_POLLY_ENGINES_WITHOUT_TIMING = {
    "generative": "it gives no speech marks, so nobody knows when which sound is spoken",
    "long-form": "it is made for pages of prose at several times the price, and a sung line is a few words",
}


def check_polly_engine(engine: str) -> str:
    """The engine itself; raises ValueError, with the reason, for an engine of Polly's that cannot be sung with."""
    if engine not in POLLY_ENGINES:
        reason = _POLLY_ENGINES_WITHOUT_TIMING.get(engine, "there is no such engine")
        raise ValueError(f"Amazon Polly's engine {engine!r} cannot sing: {reason}; use {' or '.join(POLLY_ENGINES)}")
    return engine


PollyEngineName = Annotated[str, AfterValidator(check_polly_engine)]


class VocalSettings(SharedSettings):
    """The engine that sings or speaks, its location and its limits."""

    speech_engine: Literal["auto", "hibari", "espeak", "pico", "kokoro", "polly"] = Field(
        "auto",
        description="hibari: the neural singer, English. kokoro: that of Portuguese, Dutch and Swedish. espeak: "
        "espeak-ng. pico: SVOX Pico. All on this machine, if installed. "
        "polly: Amazon Polly, paid by the character. auto: the best installed for the language.",
    )
    polly_engine: PollyEngineName = Field("neural", description="Which of Amazon Polly's engines: standard or neural.")
    polly_voices: dict[str, str] = Field(
        {}, description='Amazon Polly\'s voices for the singers, as JSON: {"alto": "Ruth", "tenor": "Stephen"}.'
    )
    polly_calls_per_second: float | None = Field(
        None,
        gt=0,
        description="Calls to Amazon Polly a second, of all workers together. Empty: what AWS allows at first, 8 for "
        "neural, 80 for standard.",
    )
    polly_concurrency: int = Field(4, ge=1, le=18, description="Calls to Amazon Polly at once, a worker.")
    espeak_folder: Path | None = Field(
        None, description="Folder with libespeak-ng and espeak-ng-data. Empty: that of the espeakng-loader package."
    )
    kokoro_voices: Path | None = Field(
        None, description="Kokoro's voices: the package kokoro-js as `npm pack` leaves it. Empty: the one in the home."
    )
    speech_seconds: float = Field(60.0, gt=0, description="Seconds the speech engine may take for a batch of lines.")
    speech_memory_bytes: int = Field(500_000_000, ge=1, description="Memory the speech engine's process may take.")

    @property
    def kokoro_archive(self) -> Path:
        """Where Kokoro's voices lie."""
        return self.kokoro_voices or self.home / KOKORO_VOICES

    @field_validator("polly_voices")
    @classmethod
    def _check_singers(cls, voices: dict[str, str]) -> dict[str, str]:
        if unknown := sorted(set(voices) - set(SINGERS)):
            raise ValueError(f"there is no singer {', '.join(unknown)}; there are {', '.join(SINGERS)}")
        return voices


@cache
def vocal_settings() -> VocalSettings:
    """The process's settings. Tests build `VocalSettings(...)` of their own instead of clearing this."""
    return VocalSettings()
