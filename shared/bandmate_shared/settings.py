"""Settings every service shares, read from the environment (prefix `BANDMATE_`) by pydantic-settings.

Each service adds its own in its `settings.py` by subclassing. Every field carries a description: the settings page in
`docs/reference/settings.md` is generated from them.
"""

from functools import cache
from pathlib import Path
from typing import Literal, Self
from urllib.parse import quote

from bandmate_music.limits import MAX_BARS, Limits
from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bandmate_shared.contracts.jobs import ServiceName


def _default_home() -> Path:
    return Path.home() / ".local" / "share" / "bandmate"


class SharedSettings(BaseSettings):
    """Where things are kept and how the parts find each other."""

    model_config = SettingsConfigDict(env_prefix="BANDMATE_", env_ignore_empty=True, extra="ignore", frozen=True)

    home: Path = Field(default_factory=_default_home, description="Everything the embedded mode keeps lies here.")
    mode: Literal["embedded", "service"] = Field(
        "embedded", description="embedded: loopback only, no keys. service: API keys are required."
    )
    service: ServiceName | None = Field(None, description="The service that a container runs; its image sets it.")
    host: str = Field("127.0.0.1", description="Address that HTTP is served on; in embedded mode loopback only.")
    port: int = Field(8000, ge=0, le=65535, description="Port that HTTP is served on; `bandmate up` takes 0 for any.")
    worker_concurrency: int = Field(1, ge=1, le=64, description="Jobs that a worker container runs at the same time.")
    key_pepper: SecretStr = Field(
        SecretStr(""), description="Secret that API keys are hashed with; service mode needs one of 32 characters."
    )
    database_url: str = Field(
        "", description="Job store: `postgresql+psycopg://user:password@host/name`. Empty: SQLite in the home."
    )
    database_host: str = Field(
        "", description="Instead of a URL, its parts, as a secrets manager keeps them: the host of Postgres."
    )
    database_port: int = Field(5432, ge=1, le=65535, description="Port of Postgres, beside BANDMATE_DATABASE_HOST.")
    database_name: str = Field("bandmate", description="Name of the database, beside BANDMATE_DATABASE_HOST.")
    database_user: str = Field("", description="User, beside BANDMATE_DATABASE_HOST.")
    database_password: SecretStr = Field(SecretStr(""), description="Password, beside BANDMATE_DATABASE_HOST.")
    database_connections: int = Field(10, ge=1, description="Most connections a process opens to Postgres.")
    database_connect_seconds: float = Field(
        5.0, gt=0, description="How long a process waits for a connection to Postgres."
    )
    database_statement_seconds: float = Field(30.0, gt=0, description="Longest statement on Postgres.")
    database_lock_seconds: float = Field(10.0, gt=0, description="Longest wait for another's lock on Postgres.")
    redis_url: str = Field(
        "", validation_alias="REDIS_URL", description="Broker. Empty: the embedded platform starts its own Redis."
    )
    broker_url: str = Field(
        "",
        description="Broker: `redis://…`, `rediss://…`, or `sqs://` (AWS_REGION says where). Empty: REDIS_URL.",
    )
    visibility_seconds: int = Field(
        60, ge=2, le=43_200, description="A message whose worker died comes back after this; workers at work extend it."
    )
    drain_seconds: float = Field(
        0.0, ge=0, description="A worker that is told to stop lets its jobs finish for this long, then gives them back."
    )
    storage_url: str = Field(
        "", description="Object store: `file:///path` or `s3://bucket/prefix`. Empty: `store/` in the home."
    )
    storage_public_endpoint: str = Field(
        "",
        description="Where clients reach an S3 store themselves: `aws`, or the URL of another S3 server. Then large "
        "files go between them and S3, by presigned URLs. Empty: everything passes through the API.",
    )
    model_url: str = Field("http://127.0.0.1:8080", description="The model container's address.")

    lease_seconds: float = Field(15.0, gt=0, description="A worker that does not report for this long has died.")
    heartbeat_seconds: float = Field(3.0, gt=0, description="How often a worker renews its lease.")
    sweep_seconds: float = Field(2.0, gt=0, description="How often expired leases and unsent messages are looked for.")
    max_attempts: int = Field(3, ge=1, description="A job that failed or lost its worker this often is given up.")
    queue_quota: int = Field(1000, ge=1, description="Unfinished root jobs a tenant may have; past it: 429.")
    submissions_tenant: str = Field(
        "local", description="Whose songs those are that the submissions, the watched folder and the schedules ask for."
    )

    webhook_seconds: float = Field(
        15.0, gt=0, le=300, description="How long the receiver of a webhook may take, from connecting to its answer."
    )
    webhook_attempts: int = Field(12, ge=1, le=30, description="A webhook that failed this often is given up.")
    webhook_retry_seconds: float = Field(
        5.0, gt=0, description="Pause after a webhook's first failure; each later one is four times longer, up to 6 h."
    )
    webhook_private: bool = Field(
        False, description="Embedded mode only: webhooks may use http and go to loopback and private addresses."
    )

    http_header_seconds: float = Field(10.0, gt=0, description="How long a client may take to send a request's head.")
    http_body_seconds: float = Field(30.0, gt=0, description="How long a client may pause in a request's body.")
    http_min_body_rate: float = Field(500.0, gt=0, description="Slowest request body accepted, in bytes a second.")
    http_write_seconds: float = Field(60.0, gt=0, description="How long a client may stop reading its response.")
    http_keep_alive_seconds: int = Field(5, ge=1, description="How long a connection may stay open between requests.")
    http_max_connections: int = Field(
        512, ge=1, description="Most open connections of a process; fewer where its file descriptors would not suffice."
    )
    max_body_bytes: int = Field(4_000_000, ge=1, description="Largest HTTP request body.")
    max_upload_bytes: int = Field(
        64_000_000, ge=1, description="Largest upload; a zip also has to expand to less than the limit on that."
    )
    upload_quota_bytes: int = Field(2_000_000_000, ge=1, description="Bytes of uploads a tenant may have, else 429.")
    upload_days: float = Field(30.0, gt=0, description="How long an upload that a job was made with is kept.")
    max_file_bytes: int = Field(8_000_000, ge=1, description="Largest MIDI or MusicXML file that is read.")
    max_tracks: int = Field(256, ge=1, description="Most tracks in a file.")
    max_notes: int = Field(250_000, ge=1, description="Most notes in a file.")
    max_seconds: float = Field(7200.0, gt=0, description="Longest piece that is read.")
    max_bars: int = Field(
        10_000, ge=1, le=MAX_BARS, description="Most bars in a piece that is read, and most quarter notes: 16 a bar."
    )
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

    @model_validator(mode="after")
    def _database_is_named_once(self) -> Self:
        if self.database_host and self.database_url:
            raise ValueError("set BANDMATE_DATABASE_URL or BANDMATE_DATABASE_HOST, not both")
        if self.database_host and not (self.database_user and self.database_password.get_secret_value()):
            raise ValueError(
                "BANDMATE_DATABASE_HOST needs BANDMATE_DATABASE_USER and BANDMATE_DATABASE_PASSWORD beside it"
            )
        return self

    @model_validator(mode="after")
    def _tenants_reach_nothing_inside(self) -> Self:
        if self.webhook_private and self.mode == "service":
            raise ValueError("BANDMATE_WEBHOOK_PRIVATE is for embedded mode: tenants could reach your own network")
        return self

    @field_validator("broker_url")
    @classmethod
    def _broker_is_known(cls, value: str) -> str:
        if value and not value.startswith(("redis://", "rediss://", "sqs://")):
            raise ValueError("BANDMATE_BROKER_URL must begin with redis://, rediss:// or sqs://")
        return value

    @property
    def resolved_database_url(self) -> str:
        if self.database_url:
            return self.database_url
        if self.database_host:
            credentials = (
                f"{quote(self.database_user, safe='')}:{quote(self.database_password.get_secret_value(), safe='')}"
            )
            address = f"{self.database_host}:{self.database_port}/{quote(self.database_name, safe='')}"
            return f"postgresql+psycopg://{credentials}@{address}?sslmode=require"
        return f"sqlite:///{self.home / 'bandmate.sqlite3'}"

    @property
    def file_limits(self) -> Limits:
        """The bounds on an untrusted file."""
        return Limits(
            file_bytes=self.max_file_bytes,
            tracks=self.max_tracks,
            notes=self.max_notes,
            seconds=self.max_seconds,
            bars=self.max_bars,
            unzipped_bytes=self.max_unzipped_bytes,
            zip_entries=self.max_zip_entries,
            parse_seconds=self.parse_seconds,
            parse_memory_bytes=self.parse_memory_bytes,
        )

    @property
    def resolved_broker_url(self) -> str:
        return self.broker_url or self.redis_url

    @property
    def resolved_storage_url(self) -> str:
        return self.storage_url or (self.home / "store").as_uri()


@cache
def shared_settings() -> SharedSettings:
    """The process's settings. Tests build `SharedSettings(...)` of their own instead of clearing this."""
    return SharedSettings()
