"""The job store: RDS Postgres in subnets without a way out, its password made and rotated by Secrets Manager."""

from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secrets
from constructs import Construct

from bandmate_aws.foundations.network import POSTGRES, NetworkStack
from bandmate_aws.foundations.notices import NoticesStack
from bandmate_aws.foundations.retention import removal
from bandmate_aws.sizes import Size

ROTATION_DAYS = 30
LOW_STORAGE_SHARE = 0.1
PEPPER_CHARACTERS = 64


class DatabaseStack(Stack):
    """`secret` holds host, port, username, password and dbname; `pepper` is what API keys are hashed with."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        size: Size,
        network: NetworkStack,
        notices: NoticesStack,
        **properties: Any,
    ) -> None:
        super().__init__(scope, name, **properties)
        self.pepper = secrets.Secret(
            self,
            "Pepper",
            secret_name="bandmate/key-pepper",  # noqa: S106 - its name
            description="API keys are hashed with it: with another pepper no key opens anything",
            generate_secret_string=secrets.SecretStringGenerator(
                password_length=PEPPER_CHARACTERS, exclude_punctuation=True
            ),
            removal_policy=removal(size),
        )
        # Imported as it is: rotation would otherwise add rules to it, in the network's stack, that name this database.
        group = ec2.SecurityGroup.from_security_group_id(
            self, "Group", network.database.security_group_id, mutable=False
        )
        engine = rds.DatabaseInstanceEngine.postgres(version=rds.PostgresEngineVersion.VER_17_9)
        database = rds.DatabaseInstance(
            self,
            "Database",
            engine=engine,
            vpc=network.vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            security_groups=[group],
            instance_type=ec2.InstanceType(size.database.instance),
            database_name="bandmate",
            credentials=rds.Credentials.from_generated_secret(
                "bandmate",
                secret_name="bandmate/database",  # noqa: S106 - its name
            ),
            port=POSTGRES,
            storage_type=rds.StorageType.GP3,
            allocated_storage=size.database.storage,
            max_allocated_storage=size.database.storage * 4,
            storage_encrypted=True,
            multi_az=size.database.multi_az,
            backup_retention=Duration.days(size.database.backup_days),
            delete_automated_backups=not size.keep_data,
            deletion_protection=size.keep_data,
            removal_policy=removal(size),
            copy_tags_to_snapshot=True,
            auto_minor_version_upgrade=True,
            ca_certificate=rds.CaCertificate.RDS_CA_RSA2048_G1,
            publicly_accessible=False,
            cloudwatch_logs_exports=["postgresql"],
            parameter_group=rds.ParameterGroup(
                self,
                "Parameters",
                engine=engine,
                parameters={"rds.force_ssl": "1", "log_min_duration_statement": "1000"},
            ),
        )
        self.instance = database
        assert database.secret is not None
        self.secret = database.secret
        # A running task keeps the password it was started with: its open connections live on, a new one is refused,
        # its readiness check fails, and ECS puts a fresh task in its place.
        database.add_rotation_single_user(
            automatically_after=Duration.days(ROTATION_DAYS),
            exclude_characters=" %+~`#$&*()|[]{}:;<>?!'/@\"\\",
            security_group=group,
        )
        self._alarms(size, notices)

    def _alarms(self, size: Size, notices: NoticesStack) -> None:
        low = size.database.storage * LOW_STORAGE_SHARE * 2**30
        free = self.instance.metric_free_storage_space(period=Duration.minutes(5))
        notices.tell(
            free.create_alarm(
                self,
                "StorageLow",
                alarm_description="The database has less than a tenth of its first storage left",
                threshold=low,
                evaluation_periods=3,
                comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            )
        )
        busy = self.instance.metric_cpu_utilization(period=Duration.minutes(5))
        notices.tell(
            busy.create_alarm(
                self,
                "Busy",
                alarm_description="The database has been busier than 90 % for a quarter of an hour",
                threshold=90,
                evaluation_periods=3,
            )
        )
