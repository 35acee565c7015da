"""Settings of the ingest service."""

from functools import cache
from pathlib import Path

from bandmate_shared.settings import SharedSettings
from pydantic import Field


class IngestSettings(SharedSettings):
    """How files are cleaned, and where they may come from."""

    ingest_processes: int = Field(
        0, ge=0, le=256, description="Processes that clean files at the same time. 0: one a CPU core."
    )
    ingest_batch_files: int = Field(
        64, ge=1, le=4096, description="Files that are cleaned together; a batch is also what a killed run keeps."
    )
    ingest_folder: Path | None = Field(
        None,
        description="In service mode sources may only lie below this folder. Empty: no folders and files there.",
    )
    source_buckets: str = Field(
        "",
        description="In service mode the buckets that `s3://` sources may name: `bucket` or `bucket/folder`, with "
        "commas between; `{tenant}` stands for who asks. Empty: none there. Embedded mode: all that AWS lets you read.",
    )
    max_source_objects: int = Field(200_000, ge=1, description="Most objects that an `s3://` folder may hold.")


@cache
def ingest_settings() -> IngestSettings:
    """The process's settings. Tests build `IngestSettings(...)` of their own instead of clearing this."""
    return IngestSettings()
