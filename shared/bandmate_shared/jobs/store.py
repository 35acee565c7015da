"""The job store: the facade of this folder. Each method is one transaction."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from bandmate_shared.contracts.jobs import Artifact, FeedEvent, JobError, JobEvent, Progress
from bandmate_shared.jobs import (
    dead_letters,
    event_feed,
    library,
    outbox,
    queries,
    rate_limits,
    submit,
    transitions,
    webhooks,
)
from bandmate_shared.jobs.database.database import Database
from bandmate_shared.jobs.database.engine import Limits
from bandmate_shared.jobs.event_feed import FeedPosition
from bandmate_shared.jobs.model import (
    DeadLetter,
    Job,
    Lease,
    Message,
    NewJob,
    Policy,
    Search,
    Submitted,
    WebhookDelivery,
    utc_now,
)
from bandmate_shared.settings import SharedSettings

P = ParamSpec("P")
T = TypeVar("T")


class JobStore:
    """Jobs, their events, their messages and their dead letters. Threads and processes may share one database.

    `clock` gives aware datetimes; tests pass their own. Every method may raise Unavailable where the database cannot be
    reached, and every method that writes StorageFull.
    """

    def __init__(self, database: Database, policy: Policy, clock: Callable[[], datetime] = utc_now) -> None:
        self.database = database
        self.policy = policy
        self.clock = clock

    @classmethod
    def open(cls, settings: SharedSettings, clock: Callable[[], datetime] = utc_now) -> "JobStore":
        """The store that the settings name. A SQLite database is made, or brought to the newest schema, on the way.

        Raises DatabaseOutdated for a Postgres database that has yet to be migrated.
        """
        policy = Policy(settings.lease_seconds, settings.max_attempts, settings.queue_quota)
        limits = Limits(
            settings.database_connections,
            settings.database_connect_seconds,
            settings.database_statement_seconds,
            settings.database_lock_seconds,
        )
        return cls(Database(settings.resolved_database_url, limits), policy, clock)

    def close(self) -> None:
        self.database.close()

    # For clients

    def submit(
        self, new: NewJob, *, idempotency_key: str | None = None, asked: dict[str, Any] | None = None
    ) -> Submitted:
        """Accept a root job. The same idempotency key and request within 24 h give the same job.

        Requests are the same when `asked` is, the request as it came in; None: when `new.request` is, which will not
        do where something was drawn at random into it. Raises Conflict (the key came with another request) and
        QuotaExceeded.
        """
        try:
            return self._submit(new, idempotency_key, asked)
        except IntegrityError:  # The same key at the same moment: the other has won, and we shall find its job.
            return self._submit(new, idempotency_key, asked)

    def get(self, job_id: str, tenant: str | None = None) -> Job:
        """Raises NotFound; with a tenant, also for the jobs of others."""
        return self.database.read(queries.read_job, job_id, tenant)

    def has_artifact(self, tenant: str, sha256: str) -> bool:
        """Whether a job of the tenant has an artifact with this hash."""
        return self.database.read(queries.has_artifact, tenant, sha256)

    def children(self, job_id: str, *, newest_batch: bool = False) -> list[Job]:
        """A job's children, oldest first; with `newest_batch` only those for which it was last parked."""
        return self.database.read(queries.read_children, job_id, newest_batch=newest_batch)

    def list_jobs(
        self,
        tenant: str | None,
        kind: str | Sequence[str] | None = None,
        state: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
        search: Search | None = None,
    ) -> tuple[list[Job], str | None]:
        """A page of jobs, newest first, and the cursor of the next. Raises InvalidRequest for a foreign cursor."""
        kinds = [kind] if isinstance(kind, str) else list(kind or ())
        return self.database.read(queries.read_page, tenant, kinds, state, cursor, limit, search)

    def annotate(self, job_id: str, tenant: str, details: Mapping[str, str | bool | None]) -> Job:
        """Set the user's `title`, `favourite` or `notes` of a job; None clears one. Raises NotFound."""
        return self._write(library.annotate, job_id, tenant, details)

    def descendants(self, job_id: str) -> list[Job]:
        """A job's children and theirs, parents first."""
        return self.database.read(library.family, job_id)

    def versions(self, job_id: str, tenant: str) -> tuple[list[Job], list[str]]:
        """The songs that share an ancestor with this one, and the ids of deleted ancestors. Raises NotFound."""
        return self.database.read(library.versions, job_id, tenant)

    def deletable(self, job_id: str, tenant: str) -> list[Job]:
        """The job and its parts, if it may be deleted. Raises NotFound, Conflict."""
        return self.database.read(library.deletable, job_id, tenant)

    def delete(self, job_id: str, tenant: str) -> None:
        """Delete a job that has ended, with its parts; its manifests are removed before. Raises NotFound, Conflict."""
        self._write(library.delete_job, job_id, tenant)

    def events(self, job_id: str, after_seq: int = 0, limit: int = 1000) -> list[JobEvent]:
        """The job's history after `after_seq`."""
        return self.database.read(queries.read_events, job_id, after_seq, limit)

    def feed(self, tenant: str, start: FeedPosition, family_of: str | None = None, limit: int = 500) -> list[FeedEvent]:
        """Events of all jobs of the tenant after `start`, or of one job and its parts, in the order of time."""
        return self.database.read(event_feed.read_feed, tenant, start, family_of, limit)

    def cancel(self, job_id: str, tenant: str | None = None) -> Job:
        """Cancel a job and its children; one that has ended stays as it is. Raises NotFound."""
        return self._write(transitions.cancel, job_id, tenant)

    # For workers

    def claim(self, job_id: str, worker: str) -> Lease | None:
        """Take the job, or None where there is nothing to do."""
        claimed = self.take(job_id, worker)
        return None if claimed is None else claimed[0]

    def take(self, job_id: str, worker: str) -> tuple[Lease, Job] | None:
        """Like `claim`, with the job as it is now."""
        return self._write(transitions.claim, self.policy, job_id, worker)

    def heartbeat(self, held: Lease) -> Lease:
        """Renew the lease; the answer's `cancel_requested` tells of a cancellation. Raises StaleLease."""
        return self._write(transitions.heartbeat, self.policy, held)

    def append_event(self, held: Lease, type: str, data: dict[str, Any]) -> Lease:  # noqa: A002
        """Add an event. Raises StaleLease."""
        return self._write(transitions.append_event, held, (type, data))

    def set_progress(
        self,
        held: Lease,
        stage: str,
        fraction: float | None = None,
        message: str = "",
        eta_seconds: float | None = None,
        *,
        type: str = "progress",  # noqa: A002
    ) -> Lease:
        """Write the stage and its fraction (0 to 1), on the job and as an event. Raises StaleLease."""
        progress = Progress(stage=stage, fraction=fraction, message=message, eta_seconds=eta_seconds)
        return self._write(transitions.set_progress, held, progress, type)

    def succeed(self, held: Lease, result: dict[str, Any], artifacts: Sequence[Artifact] = ()) -> None:
        """End the job as succeeded. Raises StaleLease."""
        self._write(transitions.succeed, held, result, list(artifacts))

    def fail(self, held: Lease, error: JobError, retryable: bool) -> None:
        """End the attempt as failed; with attempts left a retryable failure is tried again. Raises StaleLease."""
        self._write(transitions.fail, self.policy, held, error, retryable)

    def park(
        self,
        held: Lease,
        children: Sequence[NewJob],
        phase: str,
        saved: dict[str, Any] | None = None,
        artifacts: Sequence[Artifact] = (),
    ) -> list[str]:
        """Wait for new children, then go on in `phase`; returns their ids. Raises StaleLease."""
        return self._write(transitions.park, held, list(children), phase, saved or {}, list(artifacts))

    def cancelled(self, held: Lease) -> None:
        """End the job as cancelled. Raises StaleLease."""
        self._write(transitions.finish_cancelled, held)

    def release(self, held: Lease, pause_seconds: float = 0.0) -> None:
        """Requeue the job of a worker that is stopped or has to pause, the attempt uncounted. Raises StaleLease."""
        self._write(transitions.release, held, timedelta(seconds=pause_seconds))

    def reserve_call(self, service: str, per_second: float, burst: int, max_wait: float) -> float | None:
        """Seconds to wait before a call to a service whose rate all workers share; None: more than `max_wait`."""
        return self._write(rate_limits.reserve, service, per_second, burst, max_wait)

    # For relay and sweeper

    def pending_messages(self, limit: int = 100) -> list[Message]:
        """Messages that are due to be sent, for the first time or again."""
        return self.database.read(outbox.pending, self.clock(), limit)

    def take_messages(self, limit: int = 100) -> list[Message]:
        """Messages that the caller is to send now; they fall due again, should nobody claim their jobs."""
        return self._write(outbox.take_due, self.policy, limit)

    def give_back_messages(self, messages: Sequence[Message]) -> None:
        """Messages that could not be sent: they are due at once."""
        self._write(outbox.give_back, messages)

    def resend_all(self) -> int:
        """Make everything sent and not yet claimed due at once: the broker may have lost it. Returns how many."""
        return self._write(outbox.resend_all)

    def backlog(self) -> dict[str, int]:
        """Queue → how many jobs wait in it."""
        return self.database.read(outbox.backlog)

    def sweep(self) -> dict[str, int]:
        """Requeue or end the jobs of dead workers, and drop expired idempotency keys.

        Returns counts: 'requeued', 'failed', 'cancelled' jobs and 'forgotten' idempotency keys. Writes nothing, and
        waits for no lock, when there is nothing to do.
        """
        counts = Counter({"requeued": 0, "failed": 0, "cancelled": 0, "forgotten": 0})
        for job_id in self.database.read(queries.jobs_with_expired_lease, self.clock()):
            changed = self._write(transitions.reclaim, self.policy, job_id)
            if changed is not None:
                counts[changed] += 1
        if self.database.read(submit.any_key_expired, self.clock()):
            counts["forgotten"] = self._write(submit.forget_expired_keys)
        return dict(counts)

    # For the sender of webhooks

    def take_webhooks(self, limit: int, hold_seconds: float) -> list[WebhookDelivery]:
        """Reports that the caller is to send now; they fall due again after `hold_seconds`, should it die.

        Writes nothing, and waits for no lock, when none is due.
        """
        if not self.database.read(webhooks.any_due, self.clock()):
            return []
        return self._write(webhooks.take_due, limit, timedelta(seconds=hold_seconds))

    def webhook_delivered(self, delivery: WebhookDelivery) -> None:
        """Its receiver has confirmed it."""
        self._write(webhooks.delivered, delivery.id)

    def webhook_failed(self, delivery: WebhookDelivery, error: str, pause_seconds: float | None) -> None:
        """Try it again after a pause; None: give it up."""
        pause = None if pause_seconds is None else timedelta(seconds=pause_seconds)
        self._write(webhooks.failed, delivery, error, pause)

    # For operators

    def webhooks(self, given_up: bool | None = None, limit: int = 100) -> list[WebhookDelivery]:
        """Webhooks that are still to be received, newest first; only those given up, or not, where that is said."""
        return self.database.read(webhooks.read, given_up, limit)

    def redrive_webhook(self, delivery_id: str) -> WebhookDelivery:
        """Send a webhook at once, its attempts counted from one. Raises NotFound."""
        return self._write(webhooks.redrive, delivery_id)

    def add_dead_letter(self, queue: str, payload: str, reason: str) -> str:
        """Keep a message that cannot become a job, with the reason; returns the dead letter's id."""
        return self._write(dead_letters.add, queue, payload, reason)

    def dead_letters(self, queue: str | None = None, limit: int = 100) -> list[DeadLetter]:
        """Dead letters of a queue (`bandmate-x` or `bandmate-x-dlq`) or of all, newest first."""
        return self.database.read(dead_letters.read_letters, queue, limit)

    def redrive(self, identifier: str) -> Job:
        """Give a failed job, named by its id or a dead letter's, new attempts; returns the topmost job redriven.

        Raises NotFound, Conflict (the job has not failed), InvalidRequest (the dead letter never was a job).
        """
        return self._write(transitions.redrive, identifier)

    def _submit(self, new: NewJob, key: str | None, original: dict[str, Any] | None) -> Submitted:
        return self._write(submit.submit, self.policy, new, key, original)

    def _write(
        self, work: Callable[Concatenate[Connection, datetime, P], T], *arguments: P.args, **named: P.kwargs
    ) -> T:
        """Run `work` in a writing transaction; it gets the time once the transaction has begun."""
        return self.database.write(lambda connection: work(connection, self.clock(), *arguments, **named))
