"""Bounds on untrusted files: sizes, tracks, notes, bars, seconds, memory and CPU time."""

from dataclasses import dataclass

from bandmate_music.errors import LimitExceeded, UnreadableFile

QUARTERS_PER_BAR = 16
"""Quarter notes a bar may have on average over a piece; no common metre has as many."""
MAX_BARS = 100_000
"""More bars than this are never laid out, whatever `Limits.bars` allows."""
INT32_MAX = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one untrusted file. Sizes in bytes, times in seconds."""

    file_bytes: int = 8_000_000
    tracks: int = 256
    notes: int = 250_000
    seconds: float = 7200.0
    bars: int = 10_000
    """Bars of a piece. Its quarter notes are bounded with them, at QUARTERS_PER_BAR for each."""
    unzipped_bytes: int = 64_000_000
    zip_entries: int = 20_000
    parse_seconds: float = 20.0
    """CPU seconds that reading the file in a child process may take."""
    parse_memory_bytes: int = 1_500_000_000
    """Memory that the child process may use."""

    def check_file_bytes(self, count: int) -> None:
        if count > self.file_bytes:
            raise _exceeded(f"the file has {count:,} bytes", f"{self.file_bytes:,}", "BANDMATE_MAX_FILE_BYTES")

    def check_tracks(self, count: int) -> None:
        if count > self.tracks:
            raise _exceeded(f"the file has at least {count:,} tracks", f"{self.tracks:,}", "BANDMATE_MAX_TRACKS")

    def check_notes(self, count: int, noun: str = "notes") -> None:
        """Bounds every kind of event that is kept, not only notes."""
        if count > self.notes:
            raise _exceeded(f"the file has at least {count:,} {noun}", f"{self.notes:,}", "BANDMATE_MAX_NOTES")

    def check_seconds(self, seconds: float) -> None:
        if not seconds <= self.seconds:
            raise _exceeded(f"the piece lasts {_length(seconds)}", _length(self.seconds), "BANDMATE_MAX_SECONDS")

    def check_bars(self, count: int) -> None:
        if count > self.bars:
            raise _exceeded(f"the piece has at least {count:,} bars", f"{self.bars:,}", "BANDMATE_MAX_BARS")

    def check_ticks(self, ticks: int, ticks_per_quarter: int) -> None:
        """Bounds a position in a piece: time columns are 32-bit integers, and some tables have an entry for a beat.

        Raises:
            LimitExceeded: more quarter notes than QUARTERS_PER_BAR for each bar allowed.
            UnreadableFile: ticks that do not fit 32 bits.
        """
        quarters, limit = ticks / ticks_per_quarter, self.bars * QUARTERS_PER_BAR
        if quarters > limit:
            description = f"the piece lasts {quarters:,.0f} quarter notes"
            raise _exceeded(description, f"{limit:,}, {QUARTERS_PER_BAR} a bar", "BANDMATE_MAX_BARS")
        if ticks > INT32_MAX:
            raise UnreadableFile(f"the piece lasts {ticks:,} ticks; more than {INT32_MAX:,} cannot be read")

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


def _exceeded(description: str, limit: str, setting: str) -> LimitExceeded:
    return LimitExceeded(f"{description}; the limit is {limit} ({setting})")


def _length(seconds: float) -> str:
    if seconds < 600:
        return f"{seconds:g} seconds"
    if seconds < 3600 * 48:
        return f"{seconds / 3600:,.1f} hours"
    return f"{seconds / 3600 / 24 / 365.25:,.1f} years" if seconds > 3e7 else f"{seconds / 3600 / 24:,.1f} days"
