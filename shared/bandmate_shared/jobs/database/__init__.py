"""The database of the job store: schema, engine, migrations."""
