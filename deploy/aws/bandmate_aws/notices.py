"""Where alarms go. Subscribe an address to the topic after the first deployment."""

from typing import Any

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from bandmate_aws.retention import removal
from bandmate_aws.sizes import Size


class NoticesStack(Stack):
    """One topic, encrypted with a key that CloudWatch and EventBridge may use."""

    def __init__(self, scope: Construct, name: str, *, size: Size, **properties: Any) -> None:
        super().__init__(scope, name, **properties)
        key = kms.Key(
            self,
            "Key",
            description="Bandmate: alarm notices",
            enable_key_rotation=True,
            removal_policy=removal(size),
            pending_window=Duration.days(7),
        )
        key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                resources=["*"],  # In a key's own policy, this key and no other.
                conditions={"StringEquals": {"aws:SourceAccount": self.account}},
            )
        )
        self.topic = sns.Topic(self, "Alarms", topic_name="bandmate-alarms", master_key=key, enforce_ssl=True)
        CfnOutput(self, "AlarmTopic", value=self.topic.topic_arn)

    def tell(self, alarm: cloudwatch.Alarm) -> None:
        """Send a notice when the alarm goes off, and when it is over."""
        action = actions.SnsAction(self.topic)
        alarm.add_alarm_action(action)
        alarm.add_ok_action(action)
