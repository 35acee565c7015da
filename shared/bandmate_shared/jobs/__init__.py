"""Durable jobs: an accepted job is never lost and takes effect exactly once.

Reading order: `model.py` (values), `database/schema.py` (tables), `transitions.py` (the state machine), `queries.py`,
`outbox.py` and `relay.py` (messages), `store.py` (the facade), `execution/worker.py` (how a worker runs a job).
"""
