"""The load balancer: HTTPS only, and who answers below which path."""

from aws_cdk import CfnOutput, CfnParameter, Duration
from aws_cdk import aws_certificatemanager as certificates
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elb
from constructs import Construct

from bandmate_aws.foundations.parts import Parts
from bandmate_aws.names import API_PORT, PAGE_PATTERNS, PATHS, Service

IDLE_SECONDS = 120
"""Event streams send keep-alive comments more often than this."""

_MAX_PATTERNS = 4
"""Paths of one listener rule; AWS allows five values in all its conditions together."""


class Gateway(Construct):
    """Puts the APIs and the page behind their paths. A path that none of them has gets a 404 as problem details."""

    def __init__(self, scope: Construct, name: str, *, parts: Parts) -> None:
        super().__init__(scope, name)
        # A parameter of the deployment: the certificate belongs to the operator's domain.
        certificate = CfnParameter(
            self,
            "CertificateArn",
            type="String",
            allowed_pattern="arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/.+",
            description="ARN of the ACM certificate of the API's domain",
        )
        certificate.override_logical_id("CertificateArn")
        self._vpc = parts.network.vpc
        self.balancer = elb.ApplicationLoadBalancer(
            self,
            "Balancer",
            vpc=parts.network.vpc,
            internet_facing=True,
            security_group=parts.network.balancer,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
            deletion_protection=parts.size.keep_data,
            drop_invalid_header_fields=True,
            desync_mitigation_mode=elb.DesyncMitigationMode.STRICTEST,
            idle_timeout=Duration.seconds(IDLE_SECONDS),
        )
        self.balancer.log_access_logs(parts.storage.logs, "balancer")
        self.balancer.add_listener(
            "Http",
            port=80,
            open=False,
            default_action=elb.ListenerAction.redirect(protocol="HTTPS", port="443", permanent=True),
        )
        nothing = elb.ListenerAction.fixed_response(
            404,
            content_type="application/json",
            message_body='{"type":"not-found","title":"There is nothing here","status":404}',
        )
        self._https = self.balancer.add_listener(
            "Https",
            port=443,
            open=False,
            certificates=[
                certificates.Certificate.from_certificate_arn(self, "Certificate", certificate.value_as_string)
            ],
            ssl_policy=elb.SslPolicy.TLS13_RES,
            default_action=nothing,
        )
        CfnOutput(self, "Address", value=self.balancer.load_balancer_dns_name).override_logical_id("Address")

    def attach_api(self, service: Service, target: ecs.FargateService) -> elb.ApplicationTargetGroup:
        """Send a service's paths to its API."""
        paths = [pattern for path in PATHS[service] for pattern in (path, f"{path}/*")]
        # Readiness, so that a task whose database password was rotated away is replaced.
        return self._attach(service, target, paths, 10 * (1 + list(PATHS).index(service)), "/readyz")

    def attach_page(self, target: ecs.FargateService) -> elb.ApplicationTargetGroup:
        """Send what remains for a browser to the page, which depends on nothing that could be unready."""
        return self._attach("studio", target, list(PAGE_PATTERNS), 10 * (1 + len(PATHS)), "/healthz")

    def _attach(
        self, name: str, target: ecs.FargateService, paths: list[str], priority: int, health_path: str
    ) -> elb.ApplicationTargetGroup:
        group = elb.ApplicationTargetGroup(
            self,
            f"{name.capitalize()}Targets",
            vpc=self._vpc,
            port=API_PORT,
            protocol=elb.ApplicationProtocol.HTTP,
            target_type=elb.TargetType.IP,
            deregistration_delay=Duration.seconds(20),
            # Patient, so that a database that restarts does not take the APIs with it.
            health_check=elb.HealthCheck(
                path=health_path,
                healthy_http_codes="200",
                interval=Duration.seconds(20),
                timeout=Duration.seconds(5),
                healthy_threshold_count=2,
                unhealthy_threshold_count=9,
            ),
        )
        target.attach_to_application_target_group(group)
        for number, start in enumerate(range(0, len(paths), _MAX_PATTERNS)):
            self._https.add_action(
                f"{name.capitalize()}Paths{number or ''}",
                priority=priority + number,
                conditions=[elb.ListenerCondition.path_patterns(paths[start : start + _MAX_PATTERNS])],
                action=elb.ListenerAction.forward([group]),
            )
        return group
