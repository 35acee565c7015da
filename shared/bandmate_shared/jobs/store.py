"""The job store: the front of everything else in this folder. Each method is one transaction."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from bandmate_shared.contracts.jobs import Artifact, JobError, JobEvent, Progress
from bandmate_shared.jobs import (
    cancel,
    dead_letters,
    events,
    lease,
    outbox,
    outcome,
    paging,
    records,
    redrive,
    submit,
    sweep,
)
from bandmate_shared.jobs.database import Database, Limits
from bandmate_shared.jobs.model import DeadLetter, Job, Lease, Message, NewJob, Policy, Submitted, utc_now
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

    # What anybody may ask

    def submit(
        self, new: NewJob, *, idempotency_key: str | None = None, asked: dict[str, Any] | None = None
    ) -> Submitted:
        """Accept a root job. The same key and request within 24 h give the same job.

        Requests are the same when `asked` is, the request as it came in; None: when `new.request` is, which will not
        do where something was drawn at random into it. Raises Conflict (the key came with another request) and
        QuotaExceeded.
        """
        try:
            return self._submit(new, idempotency_key, asked)
        except IntegrityError:  # The same key at the same moment: the other one has won, and we shall find its job.
            return self._submit(new, idempotency_key, asked)

    def get(self, job_id: str, tenant: str | None = None) -> Job:
        """Raises NotFound; with a tenant, also for the jobs of others."""
        return self.database.read(records.read_job, job_id, tenant)

    def children(self, job_id: str, *, newest_batch: bool = False) -> list[Job]:
        """A job's children, oldest first; with `newest_batch` only those for which it was last parked."""
        return self.database.read(records.read_children, job_id, newest_batch=newest_batch)

    def list_jobs(
        self,
        tenant: str | None,
        kind: str | Sequence[str] | None = None,
        state: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> tuple[list[Job], str | None]:
        """A page of jobs, newest first, and the cursor of the next. Raises InvalidRequest for a foreign cursor."""
        kinds = [kind] if isinstance(kind, str) else list(kind or ())
        return self.database.read(paging.page, tenant, kinds, state, cursor, limit)

    def events(self, job_id: str, after_seq: int = 0, limit: int = 1000) -> list[JobEvent]:
        """The job's history after `after_seq`."""
        return self.database.read(events.read, job_id, after_seq, limit)

    def cancel(self, job_id: str, tenant: str | None = None) -> Job:
        """Cancel a job and its children; one that has ended stays as it is. Raises NotFound."""
        return self._write(cancel.cancel, job_id, tenant)

    # What a worker says

    def claim(self, job_id: str, worker: str) -> Lease | None:
        """Take the job, or None where there is nothing to do."""
        taken = self.take(job_id, worker)
        return None if taken is None else taken[0]

    def take(self, job_id: str, worker: str) -> tuple[Lease, Job] | None:
        """Like `claim`, with the job as it is now."""
        return self._write(lease.claim, self.policy, job_id, worker)

    def heartbeat(self, held: Lease) -> Lease:
        """Renew the lease; the answer's `cancel_requested` tells of a cancellation. Raises StaleLease."""
        return self._write(lease.heartbeat, self.policy, held)

    def append_event(self, held: Lease, type: str, data: dict[str, Any]) -> Lease:  # noqa: A002
        """Add an event. Raises StaleLease."""
        return self._write(lease.append_event, held, (type, data))

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
        """Write the stage and how far it is (0 to 1), on the job and as an event. Raises StaleLease."""
        progress = Progress(stage=stage, fraction=fraction, message=message, eta_seconds=eta_seconds)
        return self._write(lease.set_progress, held, progress, type)

    def succeed(self, held: Lease, result: dict[str, Any], artifacts: Sequence[Artifact] = ()) -> None:
        """End the job well. Raises StaleLease."""
        self._write(outcome.succeed, held, result, list(artifacts))

    def fail(self, held: Lease, error: JobError, retryable: bool) -> None:
        """End the attempt badly; with attempts left a retryable failure is tried again. Raises StaleLease."""
        self._write(outcome.fail, self.policy, held, error, retryable)

    def park(
        self,
        held: Lease,
        children: Sequence[NewJob],
        phase: str,
        saved: dict[str, Any] | None = None,
        artifacts: Sequence[Artifact] = (),
    ) -> list[str]:
        """Wait for new children, then go on in `phase`; returns their ids. Raises StaleLease."""
        return self._write(outcome.park, held, list(children), phase, saved or {}, list(artifacts))

    def cancelled(self, held: Lease) -> None:
        """The worker heeded a cancellation. Raises StaleLease."""
        self._write(outcome.cancelled, held)

    def release(self, held: Lease) -> None:
        """The worker is being stopped: the job goes back to the queue, the attempt uncounted. Raises StaleLease."""
        self._write(outcome.release, held)

    # What keeps the jobs moving

    def pending_messages(self, limit: int = 100) -> list[Message]:
        """Messages that are due to be sent, for the first time or again."""
        return self.database.read(outbox.pending, self.clock(), limit)

    def take_messages(self, limit: int = 100) -> list[Message]:
        """Messages that the caller is to send now; they fall due again, should nobody claim their jobs."""
        return self._write(outbox.take_due, self.policy, limit)

    def give_back_messages(self, messages: Sequence[Message]) -> None:
        """These could not be sent after all: they are due at once."""
        self._write(outbox.give_back, messages)

    def resend_all(self) -> int:
        """Everything sent and not yet claimed may be lost: make it due at once. Returns how many messages."""
        return self._write(outbox.resend_all)

    def backlog(self) -> dict[str, int]:
        """Queue → how many jobs wait in it."""
        return self.database.read(outbox.backlog)

    def sweep(self) -> dict[str, int]:
        """Deal with the jobs of dead workers and with what has expired.

        Returns counts: 'requeued', 'failed', 'cancelled' jobs and 'forgotten' idempotency keys. Writes nothing, and
        waits for no lock, when there is nothing to do.
        """
        counts = Counter({"requeued": 0, "failed": 0, "cancelled": 0, "forgotten": 0})
        for job_id in self.database.read(sweep.abandoned_jobs, self.clock()):
            done = self._write(sweep.rescue, self.policy, job_id)
            if done is not None:
                counts[done] += 1
        if self.database.read(submit.any_key_expired, self.clock()):
            counts["forgotten"] = self._write(submit.forget_expired_keys)
        return dict(counts)

    # What was given up

    def add_dead_letter(self, queue: str, payload: str, reason: str) -> str:
        """Keep a message that cannot become a job, with the reason; returns the dead letter's id."""
        return self._write(dead_letters.bury, queue, payload, reason)

    def dead_letters(self, queue: str | None = None, limit: int = 100) -> list[DeadLetter]:
        """Dead letters of a queue (`bandmate-x` or `bandmate-x-dlq`) or of all, newest first."""
        return self.database.read(dead_letters.listed, queue, limit)

    def redrive(self, identifier: str) -> Job:
        """Give a failed job, named by its id or a dead letter's, new attempts; returns the topmost job redriven.

        Raises NotFound, Conflict (the job has not failed), InvalidRequest (the dead letter never was a job).
        """
        return self._write(redrive.redrive, identifier)

    def _submit(self, new: NewJob, key: str | None, asked: dict[str, Any] | None) -> Submitted:
        return self._write(submit.submit, self.policy, new, key, asked)

    def _write(
        self, work: Callable[Concatenate[Connection, datetime, P], T], *arguments: P.args, **named: P.kwargs
    ) -> T:
        """Do the work in a writing transaction, and tell it the time once the transaction has begun."""
        return self.database.write(lambda connection: work(connection, self.clock(), *arguments, **named))
