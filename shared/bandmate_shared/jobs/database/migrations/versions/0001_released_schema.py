"""The tables as the first release made them.

That release kept no note of its schema's version. So this migration makes only what is missing: on the database of
such a release it changes nothing, and only the note is new. The tables are written out, not imported: they stay as
they were.
"""

from alembic import op
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
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

revision = "0001.0001"
down_revision = None

_released = MetaData()
_moment = DateTime(timezone=True)
_serial = BigInteger().with_variant(Integer, "sqlite")

Table(
    "jobs",
    _released,
    Column("id", String(48), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("phase", String(64), nullable=False),
    Column("waiting", Boolean, nullable=False, server_default=false()),
    Column("attempt", Integer, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("last_seq", Integer, nullable=False),
    Column("request", JSON, nullable=False),
    Column("result", JSON),
    Column("error", JSON),
    Column("saved", JSON, nullable=False),
    Column("artifacts", JSON, nullable=False),
    Column("parent_id", String(48), ForeignKey("jobs.id")),
    Column("batch", Integer),
    Column("parked_fence", Integer),
    Column("stage", String(64)),
    Column("fraction", Float),
    Column("worker", String(128)),
    Column("cancel_requested", Boolean, nullable=False, server_default=false()),
    Column("lease_until", _moment),
    Column("created_at", _moment, nullable=False),
    Column("started_at", _moment),
    Column("finished_at", _moment),
    Index("jobs_newest_first", "tenant", "created_at", "id"),
    Index("jobs_unfinished", "state", "tenant", "parent_id", "lease_until"),
    Index("jobs_children", "parent_id"),
)
Table(
    "job_events",
    _released,
    Column("job_id", String(48), ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("type", String(64), nullable=False),
    Column("time", _moment, nullable=False),
    Column("data", JSON, nullable=False),
)
Table(
    "outbox",
    _released,
    Column("id", _serial, primary_key=True, autoincrement=True),
    Column("job_id", String(48), ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("queue", String(64), nullable=False),
    Column("due_at", _moment, nullable=False, index=True),
    Column("sends", Integer, nullable=False, server_default="0"),
    sqlite_autoincrement=True,
)
Table(
    "idempotency",
    _released,
    Column("tenant", String(64), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("request_sha256", String(64), nullable=False),
    Column("job_id", String(48), ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("expires_at", _moment, nullable=False),
    Index("idempotency_expiry", "expires_at"),
)
Table(
    "dead_letters",
    _released,
    Column("id", String(48), primary_key=True),
    Column("queue", String(64), nullable=False),
    Column("job_id", String(48), ForeignKey("jobs.id", ondelete="CASCADE")),
    Column("payload", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_at", _moment, nullable=False),
    Column("redriven_at", _moment),
    Index("dead_letters_of_queue", "queue", "id"),
    Index("dead_letters_of_job", "job_id"),
)
Table(
    "api_keys",
    _released,
    Column("id", String(16), primary_key=True),
    Column("tenant", String(64), nullable=False, index=True),
    Column("hash", String(64), nullable=False),
    Column("created_at", _moment, nullable=False),
    Column("revoked_at", _moment),
)


def upgrade() -> None:
    _released.create_all(op.get_bind(), checkfirst=True)
