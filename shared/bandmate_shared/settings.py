"""Settings every service shares, read from the environment (prefix `BANDMATE_`) by pydantic-settings.

Each service adds its own in its `settings.py` by subclassing. Every field carries a description: the settings page in
`docs/reference/settings.md` is generated from them.
"""

from functools import cache
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


def _default_home() -> Path:
    return Path.home() / ".local" / "share" / "bandmate"


class SharedSettings(BaseSettings):
    """Where things are kept and how the parts find each other."""

    model_config = SettingsConfigDict(env_prefix="BANDMATE_", env_ignore_empty=True, extra="ignore", frozen=True)

    home: Path = Field(default_factory=_default_home, description="Everything the embedded mode keeps lies here.")
    mode: Literal["embedded", "service"] = Field(
        "embedded", description="embedded: loopback only, no keys. service: API keys are required."
    )
    key_pepper: SecretStr = Field(
        SecretStr(""), description="Secret that API keys are hashed with; service mode needs one of 32 characters."
    )
    database_url: str = Field("", description="SQLAlchemy URL of the job store. Empty: SQLite in the home.")
    redis_url: str = Field(
        "", validation_alias="REDIS_URL", description="Broker. Empty: the embedded platform starts its own Redis."
    )
    storage_url: str = Field("", description="`file:///path` of the object store. Empty: `store/` in the home.")
    model_url: str = Field("http://127.0.0.1:8080", description="The model container's address.")

    lease_seconds: float = Field(15.0, gt=0, description="A worker that does not report for this long has died.")
    heartbeat_seconds: float = Field(3.0, gt=0, description="How often a worker renews its lease.")
    sweep_seconds: float = Field(2.0, gt=0, description="How often expired leases and unsent messages are looked for.")
    max_attempts: int = Field(3, ge=1, description="A job that failed or lost its worker this often is given up.")
    queue_quota: int = Field(1000, ge=1, description="Unfinished root jobs a tenant may have; past it: 429.")

    max_body_bytes: int = Field(4_000_000, ge=1, description="Largest HTTP request body.")
    max_file_bytes: int = Field(8_000_000, ge=1, description="Largest MIDI or MusicXML file that is read.")
    max_tracks: int = Field(256, ge=1, description="Most tracks in a file.")
    max_notes: int = Field(250_000, ge=1, description="Most notes in a file.")
    max_seconds: float = Field(7200.0, gt=0, description="Longest piece that is read.")
    max_unzipped_bytes: int = Field(64_000_000, ge=1, description="Most bytes a zip or .mxl may expand to.")
    max_zip_entries: int = Field(20_000, ge=1, description="Most entries in a zip.")
    parse_seconds: float = Field(20.0, gt=0, description="CPU seconds one untrusted file may take to parse.")
    parse_memory_bytes: int = Field(1_500_000_000, ge=1, description="Memory one untrusted file may take to parse.")

    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severe line logged.")
    log_format: Literal["json", "console"] = Field("json", description="json for machines, console for people.")

    @model_validator(mode="after")
    def _leases_outlive_heartbeats(self) -> Self:
        if self.heartbeat_seconds * 2 > self.lease_seconds:
            raise ValueError("BANDMATE_LEASE_SECONDS must be at least twice BANDMATE_HEARTBEAT_SECONDS")
        return self

    @property
    def resolved_database_url(self) -> str:
        return self.database_url or f"sqlite:///{self.home / 'bandmate.sqlite3'}"

    @property
    def resolved_storage_url(self) -> str:
        return self.storage_url or (self.home / "store").as_uri()


@cache
def shared_settings() -> SharedSettings:
    """The process's settings. Tests build `SharedSettings(...)` of their own instead of clearing this."""
    return SharedSettings()
