"""Request songs on a schedule: a file of cron lines and requests, and the loop that submits them when due.

    [[schedule]]
    name = "morning"
    cron = "0 6 * * mon-fri"          # minute, hour, day of the month, month, day of the week: all must hold
    timezone = "Europe/Zurich"        # UTC if left out
    request = { style = "folk", bars = 16 }

The name and the time by the wall clock are the song's idempotency key. So no state is kept: after a start, and after a
sleep, the latest time missed within a bounded span is asked for again, and where it was asked for already nothing
happens. Several of these loops may run side by side.
"""

import json
import logging
import threading
import tomllib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bandmate_shared.contracts.base import Contract
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.errors import BandmateError, Conflict, InvalidRequest
from bandmate_shared.faults import in_words
from bandmate_shared.intake.song_submission import Check, as_song_request, is_temporary, submit_song
from bandmate_shared.runtime import Runtime
from celery.schedules import ParseException, crontab
from pydantic import StringConstraints, ValidationError, field_validator

log = logging.getLogger(__name__)

MAX_WAIT_SECONDS = 5.0
"""Between two looks at the clock, which may be set meanwhile."""
MINUTE = timedelta(minutes=1)
QUEUE = "bandmate-schedules"
"""What dead letters of schedules are kept under."""


class BadSchedules(InvalidRequest):
    """The file of schedules cannot be used."""

    type = "bad-schedules"
    title = "Invalid schedules"


class Entry(Contract):
    """One schedule."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    cron: str
    timezone: str = "UTC"
    request: SongRequest

    @field_validator("cron")
    @classmethod
    def _is_cron(cls, value: str) -> str:
        try:
            crontab.from_string(value)
        except (ValueError, ParseException) as error:
            raise ValueError(f"{value!r} is not a cron line of five fields: {error}") from None
        return value

    @field_validator("timezone")
    @classmethod
    def _is_timezone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"there is no time zone {value!r}; write Europe/Zurich, or UTC") from None
        return value

    def latest(self, after: datetime, until: datetime) -> datetime | None:
        """The last minute it is due in (after, until], by its own wall clock; None when it is not."""
        line, zone = crontab.from_string(self.cron), ZoneInfo(self.timezone)
        minute = until.replace(second=0, microsecond=0)
        while minute > after:
            local = minute.astimezone(zone)
            if _matches(line, local):
                return local
            minute -= MINUTE
        return None


def read_schedules(path: Path) -> list[Entry]:
    """The entries of a TOML or JSON file. Raises BadSchedules, which says what is wrong where."""
    try:
        text = path.read_text(encoding="utf-8")
        value: Any = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text).get("schedule", [])
        if not isinstance(value, list):
            raise BadSchedules(f"{path} holds no list of schedules")
        entries = [_entry(path, number, item) for number, item in enumerate(value, 1)]
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadSchedules(f"{path} cannot be read: {error}") from error
    names = [entry.name for entry in entries]
    duplicates = sorted({name for name in names if names.count(name) > 1})
    if duplicates:
        raise BadSchedules(f"{path} has more than one schedule called {', '.join(duplicates)}")
    return entries


def _entry(path: Path, number: int, item: Any) -> Entry:
    try:
        return Entry.model_validate(item)
    except ValidationError as error:
        raise BadSchedules(f"{path}, schedule {number}, {in_words(error)}") from None


def _matches(line: crontab, local: datetime) -> bool:
    return (
        local.minute in line.minute
        and local.hour in line.hour
        and local.day in line.day_of_month
        and local.month in line.month_of_year
        and local.isoweekday() % 7 in line.day_of_week
    )


class Schedule:
    """Submits the songs of schedules when they are due."""

    def __init__(
        self,
        runtime: Runtime,
        entries: Sequence[Entry],
        check: Check,
        *,
        catch_up_seconds: float,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`catch_up_seconds` is how late a song may still be asked for; of several missed, the latest one is."""
        self._runtime = runtime
        self._entries = entries
        self._check = check
        self._catch_up = timedelta(seconds=catch_up_seconds)
        self._clock = clock
        self._handled_until: dict[str, datetime] = {}
        """Until when each schedule is dealt with."""

    def run(self, stop: threading.Event) -> None:
        """Submit what is due until `stop` is set."""
        while not stop.is_set():
            try:
                self.poll()
            except Exception:
                log.exception("schedules wait %.0f s after an unexpected error", MAX_WAIT_SECONDS)
            now = self._clock()
            stop.wait(min(MAX_WAIT_SECONDS, 60.0 - now.second - now.microsecond / 1e6))

    def poll(self) -> None:
        """One round: submit what has become due since the last one."""
        now = self._clock()
        for entry in self._entries:
            since = max(self._handled_until.get(entry.name, now - self._catch_up), now - self._catch_up)
            due = entry.latest(since, now)
            if due is None or self._submit(entry, due):
                self._handled_until[entry.name] = now.replace(second=0, microsecond=0)

    def _submit(self, entry: Entry, due: datetime) -> bool:
        """Submit the song; False where that failed for now and is to be tried again."""
        # Without the offset: the hour that a clock strikes twice in autumn is one time.
        key = f"schedule/{entry.name}/{due:%Y-%m-%dT%H:%M}"
        fields = entry.request.model_dump(mode="json")
        try:
            submitted = submit_song(self._runtime, as_song_request(fields), key, self._check)
        except Conflict:  # The file was changed since; that time's song was asked for as it said then.
            return True
        except BandmateError as error:
            if is_temporary(error):
                log.warning("the schedule %s is tried again: %s", entry.name, error.detail)
                return False
            log.error("the request of the schedule %s is refused: %s", entry.name, error.detail)
            payload = json.dumps({"schedule": entry.name, "time": due.isoformat(), "request": fields})
            self._runtime.store.add_dead_letter(QUEUE, payload, error.detail)
            return True
        if submitted.created:
            log.info("the schedule %s of %s is %s", entry.name, due.isoformat(), submitted.job.id)
        return True
