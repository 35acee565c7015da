"""Runs a claimed job in a worker process: context, heartbeat, working directory, errors."""
