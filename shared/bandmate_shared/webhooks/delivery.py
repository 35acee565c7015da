"""Sends webhooks: takes those that are due from the outbox, posts them, and marks what came of it.

At least once: a process that dies after the receiver has read a webhook, and before that is marked, has it sent again,
under the same `webhook-id`. An attempt that failed is repeated after a pause that grows fourfold, to six hours, and is
drawn between half and the whole of that, so that the webhooks of a receiver that was down do not come all at once.
"""

import logging
import random
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

from bandmate_shared.errors import BandmateError, InvalidRequest
from bandmate_shared.jobs.model import WebhookDelivery
from bandmate_shared.jobs.store import JobStore
from bandmate_shared.settings import SharedSettings
from bandmate_shared.webhooks.addresses import RefusedAddress
from bandmate_shared.webhooks.post import Poster, PostFailed
from bandmate_shared.webhooks.signature import secret_for, signed_headers

log = logging.getLogger(__name__)

POLL_SECONDS = 0.5
PARALLEL = 16
"""Webhooks that a process sends at the same time: a receiver that is slow delays no other."""

RETRY_GROWTH = 4.0
MAX_RETRY_SECONDS = 6 * 3600.0

_GONE = 410
_MARGIN_SECONDS = 60.0
"""What an attempt may take besides the exchange with the receiver: resolving its name, marking the outcome."""

_HEADERS = {"Content-Type": "application/json", "User-Agent": "Bandmate-Webhooks/1", "Connection": "close"}


class WebhookSender:
    """`run(stop)` sends until `stop` is set. Any number of processes may run one."""

    def __init__(self, store: JobStore, settings: SharedSettings, poster: Poster | None = None) -> None:
        self._store = store
        self._settings = settings
        self._poster = poster or Poster(settings.webhook_seconds, allow_private=settings.webhook_private)

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set; then what is on its way is finished. A database that is down is waited for."""
        running: list[Future[None]] = []
        with ThreadPoolExecutor(PARALLEL, "webhook") as pool:
            while not stop.is_set():
                running = [future for future in running if not future.done()]
                try:
                    started = self._start(pool, PARALLEL - len(running))
                except BandmateError as error:
                    log.warning("webhooks wait for the job store: %s", error.detail)
                    started = []
                running += started
                if not started:
                    stop.wait(POLL_SECONDS)

    def send_due(self) -> int:
        """Send what is due now, and return how many were sent, received or not."""
        with ThreadPoolExecutor(PARALLEL, "webhook") as pool:
            started = self._start(pool, PARALLEL)
        for future in started:
            future.result()
        return len(started)

    def _start(self, pool: ThreadPoolExecutor, most: int) -> list[Future[None]]:
        if most <= 0:
            return []
        hold_seconds = self._settings.webhook_seconds + _MARGIN_SECONDS
        return [pool.submit(self._send, delivery) for delivery in self._store.take_webhooks(most, hold_seconds)]

    def _send(self, delivery: WebhookDelivery) -> None:
        """Make one attempt, and mark its outcome. What cannot be marked is tried again when it falls due."""
        try:
            self._attempt(delivery)
        except Exception:
            log.exception("webhook %s of %s is tried again later", delivery.id, delivery.job_id)

    def _attempt(self, delivery: WebhookDelivery) -> None:
        body = delivery.payload.encode()
        secret = secret_for(self._settings, delivery.key_id)
        headers = _HEADERS | signed_headers(secret, delivery.id, int(time.time()), body)
        try:
            answer = self._poster.post(delivery.url, headers, body)
        except (RefusedAddress, InvalidRequest) as error:
            self._give_up(delivery, error.detail)
            return
        except PostFailed as error:
            self._retry(delivery, error.detail)
            return
        if 200 <= answer.status < 300:
            self._store.webhook_delivered(delivery)
            log.info("webhook %s of %s was received", delivery.id, delivery.job_id)
        elif answer.status == _GONE:
            self._give_up(delivery, f"the receiver answered {answer.status}: it wants no more")
        else:
            self._retry(delivery, f"the receiver answered {answer.status}", answer.retry_after or 0)

    def _retry(self, delivery: WebhookDelivery, reason: str, at_least: float = 0.0) -> None:
        if delivery.attempt >= self._settings.webhook_attempts:
            self._give_up(delivery, reason)
            return
        longest = self._settings.webhook_retry_seconds * RETRY_GROWTH ** (delivery.attempt - 1)
        longest = min(longest, MAX_RETRY_SECONDS)
        pause = random.uniform(longest / 2, longest)  # noqa: S311 - nothing secret about it
        pause = max(pause, min(at_least, MAX_RETRY_SECONDS))
        self._store.webhook_failed(delivery, reason, pause)
        log.info("webhook %s of %s is tried again in %.0f s: %s", delivery.id, delivery.job_id, pause, reason)

    def _give_up(self, delivery: WebhookDelivery, reason: str) -> None:
        self._store.webhook_failed(delivery, reason, None)
        log.warning("webhook %s of %s was given up: %s", delivery.id, delivery.job_id, reason)
