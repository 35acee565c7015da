"""A job's events as a stream of server-sent events (SSE).

`id` is the event's sequence number, `event` its type, `data` the whole JobEvent as JSON. A client that reconnects with
`Last-Event-ID` continues after that event. The stream ends after the job's last event; a client that reconnects then
gets 204, which tells an EventSource not to reconnect again (HTML standard, 9.2.3).
"""

import threading
import time
from collections.abc import AsyncIterator, Callable

import anyio
from fastapi import Request
from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse, format_sse_event
from starlette.responses import Response

from bandmate_shared.contracts.jobs import JobEvent
from bandmate_shared.errors import InvalidRequest
from bandmate_shared.jobs.store import JobStore

KEEPALIVE_SECONDS = 10.0
"""An idle stream gets a comment this often, so that proxies keep it open."""
MIN_POLL_SECONDS = 0.05
MAX_POLL_SECONDS = 0.5
BATCH = 500
STREAM_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


def event_stream(store: JobStore, job_id: str, last_event_id: str | None, stopping: Callable[[], bool]) -> Response:
    """The response for a job that exists. `stopping` turns true when the server shuts down.

    Raises InvalidRequest for a Last-Event-ID that is not a sequence number, NotFound.
    """
    after = _sequence_number(last_event_id)
    if store.get(job_id).state.is_final and not store.events(job_id, after, 1):
        return Response(status_code=204)
    return EventSourceResponse(_stream(store, job_id, after, stopping), headers=STREAM_HEADERS)


def stopping_of(request: Request) -> Callable[[], bool]:
    """Tells whether the server that answers this request shuts down."""
    stopping: threading.Event | None = getattr(request.app.state, "stopping", None)
    return stopping.is_set if stopping is not None else lambda: False


async def _stream(store: JobStore, job_id: str, after: int, stopping: Callable[[], bool]) -> AsyncIterator[bytes]:
    pause, last_sent = MIN_POLL_SECONDS, time.monotonic()
    while not stopping():
        finished, events = await anyio.to_thread.run_sync(_poll, store, job_id, after)
        for event in events:
            after = event.seq
            yield format_sse_event(data_str=event.model_dump_json(), event=event.type, id=str(event.seq))
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


def _poll(store: JobStore, job_id: str, after: int) -> tuple[bool, list[JobEvent]]:
    # The state first: the events written with a final state are then certainly among those read after it.
    finished = store.get(job_id).state.is_final
    return finished, store.events(job_id, after, BATCH)


def _sequence_number(last_event_id: str | None) -> int:
    if not last_event_id:
        return 0
    if not last_event_id.isascii() or not last_event_id.isdigit() or len(last_event_id) > 9:
        raise InvalidRequest(f"Last-Event-ID {last_event_id[:40]!r} is not the id of an event of this stream")
    return int(last_event_id)
