"""Reports of ended jobs to receivers of the tenants. Expands: the code before it leaves the columns empty."""

import sqlalchemy as sa
from alembic import op

revision = "0005.0001"
down_revision = "0004.0001"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("webhook_url", sa.Text))
    op.add_column("jobs", sa.Column("webhook_key", sa.String(16)))
    op.add_column("api_keys", sa.Column("webhook_url", sa.Text))
    op.create_table(
        "webhooks",
        sa.Column("id", sa.String(48), primary_key=True),
        sa.Column("job_id", sa.String(48), nullable=False),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("type", sa.String(64), nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("key_id", sa.String(16)),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("given_up_at", sa.DateTime(timezone=True)),
    )
    op.create_index("webhooks_due", "webhooks", ["given_up_at", "due_at"])
