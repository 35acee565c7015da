"""Clients for AWS services, made in one way: timeouts, retries, and an honest error where boto3 is missing.

Region, credentials and endpoints come from the places that every AWS program reads: `AWS_REGION`, the task role, and
`AWS_ENDPOINT_URL_<SERVICE>` where another server speaks a service's protocol.
"""

import importlib.util
import os
from typing import Any

from bandmate_shared.errors import BandmateError

CONNECT_SECONDS = 5.0
READ_SECONDS = 60.0
DEFAULT_REGION = "us-east-1"


class AwsMissing(BandmateError):
    """The settings name an AWS service, and boto3 is not installed."""

    type = "aws-missing"
    title = "The AWS client is not installed"


def aws_client(
    service: str, *, read_seconds: float = READ_SECONDS, attempts: int = 5, pool: int = 20, mode: str = "standard"
) -> Any:
    """A boto3 client: `attempts` tries in all, `pool` connections at most. Clients may be shared between threads.

    Raises AwsMissing.
    """
    if importlib.util.find_spec("boto3") is None:
        raise AwsMissing(f"{service} needs boto3; install bandmate-shared[aws]")
    import boto3
    from botocore.config import Config

    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or DEFAULT_REGION
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=read_seconds,
        retries={"total_max_attempts": attempts, "mode": mode},
        max_pool_connections=pool,
        user_agent_extra="bandmate",
        # Path style works with every server that speaks S3; AWS accepts it too.
        s3={"addressing_style": "path"} if os.environ.get("AWS_ENDPOINT_URL_S3") else {},
    )
    return boto3.session.Session(region_name=region).client(service, config=config)
