"""Settings of the generate service."""

from functools import cache
from pathlib import Path

from bandmate_shared.settings import SharedSettings
from pydantic import Field


class GenerateSettings(SharedSettings):
    """How songs are composed and sounded."""

    soundfont: Path | None = Field(
        None, description="A General MIDI soundfont (.sf2, .sf3). Empty: the first of the lookup order that exists."
    )
    candidates: int = Field(3, ge=1, le=16, description="Takes the model composes for a song; the best one is kept.")
    compose_seconds: float = Field(900.0, gt=0, description="How long to wait for the model to compose one song.")
    model_start_seconds: float = Field(
        20.0, gt=0, description="How long to wait for a model server that is not up yet, before the attempt fails."
    )


@cache
def generate_settings() -> GenerateSettings:
    """The process's settings, read once."""
    return GenerateSettings()
