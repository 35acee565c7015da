"""Preparation before the services start: migrate the database; outside AWS, create the bucket and the queues."""

import sys
from urllib.parse import urlsplit

from bandmate_shared.aws import aws_client
from bandmate_shared.jobs.database.migrate import head, upgrade
from bandmate_shared.queues.sqs_queues import create_queues
from bandmate_shared.settings import shared_settings


def migrate() -> None:
    """Bring the database to the newest schema. Raises what `jobs.migrate.upgrade` raises."""
    before = upgrade(shared_settings().resolved_database_url)
    sys.stdout.write(f"database: {before or 'empty'} -> {head()}\n")


def provision() -> None:
    """Create the bucket and queues of the settings where they are missing: for servers that emulate S3 and SQS.

    On AWS the deployment creates them, with lifecycle rules, encryption and alarms.
    """
    settings = shared_settings()
    storage = urlsplit(settings.resolved_storage_url)
    if storage.scheme == "s3":
        _create_bucket(storage.netloc)
    if settings.resolved_broker_url.startswith("sqs:"):
        sys.stdout.write(f"queues: {', '.join(create_queues(aws_client('sqs')))}\n")


def _create_bucket(name: str) -> None:
    s3 = aws_client("s3")
    try:
        s3.head_bucket(Bucket=name)
    except s3.exceptions.ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise
        s3.create_bucket(Bucket=name)
    sys.stdout.write(f"bucket: {name}\n")
