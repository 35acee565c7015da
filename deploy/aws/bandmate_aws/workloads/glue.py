"""Cleaning a great many files: the Glue job of `deploy/glue`, Spark around the same cleaning function."""

import re
import tomllib
from pathlib import Path
from typing import Any

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from constructs import Construct

from bandmate_aws.foundations.parts import Parts
from bandmate_aws.names import STORE_PREFIX

ROOT = Path(__file__).parents[4]
FOLDER = ROOT / "deploy" / "glue"
GLUE_VERSION = "6.0"
"""Spark 4.1.1, which the tests of `deploy/glue` run on; its Python 3.13 gives the same dataset, byte for byte."""
WORKER_TYPE = "G.1X"
TIMEOUT_MINUTES = 480
PLACE = f"{STORE_PREFIX}/deploy/glue"
"""Where `docs/howto/deploy.md` uploads the script and the wheel to."""


class GlueStack(Stack):
    """The job `bandmate-clean`. It reads packs from the store and writes a dataset into it."""

    def __init__(self, scope: Construct, name: str, *, parts: Parts, **properties: Any) -> None:
        super().__init__(scope, name, **properties)
        bucket = parts.storage.bucket
        role = iam.Role(self, "JobRole", assumed_by=iam.ServicePrincipal("glue.amazonaws.com"))
        role.add_to_policy(
            iam.PolicyStatement(
                sid="StoreObjects",
                actions=["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
                resources=[bucket.arn_for_objects(f"{STORE_PREFIX}/*")],
            )
        )
        role.add_to_policy(
            iam.PolicyStatement(sid="StoreKeys", actions=["s3:ListBucket"], resources=[bucket.bucket_arn])
        )
        role.add_to_policy(
            iam.PolicyStatement(
                sid="Logs",
                actions=["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
                resources=[
                    f"arn:{self.partition}:logs:{self.region}:{self.account}:log-group:/aws-glue/jobs/*",
                ],
            )
        )
        role.add_to_policy(
            iam.PolicyStatement(
                sid="Metrics",
                actions=["cloudwatch:PutMetricData"],
                resources=["*"],  # It has no resources; the namespace is what can be limited.
                conditions={"StringEquals": {"cloudwatch:namespace": "Glue"}},
            )
        )
        base = f"s3://{bucket.bucket_name}/{PLACE}"
        configuration = glue.CfnSecurityConfiguration(
            self,
            "Encryption",
            name="bandmate-clean",
            encryption_configuration=glue.CfnSecurityConfiguration.EncryptionConfigurationProperty(
                s3_encryptions=[glue.CfnSecurityConfiguration.S3EncryptionProperty(s3_encryption_mode="SSE-S3")],
            ),
        )
        job = glue.CfnJob(
            self,
            "Clean",
            name="bandmate-clean",
            role=role.role_arn,
            glue_version=GLUE_VERSION,
            worker_type=WORKER_TYPE,
            number_of_workers=parts.size.glue_workers,
            timeout=TIMEOUT_MINUTES,
            max_retries=1,
            execution_property=glue.CfnJob.ExecutionPropertyProperty(max_concurrent_runs=2),
            security_configuration=configuration.name,
            command=glue.CfnJob.JobCommandProperty(
                name="glueetl", python_version="3", script_location=f"{base}/job.py"
            ),
            default_arguments={
                "--additional-python-modules": f"{base}/{wheel_name()},{','.join(pinned_modules())}",
                "--storage_url": f"s3://{bucket.bucket_name}/{STORE_PREFIX}",
                "--TempDir": f"s3://{bucket.bucket_name}/{STORE_PREFIX}/glue-temporary/",
                "--enable-auto-scaling": "true",
                "--enable-metrics": "true",
                "--enable-continuous-cloudwatch-log": "true",
            },
        )
        job.add_resource_dependency(configuration)
        CfnOutput(self, "CleanJob", value=job.ref)


def wheel_name() -> str:
    """The file that `make glue-package` builds."""
    version = re.search(r'__version__ = "(.+)"', (ROOT / "shared/bandmate_shared/__init__.py").read_text())
    assert version is not None
    return f"{_project()['name'].replace('-', '_')}-{version[1]}-py3-none-any.whl"


def pinned_modules() -> list[str]:
    """What the wheel depends on, at the versions of `constraints.txt`: a Parquet file names the Arrow that wrote it."""
    pins = dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE))
    return [f"{name}=={pins[name]}" for name in _project()["dependencies"]]


def _project() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((FOLDER / "pyproject.toml").read_text())["project"]
    return project
