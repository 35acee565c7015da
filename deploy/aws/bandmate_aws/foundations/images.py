"""Repositories for the images. They are built and pushed by hand or by CI, not by `cdk deploy`: synthesis needs no
container engine, and a tag that was deployed once can be deployed again to roll back."""

from typing import Any

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_ecr as ecr
from constructs import Construct

from bandmate_aws.foundations.retention import removal
from bandmate_aws.names import IMAGES
from bandmate_aws.sizes import Size

KEPT = 30


class ImagesStack(Stack):
    """One repository an image; tags never change their meaning, every push is scanned."""

    def __init__(self, scope: Construct, name: str, *, size: Size, **properties: Any) -> None:
        super().__init__(scope, name, **properties)
        self.repositories: dict[str, ecr.Repository] = {}
        for image in IMAGES:
            self.repositories[image] = ecr.Repository(
                self,
                image.capitalize(),
                repository_name=f"bandmate/{image}",
                image_scan_on_push=True,
                image_tag_mutability=ecr.TagMutability.IMMUTABLE,
                encryption=ecr.RepositoryEncryption.AES_256,
                removal_policy=removal(size),
                empty_on_delete=not size.keep_data,
                lifecycle_rules=[
                    ecr.LifecycleRule(
                        rule_priority=1,
                        description="Layers of interrupted pushes",
                        tag_status=ecr.TagStatus.UNTAGGED,
                        max_image_age=Duration.days(1),
                    ),
                    ecr.LifecycleRule(rule_priority=2, description="The newest stay", max_image_count=KEPT),
                ],
            )
        CfnOutput(self, "Registry", value=f"{self.account}.dkr.ecr.{self.region}.{self.url_suffix}")
