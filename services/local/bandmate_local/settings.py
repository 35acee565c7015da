"""Settings of the embedded platform."""

from functools import cache
from ipaddress import ip_address
from typing import Self, get_args

from bandmate_shared.contracts.jobs import ServiceName
from bandmate_shared.settings import SharedSettings
from pydantic import Field, model_validator

SERVICES: tuple[ServiceName, ...] = get_args(ServiceName)


class LocalSettings(SharedSettings):
    """How the embedded platform listens, starts and stops."""

    redis_port: int = Field(
        6379, ge=0, le=65535, description="Port of the embedded Redis; where it is taken, or with 0, any free one."
    )
    start_seconds: float = Field(60.0, gt=0, description="How long the platform may take to become ready.")
    stop_seconds: float = Field(3.0, gt=0, description="How long a process may take to stop before it is killed.")

    @model_validator(mode="after")
    def _embedded_stays_on_loopback(self) -> Self:
        if self.mode == "embedded" and self.host != "localhost" and not ip_address(self.host).is_loopback:
            raise ValueError(f"BANDMATE_HOST={self.host} is not a loopback address; embedded mode has no API keys")
        return self


@cache
def local_settings() -> LocalSettings:
    """The process's settings, read once."""
    return LocalSettings()
