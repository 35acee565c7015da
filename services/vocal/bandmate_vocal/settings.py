"""Settings of the vocal service."""

from functools import cache
from pathlib import Path
from typing import Literal

from bandmate_shared.settings import SharedSettings
from pydantic import Field, field_validator


class VocalSettings(SharedSettings):
    """Which speech engine speaks, where it is, and what it may cost."""

    speech_engine: Literal["espeak", "polly"] = Field(
        "espeak", description="espeak: espeak-ng, on this machine. polly: Amazon Polly, paid by the character."
    )
    polly_engine: str = Field("neural", description="Which of Amazon Polly's engines: standard or neural.")
    polly_voices: dict[str, str] = Field(
        {}, description='Amazon Polly\'s voices for the singers, as JSON: {"alto": "Ruth", "tenor": "Stephen"}.'
    )
    polly_concurrency: int = Field(4, ge=1, le=18, description="Calls to Amazon Polly at once, a worker.")
    espeak_folder: Path | None = Field(
        None, description="Folder with libespeak-ng and espeak-ng-data. Empty: that of the espeakng-loader package."
    )
    speech_seconds: float = Field(60.0, gt=0, description="Seconds the speech engine may take for a batch of lines.")
    speech_memory_bytes: int = Field(500_000_000, ge=1, description="Memory the speech engine's process may take.")

    @field_validator("polly_engine")
    @classmethod
    def _can_sing(cls, engine: str) -> str:
        from bandmate_vocal.polly_client import check_engine

        check_engine(engine)
        return engine

    @field_validator("polly_voices")
    @classmethod
    def _are_singers(cls, voices: dict[str, str]) -> dict[str, str]:
        from bandmate_vocal.polly_voices import SINGERS

        if unknown := sorted(set(voices) - set(SINGERS)):
            raise ValueError(f"there is no singer {', '.join(unknown)}; there are {', '.join(SINGERS)}")
        return voices


@cache
def vocal_settings() -> VocalSettings:
    """The process's settings. Tests build `VocalSettings(...)` of their own instead of clearing this."""
    return VocalSettings()
