"""Scheduled songs, with a real job store and a clock that the test moves."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from bandmate_generate.triggers.schedule import QUEUE, BadSchedules, Entry, Schedule, read_schedules
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.errors import InvalidRequest, Unavailable
from bandmate_shared.runtime import Runtime

ZURICH = ZoneInfo("Europe/Zurich")


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, *when: int) -> None:
        self.now = datetime(*when, tzinfo=UTC)  # type: ignore[misc, arg-type]

    def __call__(self) -> datetime:
        return self.now

    def move(self, **amount: int) -> None:
        self.now += timedelta(**amount)


def entry(cron: str, timezone: str = "UTC", name: str = "morning", **request: Any) -> Entry:
    return Entry.model_validate({"name": name, "cron": cron, "timezone": timezone, "request": request})


def started(
    runtime: Runtime,
    clock: Clock,
    *entries: Entry,
    check: Callable[[SongRequest], SongRequest] = lambda request: request,
    catch_up: float = 3600.0,
) -> Schedule:
    return Schedule(runtime, entries, check, catch_up_seconds=catch_up, clock=clock)


def songs(runtime: Runtime) -> int:
    return len(runtime.store.list_jobs("local", kind="song", limit=200)[0])


def test_a_song_is_asked_for_once_when_its_time_comes(runtime: Runtime) -> None:
    clock = Clock(2026, 11, 23, 5, 58, 30)
    schedule = started(runtime, clock, entry("0 6 * * mon", style="folk"))
    counts = []
    for _ in range(8):
        schedule.poll()
        counts.append(songs(runtime))
        clock.move(seconds=30)
    assert counts == [0, 0, 0, 1, 1, 1, 1, 1]
    clock.move(days=7)
    clock.now = clock.now.replace(hour=6, minute=0)
    schedule.poll()
    assert songs(runtime) == 2


def test_a_restart_and_a_second_beat_ask_for_nothing_twice(runtime: Runtime) -> None:
    clock = Clock(2026, 11, 23, 6, 0, 5)
    for _ in range(3):
        started(runtime, clock, entry("0 6 * * *")).poll()
        clock.move(minutes=15)
    assert songs(runtime) == 1


def test_of_times_missed_the_latest_is_made_up_for_and_nothing_too_old(runtime: Runtime) -> None:
    clock = Clock(2026, 11, 23, 6, 50, 0)
    often, long_ago = entry("*/10 * * * *", name="often"), entry("30 5 * * *", name="long-ago")
    schedule = started(runtime, clock, often, long_ago)
    schedule.poll()
    assert songs(runtime) == 1
    clock.move(minutes=35)  # The machine slept.
    schedule.poll()
    assert songs(runtime) == 2


def test_a_schedule_goes_by_its_own_clock_through_the_changes_of_the_year(runtime: Runtime) -> None:
    half_past_two = entry("30 2 * * *", "Europe/Zurich")
    assert half_past_two.latest(datetime(2026, 6, 1, 0, tzinfo=UTC), datetime(2026, 6, 1, 1, tzinfo=UTC)) == datetime(
        2026, 6, 1, 2, 30, tzinfo=ZURICH
    )
    spring, day_after = datetime(2026, 3, 29, 0, tzinfo=UTC), datetime(2026, 3, 29, 23, tzinfo=UTC)
    assert half_past_two.latest(spring, day_after) is None, "02:30 does not exist on that day"
    clock = Clock(2026, 10, 25, 0, 30, 0)  # 02:30, and again an hour later.
    schedule = started(runtime, clock, half_past_two)
    for _ in range(130):
        schedule.poll()
        clock.move(minutes=1)
    assert songs(runtime) == 1


def test_temporary_errors_are_retried_and_final_ones_become_dead_letters(runtime: Runtime) -> None:
    troubles: list[Exception] = [InvalidRequest("there is no model 'gone'"), Unavailable("not now")]

    def check(request: SongRequest) -> SongRequest:
        if request.model == "gone":
            raise troubles[0]
        if len(troubles) == 2:
            raise troubles.pop()
        return request

    clock = Clock(2026, 11, 23, 6, 0, 5)
    bad, good = entry("0 6 * * *", name="bad", model="gone"), entry("0 6 * * *", name="good")
    schedule = started(runtime, clock, bad, good, check=check)
    schedule.poll()
    assert songs(runtime) == 0
    clock.move(seconds=5)
    schedule.poll()
    schedule.poll()
    assert songs(runtime) == 1
    (letter,) = runtime.store.dead_letters(QUEUE)
    assert "there is no model 'gone'" in letter.reason


def test_a_request_that_was_changed_does_not_bring_its_time_back(runtime: Runtime) -> None:
    clock = Clock(2026, 11, 23, 6, 0, 5)
    started(runtime, clock, entry("0 6 * * *", bars=8)).poll()
    started(runtime, clock, entry("0 6 * * *", bars=16)).poll()
    assert songs(runtime) == 1
    assert runtime.store.dead_letters(QUEUE) == []


def test_days_of_the_week_and_the_month(runtime: Runtime) -> None:
    day = datetime(2026, 11, 22, 23, 59, tzinfo=UTC)  # A Sunday.
    sunday = entry("0 12 * * sun")
    assert sunday.latest(day - timedelta(days=1), day) == datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert sunday.latest(day, day + timedelta(days=6)) is None
    assert entry("0 12 1,15 * *").latest(day, day + timedelta(days=9)) == datetime(2026, 12, 1, 12, tzinfo=UTC)


def test_files_of_schedules(tmp_path: Path) -> None:
    toml = tmp_path / "songs.toml"
    toml.write_text(
        '[[schedule]]\nname = "morning"\ncron = "0 6 * * mon-fri"\ntimezone = "Europe/Zurich"\n'
        'request = { style = "folk", bars = 16 }\n'
    )
    (read,) = read_schedules(toml)
    assert (read.name, read.request.style, read.request.bars) == ("morning", "folk", 16)
    json_file = tmp_path / "songs.json"
    json_file.write_text(
        '[{"name": "morning", "cron": "0 6 * * mon-fri", "timezone": "Europe/Zurich", '
        '"request": {"style": "folk", "bars": 16}}]'
    )
    assert read_schedules(json_file) == [read]


GOOD = '{"name": "a", "cron": "0 6 * * *", "request": {}}'


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "cannot be read"),
        ("{}", "no list"),
        ('[{"name": "a", "cron": "61 * * * *", "request": {}}]', "schedule 1, cron: .*61"),
        ('[{"name": "a", "cron": "0 6 * *", "request": {}}]', "five fields"),
        ('[{"name": "a", "cron": "0 6 * * *", "timezone": "Mars/Olympus", "request": {}}]', "no time zone"),
        ('[{"name": "a", "cron": "0 6 * * *", "request": {"bars": 900}}]', "schedule 1, request.bars"),
        ('[{"name": "a", "cron": "0 6 * * *", "request": {}, "colour": 1}]', "schedule 1, colour"),
        (f"[{GOOD}, {GOOD}]", "more than one schedule called a"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "songs.json"
    path.write_text(text)
    with pytest.raises(BadSchedules, match=reason):
        read_schedules(path)
