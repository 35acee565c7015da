"""Creates boto3 clients with timeouts and retries, and a clear error where boto3 is missing.

Region, credentials and endpoints come from AWS's usual environment variables: `AWS_REGION`, the task role, and
`AWS_ENDPOINT_URL_<SERVICE>` for another server with a service's API.
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
    title = "AWS client missing"


def aws_client(
    service: str,
    *,
    read_seconds: float = READ_SECONDS,
    attempts: int = 5,
    pool: int = 20,
    mode: str = "standard",
    endpoint: str | None = None,
    virtual_hosts: bool = False,
) -> Any:
    """A boto3 client: `attempts` tries in all, `pool` connections at most. Clients may be shared between threads.

    `endpoint` replaces the URL from the environment. With `virtual_hosts` S3 on AWS is addressed by the bucket's
    regional name: presigned URLs would otherwise name the global one, which redirects. Raises AwsMissing.
    """
    require_boto3(service)
    import boto3  # optional extra: boto3
    from botocore.config import Config  # optional extra: boto3

    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or DEFAULT_REGION
    own_server = endpoint or os.environ.get("AWS_ENDPOINT_URL_S3")
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=read_seconds,
        retries={"total_max_attempts": attempts, "mode": mode},
        max_pool_connections=pool,
        user_agent_extra="bandmate",
        # Path style works with every server with S3's API.
        s3={"addressing_style": "path" if own_server else "virtual" if virtual_hosts else "auto"},
        # Presigned URLs of the older signature are refused by newer regions.
        signature_version="s3v4" if service == "s3" else None,
    )
    return boto3.session.Session(region_name=region).client(service, config=config, endpoint_url=endpoint)


def require_boto3(service: str) -> None:
    """Raises AwsMissing where boto3 is not installed."""
    if importlib.util.find_spec("boto3") is None:
        raise AwsMissing(f"{service} needs boto3; install bandmate-shared[aws]")
