"""The events of many jobs as one stream: of a tenant (`GET /v1/events`), or of a job and its parts.

A browser opens six connections to a host, so a page follows everything by one stream. `id` is a position in the order
of time, `event` the type, `data` a FeedEvent. Without `Last-Event-ID` the stream of a tenant begins now; its first line
is an id without an event, from which a client that reconnects goes on. An event comes at least once.
"""

import time
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Annotated

import anyio
from fastapi import APIRouter, Header, Query, Request
from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse, format_sse_event
from starlette.responses import Response

from bandmate_shared.contracts.jobs import FeedEvent
from bandmate_shared.errors import InvalidRequest
from bandmate_shared.http.authentication import Tenant
from bandmate_shared.http.streams.sse import (
    KEEPALIVE_SECONDS,
    MAX_POLL_SECONDS,
    MIN_POLL_SECONDS,
    STREAM_HEADERS,
    stopping_of,
)
from bandmate_shared.jobs.event_feed import OVERLAP, FeedPosition
from bandmate_shared.jobs.store import JobStore
from bandmate_shared.runtime import Runtime

BATCH = 500

_SentEvents = dict[tuple[str, int], datetime]


def events_router(runtime: Runtime) -> APIRouter:
    """The route of `/v1/events`."""
    router = APIRouter(prefix="/v1/events", tags=["events"])

    @router.get("", summary="The events of all your jobs, live (server-sent events)", response_class=Response)
    def events(
        request: Request,
        tenant: Tenant,
        last_event_id: Annotated[str | None, Header(alias="Last-Event-ID")] = None,
        after: Annotated[
            str | None, Query(max_length=100, description="Like Last-Event-ID, for a client that cannot set headers.")
        ] = None,
    ) -> Response:
        start = parse_position(last_event_id or after) or FeedPosition(runtime.store.clock())
        feed = Feed(runtime.store, tenant, start)
        return feed.response(stopping_of(request))

    return router


def family_stream(
    store: JobStore, tenant: str, job_id: str, last_event_id: str | None, stopping: Callable[[], bool]
) -> Response:
    """The response for a job of the tenant's with its parts, from its beginning; it ends after the job's end."""
    job = store.get(job_id, tenant)
    start = parse_position(last_event_id) or FeedPosition(job.created_at, "")
    if job.state.is_final and not store.feed(tenant, start, job_id, 1):
        return Response(status_code=204)
    return Feed(store, tenant, start, job_id).response(stopping)


def parse_position(last_event_id: str | None) -> FeedPosition | None:
    """The place that a Last-Event-ID names; None without one. Raises InvalidRequest."""
    if not last_event_id:
        return None
    position = FeedPosition.parse(last_event_id)
    if position is None:
        raise InvalidRequest(f"Last-Event-ID {last_event_id[:40]!r} is not the id of an event of this stream")
    return position


class Feed:
    """One client's stream: what it has had, and what comes next."""

    def __init__(self, store: JobStore, tenant: str, start: FeedPosition, job_id: str | None = None) -> None:
        self._store, self._tenant, self._job_id = store, tenant, job_id
        self._last = start
        self._sent: _SentEvents = {}
        self._writers_overlap = store.database.engine.dialect.name != "sqlite"

    def response(self, stopping: Callable[[], bool]) -> Response:
        return EventSourceResponse(self._stream(stopping), headers=STREAM_HEADERS)

    async def _stream(self, stopping: Callable[[], bool]) -> AsyncIterator[bytes]:
        pause, last_sent = MIN_POLL_SECONDS, time.monotonic()
        yield f"id: {self._last}\n\n".encode()
        while not stopping():
            finished, events = await anyio.to_thread.run_sync(self.poll)
            for event in events:
                position = FeedPosition.of(event)
                yield format_sse_event(data_str=event.model_dump_json(), event=event.type, id=str(position))
            if events:
                pause, last_sent = MIN_POLL_SECONDS, time.monotonic()
                continue
            if finished:
                return
            if time.monotonic() - last_sent >= KEEPALIVE_SECONDS:
                last_sent = time.monotonic()
                yield KEEPALIVE_COMMENT
            await anyio.sleep(pause)
            pause = min(pause * 1.5, MAX_POLL_SECONDS)

    def poll(self) -> tuple[bool, list[FeedEvent]]:
        """Whether the job had ended before, and what the client has not had, in order."""
        # The state first: the events written with a final state are then certainly among those read after it.
        finished = self._job_id is not None and self._store.get(self._job_id).state.is_final
        start, new = self._last, list[FeedEvent]()
        if self._writers_overlap:
            start = min(start, FeedPosition(start.time - OVERLAP))
        while True:
            page = self._store.feed(self._tenant, start, self._job_id, BATCH)
            new += [event for event in page if (event.job_id, event.seq) not in self._sent]
            if len(page) < BATCH:
                break
            start = FeedPosition.of(page[-1])
        if new:
            self._last = max(self._last, FeedPosition.of(new[-1]))
        if self._writers_overlap:
            self._sent |= {(event.job_id, event.seq): event.time for event in new}
            oldest = self._last.time - 2 * OVERLAP
            self._sent = {key: moment for key, moment in self._sent.items() if moment >= oldest}
        return finished, new
