"""The events of many jobs in one order, on SQLite and on PostgreSQL."""

import threading

from bandmate_shared.http.streams.event_feed import Feed
from bandmate_shared.jobs.event_feed import FeedPosition
from bandmate_shared.jobs.model import NewJob
from bandmate_shared.jobs.store import JobStore
from bandmate_shared.settings import SharedSettings

from .conftest import Clock


def test_a_position_survives_its_text(clock: Clock) -> None:
    job_id = "song_01arz3ndektsv4rrffq69g5fav"
    for position in (FeedPosition(clock.now), FeedPosition(clock.now, job_id, 12)):
        assert FeedPosition.parse(str(position)) == position


def test_events_of_one_moment_are_read_in_pages_without_a_gap(store: JobStore, clock: Clock) -> None:
    ids = [store.submit(NewJob("song", {})).job.id for _ in range(5)]
    clock.advance(1)
    store.cancel(ids[2])
    position, seen = FeedPosition(clock.now.replace(year=2000), ""), []
    while page := store.feed("local", position, limit=2):
        seen += [(event.job_id, event.seq) for event in page]
        position = FeedPosition.of(page[-1])
    assert seen == [*((job_id, 1) for job_id in sorted(ids)), (ids[2], 2)]


def test_writers_at_the_same_time_lose_no_event(settings: SharedSettings) -> None:
    """On Postgres an event may become visible after a later one; the reader looks back."""
    store = JobStore.open(settings)
    feed = Feed(store, "local", FeedPosition(store.clock()))

    def write() -> None:
        for _ in range(8):
            store.cancel(store.submit(NewJob("song", {})).job.id)

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    seen = []
    while any(writer.is_alive() for writer in writers):
        seen += feed.poll()[1]
    seen += feed.poll()[1]
    keys = [(event.job_id, event.seq) for event in seen]
    assert len(keys) == len(set(keys)) == 4 * 8 * 2
    store.close()
