"""The object store's bucket, and one for access logs."""

from typing import Any

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_s3 as s3
from constructs import Construct

from bandmate_aws.foundations.retention import removal
from bandmate_aws.names import ASYNC_FOLDER, INCOMING, STORE_PREFIX
from bandmate_aws.sizes import Size

DROPPED_DAYS = 7
"""Dropped files are turned into songs well before this."""
UPLOAD_DAYS = 31
"""A day more than BANDMATE_UPLOAD_DAYS, after which no request may name an upload."""
PASSING_DAYS = 2
"""Uploads that nobody has named yet, and what goes to an asynchronous endpoint: both live a day."""
OLD_VERSION_DAYS = 30
ABORT_DAYS = 2


class StorageStack(Stack):
    """Private, encrypted, versioned; TLS only; EventBridge receives an event for each new object."""

    def __init__(self, scope: Construct, name: str, *, size: Size, **properties: Any) -> None:
        super().__init__(scope, name, **properties)
        common: dict[str, Any] = {
            "encryption": s3.BucketEncryption.S3_MANAGED,
            "block_public_access": s3.BlockPublicAccess.BLOCK_ALL,
            "enforce_ssl": True,
            "minimum_tls_version": 1.2,
            "removal_policy": removal(size),
        }
        self.logs = s3.Bucket(
            self,
            "Logs",
            lifecycle_rules=[s3.LifecycleRule(expiration=Duration.days(size.log_days))],
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            **common,
        )
        abort = Duration.days(ABORT_DAYS)
        self.bucket = s3.Bucket(
            self,
            "Store",
            versioned=True,
            server_access_logs_bucket=self.logs,
            server_access_logs_prefix="store/",
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="half-uploads-and-old-versions",
                    abort_incomplete_multipart_upload_after=abort,
                    noncurrent_version_expiration=Duration.days(OLD_VERSION_DAYS),
                ),
                s3.LifecycleRule(id="dropped-files", prefix=INCOMING, expiration=Duration.days(DROPPED_DAYS)),
                *(
                    s3.LifecycleRule(id=folder, prefix=f"{STORE_PREFIX}/{folder}/", expiration=Duration.days(days))
                    for folder, days in (
                        ("incoming", PASSING_DAYS),
                        (ASYNC_FOLDER, PASSING_DAYS),
                        ("uploads", UPLOAD_DAYS),
                    )
                ),
            ],
            **common,
        )
        # Said on the bucket itself; the CDK's own switch would add a function with rights on every bucket.
        child = self.bucket.node.default_child
        assert isinstance(child, s3.CfnBucket)
        child.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
        )
        CfnOutput(self, "StoreBucket", value=self.bucket.bucket_name)
