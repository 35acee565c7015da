"""Settings of the vocal service."""

from functools import cache
from pathlib import Path

from bandmate_shared.settings import SharedSettings
from pydantic import Field


class VocalSettings(SharedSettings):
    """Where the speech engine is, and what it may cost."""

    espeak_folder: Path | None = Field(
        None, description="Folder with libespeak-ng and espeak-ng-data. Empty: that of the espeakng-loader package."
    )
    speech_seconds: float = Field(60.0, gt=0, description="Seconds the speech engine may take for a batch of lines.")
    speech_memory_bytes: int = Field(500_000_000, ge=1, description="Memory the speech engine's process may take.")


@cache
def vocal_settings() -> VocalSettings:
    """The process's settings. Tests build `VocalSettings(...)` of their own instead of clearing this."""
    return VocalSettings()
