"""The topic that alarms are published to. Subscribe an address to it after the first deployment.

A topic policy replaces the default one, so every publisher is allowed by name, on the topic and on its key.
"""

from typing import Any

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from bandmate_aws.foundations.retention import removal
from bandmate_aws.sizes import Size

PUBLISHERS = ("cloudwatch.amazonaws.com", "events.amazonaws.com")
AUTO_SCALING_ROLE = "aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling*"
"""Auto Scaling publishes as this service-linked role of the account, not as a service."""


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
        self.topic = sns.Topic(self, "Alarms", topic_name="bandmate-alarms", master_key=key, enforce_ssl=True)
        for service in PUBLISHERS:
            self._allow(key, iam.ServicePrincipal(service), {"StringEquals": {"aws:SourceAccount": self.account}})
        scaling_role = f"arn:{self.partition}:iam::{self.account}:role/{AUTO_SCALING_ROLE}"
        self._allow(key, iam.AccountRootPrincipal(), {"ArnLike": {"aws:PrincipalArn": scaling_role}})
        CfnOutput(self, "AlarmTopic", value=self.topic.topic_arn)

    def _allow(self, key: kms.Key, principal: iam.IPrincipal, conditions: dict[str, dict[str, str]]) -> None:
        """Let a principal publish to the topic, and use the topic's key to do so."""
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[principal],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions=conditions,
            )
        )
        key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[principal],
                actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                resources=["*"],  # In a key's own policy: this key and no other.
                conditions=conditions,
            )
        )

    def tell(self, alarm: cloudwatch.Alarm) -> None:
        """Send a notice when the alarm goes off, and when it is over."""
        action = actions.SnsAction(self.topic)
        alarm.add_alarm_action(action)
        alarm.add_ok_action(action)
