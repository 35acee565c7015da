"""How much of a file is read: the bounds that keep a hostile file from costing more than an error message."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bandmate_shared.errors import LimitExceeded

if TYPE_CHECKING:  # The sandbox's child imports this module and has no use for settings.
    from bandmate_shared.settings import SharedSettings


@dataclass(frozen=True, slots=True)
class Limits:
    """The settings that bound a file, without the rest of the settings. Sizes in bytes, times in seconds."""

    file_bytes: int
    tracks: int
    notes: int
    seconds: float
    unzipped_bytes: int
    zip_entries: int

    @staticmethod
    def from_settings(settings: "SharedSettings") -> "Limits":
        return Limits(
            file_bytes=settings.max_file_bytes,
            tracks=settings.max_tracks,
            notes=settings.max_notes,
            seconds=settings.max_seconds,
            unzipped_bytes=settings.max_unzipped_bytes,
            zip_entries=settings.max_zip_entries,
        )

    def check_file_bytes(self, count: int) -> None:
        if count > self.file_bytes:
            raise _exceeded(f"the file has {count:,} bytes", f"{self.file_bytes:,}", "BANDMATE_MAX_FILE_BYTES")

    def check_tracks(self, count: int) -> None:
        if count > self.tracks:
            raise _exceeded(f"the file has at least {count:,} tracks", f"{self.tracks:,}", "BANDMATE_MAX_TRACKS")

    def check_notes(self, count: int, what: str = "notes") -> None:
        """Bounds every kind of event that is kept, not only notes."""
        if count > self.notes:
            raise _exceeded(f"the file has at least {count:,} {what}", f"{self.notes:,}", "BANDMATE_MAX_NOTES")

    def check_seconds(self, seconds: float) -> None:
        if not seconds <= self.seconds:
            raise _exceeded(f"the piece lasts {_length(seconds)}", _length(self.seconds), "BANDMATE_MAX_SECONDS")

    def check_unzipped_bytes(self, count: int) -> None:
        if count > self.unzipped_bytes:
            raise _exceeded(
                f"the zip expands to at least {count:,} bytes",
                f"{self.unzipped_bytes:,}",
                "BANDMATE_MAX_UNZIPPED_BYTES",
            )

    def check_zip_entries(self, count: int) -> None:
        if count > self.zip_entries:
            raise _exceeded(f"the zip has {count:,} entries", f"{self.zip_entries:,}", "BANDMATE_MAX_ZIP_ENTRIES")


def _exceeded(found: str, limit: str, setting: str) -> LimitExceeded:
    return LimitExceeded(f"{found}; the limit is {limit} ({setting})")


def _length(seconds: float) -> str:
    if seconds < 600:
        return f"{seconds:g} seconds"
    if seconds < 3600 * 48:
        return f"{seconds / 3600:,.1f} hours"
    return f"{seconds / 3600 / 24 / 365.25:,.1f} years" if seconds > 3e7 else f"{seconds / 3600 / 24:,.1f} days"
