"""The job core: an accepted job is never lost and takes effect exactly once.

Reading order: `model.py` (what a job is), `schema.py` (how it is kept), `submit.py`, `relay.py`, `lease.py`,
`outcome.py`, `sweep.py` (a job's life), `store.py` (the front of all that), `worker.py` (how a service runs one).
"""
