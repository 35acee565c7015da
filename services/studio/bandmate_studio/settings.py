"""Settings of the studio."""

from functools import cache

from bandmate_shared.settings import SharedSettings
from pydantic import Field


class StudioSettings(SharedSettings):
    """What the page may do."""

    studio_connect: str = Field(
        "",
        description="Other origins that the page may fetch from, separated by spaces: `https://s3.example.org`, where "
        "BANDMATE_STORAGE_PUBLIC_ENDPOINT sends downloads there.",
    )


@cache
def studio_settings() -> StudioSettings:
    """The process's settings, read once."""
    return StudioSettings()
