"""Live events as server-sent events: of one job, of a job with its parts, of a tenant."""
