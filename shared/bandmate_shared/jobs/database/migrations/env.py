"""What alembic runs around the migrations. The connection comes from `bandmate_shared.jobs.database.migrate`."""

from alembic import context
from bandmate_shared.jobs.database.schema import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    transactional_ddl=True,  # Also on SQLite, whose transactions this program opens itself.
    transaction_per_migration=connection.dialect.name != "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
