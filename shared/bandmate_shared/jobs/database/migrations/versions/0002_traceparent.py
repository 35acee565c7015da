"""Jobs carry the trace that they belong to. Expands: the code before it leaves the column empty."""

import sqlalchemy as sa
from alembic import op

revision = "0002.0001"
down_revision = "0001.0001"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("traceparent", sa.String(64)))
