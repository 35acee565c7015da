"""Rates of calls to services that all workers share. Expands: the code before it does not know the table."""

import sqlalchemy as sa
from alembic import op

revision = "0004.0001"
down_revision = "0003.0001"


def upgrade() -> None:
    op.create_table(
        "rate_limits",
        sa.Column("service", sa.String(64), primary_key=True),
        sa.Column("full_at", sa.Float, nullable=False),
    )
