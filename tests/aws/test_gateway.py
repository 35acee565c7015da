"""The load balancer takes TLS only, and sends each path to the service that has its routes."""

import importlib
import re
from pathlib import Path

from bandmate_shared.jobs.execution.inprocess import InProcessQueue
from bandmate_shared.runtime import open_runtime
from bandmate_shared.settings import SharedSettings

from tests.aws.templates import ROOT, Installation

SERVICES = ("ingest", "train", "generate", "vocal")


def test_a_path_is_routed_to_the_service_that_serves_it(installation: Installation, tmp_path: Path) -> None:
    runtime = open_runtime(SharedSettings(home=tmp_path), InProcessQueue())
    try:
        routed = _routed(installation)
        for service in SERVICES:
            module = importlib.import_module(f"bandmate_{service}.api")
            paths = {route.path for router in module.routers(runtime) for route in router.routes}
            prefixes = {re.match(r"/v1/[a-z]+", path)[0] for path in paths}  # type: ignore[index]
            patterns = {pattern for prefix in prefixes for pattern in (prefix, f"{prefix}/*")}
            if service == "generate":  # Every service has the session's routes; generate's answer for all.
                patterns |= {"/v1/session", "/v1/session/*"}
            assert routed.pop(service) == patterns, service
        assert routed == {}
    finally:
        runtime.close()


def test_the_compose_gateway_routes_the_same_paths(installation: Installation) -> None:
    written = (ROOT / "deploy/compose/nginx.conf").read_text()
    for service, patterns in _routed(installation).items():
        for pattern in patterns:
            path = pattern.removesuffix("/*") + ("/x" if pattern.endswith("*") else "")
            chosen = [
                api for regex, api in re.findall(r"^\s+~(\S+)\s+([a-z]+-api);", written, re.M) if re.search(regex, path)
            ]
            assert chosen == [f"{service}-api"], path


def test_only_tls_is_accepted(installation: Installation) -> None:
    listeners = {
        listener.properties["Port"]: listener.properties
        for listener in installation.of_type("ElasticLoadBalancingV2::Listener")
    }
    assert set(listeners) == {80, 443}
    (redirect,) = listeners[80]["DefaultActions"]
    assert redirect["RedirectConfig"] == {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}
    assert listeners[443]["Protocol"] == "HTTPS"
    assert "TLS13" in listeners[443]["SslPolicy"]
    assert listeners[443]["Certificates"] == [{"CertificateArn": "<BandmateServices/CertificateArn>"}]
    assert listeners[443]["DefaultActions"][0]["FixedResponseConfig"]["StatusCode"] == "404"
    rules = installation.of_type("ElasticLoadBalancingV2::ListenerRule")
    assert {installation.by_reference(rule.properties["ListenerArn"]).properties["Port"] for rule in rules} == {443}


def test_targets_have_a_readiness_check(installation: Installation) -> None:
    for group in installation.of_type("ElasticLoadBalancingV2::TargetGroup"):
        assert group.properties["HealthCheckPath"] == "/readyz"
        assert group.properties["TargetType"] == "ip"


def test_the_balancer_is_protected_from_deletion_except_in_dev(installation: Installation) -> None:
    balancer = installation.only("ElasticLoadBalancingV2::LoadBalancer")
    attributes = {attribute["Key"]: attribute["Value"] for attribute in balancer.properties["LoadBalancerAttributes"]}
    assert attributes["deletion_protection.enabled"] == ("false" if installation.is_dev else "true")
    assert attributes["routing.http.drop_invalid_header_fields.enabled"] == "true"
    assert attributes["access_logs.s3.enabled"] == "true"


def test_only_the_balancer_is_reachable_from_the_internet(installation: Installation) -> None:
    open_to_all = {
        (group.id.split("/")[1][:-8], rule["FromPort"])
        for group in installation.of_type("EC2::SecurityGroup")
        for rule in group.properties.get("SecurityGroupIngress", [])
        if rule.get("CidrIp") == "0.0.0.0/0"
    }
    assert open_to_all == {("BalancerGroup", 443), ("BalancerGroup", 80)}
    assert not [rule for rule in installation.of_type("EC2::SecurityGroupIngress") if "CidrIp" in rule.properties]


def _routed(installation: Installation) -> dict[str, set[str]]:
    """The path patterns of each service's targets."""
    groups = {
        balanced["TargetGroupArn"]: service.properties["ServiceName"].removeprefix("bandmate-").removesuffix("-api")
        for service in installation.of_type("ECS::Service")
        for balanced in service.properties.get("LoadBalancers", [])
    }
    routed: dict[str, set[str]] = {}
    for rule in installation.of_type("ElasticLoadBalancingV2::ListenerRule"):
        (action,) = rule.properties["Actions"]
        (condition,) = rule.properties["Conditions"]
        routed.setdefault(groups[action["TargetGroupArn"]], set()).update(condition["PathPatternConfig"]["Values"])
    return routed
