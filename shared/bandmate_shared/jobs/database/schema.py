"""The tables of the job store.

Nothing here is SQLite's or Postgres's alone. Whoever changes a table adds a migration (`migrations/`), by the rule of
`versions.py`; a test compares the two. JSON is kept as text on Postgres too, not as JSONB: nobody searches inside it,
and a text comes back as it went in, with its order of keys and with a NUL in it. The invariants that the store keeps,
and the tests check:
  - a queued job has exactly one outbox row; a job in any other state has none;
  - `jobs.last_seq` is the number of the job's events, whose `seq` run from 1 without a gap;
  - a waiting job is running, has no lease, and has at least one child that has not ended;
  - a root job with a `webhook_url` gets a row in `webhooks` each time it ends, which stays until it was received.
"""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    false,
)
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime in UTC. SQLite keeps no zone: there it is stored without one, in a form that sorts."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData()

_json = JSON(none_as_null=True)
_serial = BigInteger().with_variant(Integer, "sqlite")

jobs = Table(
    "jobs",
    metadata,
    Column("id", String(48), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("phase", String(64), nullable=False),
    Column("waiting", Boolean, nullable=False, server_default=false()),
    Column("attempt", Integer, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("last_seq", Integer, nullable=False),
    Column("request", _json, nullable=False),
    Column("result", _json),
    Column("error", _json),
    Column("saved", _json, nullable=False),
    Column("artifacts", _json, nullable=False),
    Column("parent_id", String(48), ForeignKey("jobs.id")),
    Column("batch", Integer),  # A child's: the parent's fence when it was parked for this child.
    Column("parked_fence", Integer),  # A parent's: its fence when it was last parked; names its newest children.
    Column("stage", String(64)),
    Column("fraction", Float),
    Column("worker", String(128)),
    Column("cancel_requested", Boolean, nullable=False, server_default=false()),
    Column("lease_until", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("traceparent", String(64)),  # W3C Trace Context: the trace that the job belongs to.
    Column("derived_from", String(48)),  # The song that this one was made of, which may have been deleted since.
    Column("title", String(200)),  # The user's own; None: the result's.
    Column("favourite", Boolean),  # None: no.
    Column("notes", Text),  # The user's.
    Column("search_text", Text),  # What a search looks through, without case; None for jobs of earlier releases.
    Column("webhook_url", Text),  # A root job's: where its end is reported.
    Column("webhook_key", String(16)),  # Whose secret signs the report; None: the embedded mode's.
    Index("jobs_newest_first", "tenant", "created_at", "id"),
    Index("jobs_unfinished", "state", "tenant", "parent_id", "lease_until"),
    Index("jobs_children", "parent_id"),
    Index("jobs_derived", "derived_from"),
)

job_events = Table(
    "job_events",
    metadata,
    Column("job_id", String(48), ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("type", String(64), nullable=False),
    Column("time", UtcDateTime, nullable=False),
    Column("data", _json, nullable=False),
    Index("job_events_by_time", "time"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", _serial, primary_key=True, autoincrement=True),
    Column("job_id", String(48), ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("queue", String(64), nullable=False),
    Column("due_at", UtcDateTime, nullable=False, index=True),
    Column("sends", Integer, nullable=False, server_default="0"),
    sqlite_autoincrement=True,  # Ids must not be reused: a late "sent" would mark the message that has the id now.
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("tenant", String(64), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("request_sha256", String(64), nullable=False),
    Column("job_id", String(48), ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Index("idempotency_expiry", "expires_at"),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", String(48), primary_key=True),
    Column("queue", String(64), nullable=False),
    Column("job_id", String(48), ForeignKey("jobs.id", ondelete="CASCADE")),
    Column("payload", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("redriven_at", UtcDateTime),
    Index("dead_letters_of_queue", "queue", "id"),
    Index("dead_letters_of_job", "job_id"),
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", String(48), primary_key=True),
    Column("job_id", String(48), nullable=False),  # The job may be deleted before its end has been reported.
    Column("tenant", String(64), nullable=False),
    Column("type", String(64), nullable=False),
    Column("url", Text, nullable=False),
    Column("key_id", String(16)),
    Column("payload", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("error", Text),
    Column("given_up_at", UtcDateTime),
    Index("webhooks_due", "given_up_at", "due_at"),
)

rate_limits = Table(
    "rate_limits",
    metadata,
    Column("service", String(64), primary_key=True),
    Column("full_at", Float, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("tenant", String(64), nullable=False, index=True),
    Column("hash", String(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
    Column("webhook_url", Text),  # Where the ends of this key's jobs are reported.
)
