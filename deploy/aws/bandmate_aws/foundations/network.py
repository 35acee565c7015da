"""The network: public subnets for the load balancer, private ones for everything else, and security groups."""

from typing import Any

from aws_cdk import CfnOutput, Fn, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from constructs import Construct

from bandmate_aws.foundations.retention import retention
from bandmate_aws.names import API_PORT
from bandmate_aws.sizes import Size

POSTGRES = 5432
HTTPS = 443

PRIVATE_SERVICES: dict[str, ec2.InterfaceVpcEndpointAwsService] = {
    "Sqs": ec2.InterfaceVpcEndpointAwsService.SQS,
    "EcrApi": ec2.InterfaceVpcEndpointAwsService.ECR,
    "EcrDocker": ec2.InterfaceVpcEndpointAwsService.ECR_DOCKER,
    "Logs": ec2.InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
    "Secrets": ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
    "Ecs": ec2.InterfaceVpcEndpointAwsService.ECS,
    "EcsAgent": ec2.InterfaceVpcEndpointAwsService.ECS_AGENT,
    "EcsTelemetry": ec2.InterfaceVpcEndpointAwsService.ECS_TELEMETRY,
    "SageMakerApi": ec2.InterfaceVpcEndpointAwsService.SAGEMAKER_API,
    "SageMakerRuntime": ec2.InterfaceVpcEndpointAwsService.SAGEMAKER_RUNTIME,
    "Polly": ec2.InterfaceVpcEndpointAwsService.POLLY,
}
"""Reached without leaving the VPC where a size asks for it. Each costs an hourly price in each zone: two NAT gateways
are cheaper than all of them, so they are for traffic that has to stay private, not for saving."""


class NetworkStack(Stack):
    """VPC, endpoints and security groups. The groups live here, all of them, so that no two stacks need each other."""

    def __init__(self, scope: Construct, name: str, *, size: Size, **properties: Any) -> None:
        self._zones = size.zones
        super().__init__(scope, name, **properties)
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            max_azs=size.zones,
            nat_gateways=size.nat_gateways,
            restrict_default_security_group=False,  # That needs a custom resource; nothing uses the default group.
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="Public", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=24, map_public_ip_on_launch=False
                ),
                ec2.SubnetConfiguration(name="Private", subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS, cidr_mask=20),
                ec2.SubnetConfiguration(name="Data", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=24),
            ],
            gateway_endpoints={
                # Free, and it carries the most bytes: artifacts, and the layers of images.
                "S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3)
            },
        )
        flow_log = logs.LogGroup(
            self, "FlowLogGroup", retention=retention(size.log_days), removal_policy=RemovalPolicy.DESTROY
        )
        self.vpc.add_flow_log(
            "FlowLog",
            destination=ec2.FlowLogDestination.to_cloud_watch_logs(flow_log),
            traffic_type=ec2.FlowLogTrafficType.REJECT,
        )

        self.balancer = self._group("BalancerGroup", "The load balancer: HTTPS from the world, APIs behind it")
        self.tasks = self._group("TaskGroup", "APIs and workers")
        self.database = self._group("DatabaseGroup", "Postgres, and what rotates its password")
        self.balancer.add_ingress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(HTTPS), "HTTPS from the world")
        self.balancer.add_ingress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(80), "HTTP, only to be sent to HTTPS")
        self._allow(self.balancer, self.tasks, API_PORT, "API requests")
        self._allow(self.tasks, self.database, POSTGRES, "The job store")
        self.tasks.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(HTTPS), "AWS services and webhooks")
        self._allow(self.database, self.database, POSTGRES, "Password rotation")
        self.database.add_egress_rule(
            ec2.Peer.any_ipv4(), ec2.Port.tcp(HTTPS), "Password rotation asks Secrets Manager"
        )
        subnets = self.vpc.select_subnets(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS).subnet_ids
        CfnOutput(self, "TaskSubnets", value=",".join(subnets))
        CfnOutput(self, "TaskSecurityGroup", value=self.tasks.security_group_id)
        if size.private_endpoints:
            self._add_endpoints()

    @property
    def availability_zones(self) -> list[str]:
        """The first zones of whatever account this is deployed to; the CDK would say two where it knows no account."""
        return [Fn.select(index, Fn.get_azs()) for index in range(self._zones)]

    def _add_endpoints(self) -> None:
        endpoints = self._group("EndpointGroup", "AWS services inside the VPC")
        for group in (self.tasks, self.database):
            endpoints.add_ingress_rule(group, ec2.Port.tcp(HTTPS), "From our own")
        for name, service in PRIVATE_SERVICES.items():
            self.vpc.add_interface_endpoint(
                f"{name}Endpoint",
                service=service,
                subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
                security_groups=[endpoints],
                open=False,
            )

    def _group(self, name: str, description: str) -> ec2.SecurityGroup:
        return ec2.SecurityGroup(self, name, vpc=self.vpc, description=description, allow_all_outbound=False)

    @staticmethod
    def _allow(source: ec2.SecurityGroup, target: ec2.SecurityGroup, port: int, description: str) -> None:
        source.add_egress_rule(target, ec2.Port.tcp(port), description)
        target.add_ingress_rule(source, ec2.Port.tcp(port), description)
