"""A library of songs: titles, favourites, notes, lineage and search; events by time. Expands: the code before it leaves
the columns empty."""

import sqlalchemy as sa
from alembic import op

revision = "0003.0001"
down_revision = "0002.0001"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("derived_from", sa.String(48)))
    op.add_column("jobs", sa.Column("title", sa.String(200)))
    op.add_column("jobs", sa.Column("favourite", sa.Boolean))
    op.add_column("jobs", sa.Column("notes", sa.Text))
    op.add_column("jobs", sa.Column("search_text", sa.Text))
    op.create_index("jobs_derived", "jobs", ["derived_from"])
    op.create_index("job_events_by_time", "job_events", ["time"])
