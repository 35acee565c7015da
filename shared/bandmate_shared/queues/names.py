"""Names of queues that carry no job ids; those that do are named by `jobs.model.queue_name`."""

SUBMISSIONS = "bandmate-submissions"
"""The stream (Redis) or queue (SQS) to which programs add song requests."""
