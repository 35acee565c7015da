"""The load balancer speaks TLS only, and sends each path to the service that has its routes."""

import importlib
import re
from pathlib import Path

from bandmate_shared.jobs.inprocess import InProcessQueue
from bandmate_shared.runtime import open_runtime
from bandmate_shared.settings import SharedSettings

from tests.aws.templates import ROOT, Installation

SERVICES = ("ingest", "train", "generate", "vocal")


def test_a_path_ends_at_the_service_that_has_its_routes(found: Installation, tmp_path: Path) -> None:
    runtime = open_runtime(SharedSettings(home=tmp_path), InProcessQueue())
    try:
        routed = _routed(found)
        for service in SERVICES:
            module = importlib.import_module(f"bandmate_{service}.api")
            paths = {route.path for router in module.routers(runtime) for route in router.routes}
            prefixes = {re.match(r"/v1/[a-z]+", path)[0] for path in paths}  # type: ignore[index]
            wanted = {pattern for prefix in prefixes for pattern in (prefix, f"{prefix}/*")}
            assert routed.pop(service) == wanted, service
        assert routed == {}
    finally:
        runtime.close()


def test_the_compose_gateway_says_the_same(found: Installation) -> None:
    written = (ROOT / "deploy/compose/nginx.conf").read_text()
    for service, patterns in _routed(found).items():
        for pattern in patterns:
            path = pattern.removesuffix("/*") + ("/x" if pattern.endswith("*") else "")
            chosen = [
                api for regex, api in re.findall(r"^\s+~(\S+)\s+([a-z]+-api);", written, re.M) if re.search(regex, path)
            ]
            assert chosen == [f"{service}-api"], path


def test_only_tls_is_spoken(found: Installation) -> None:
    listeners = {one.properties["Port"]: one.properties for one in found.of_type("ElasticLoadBalancingV2::Listener")}
    assert set(listeners) == {80, 443}
    (redirect,) = listeners[80]["DefaultActions"]
    assert redirect["RedirectConfig"] == {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}
    assert listeners[443]["Protocol"] == "HTTPS"
    assert "TLS13" in listeners[443]["SslPolicy"]
    assert listeners[443]["Certificates"] == [{"CertificateArn": "<BandmateServices/CertificateArn>"}]
    assert listeners[443]["DefaultActions"][0]["FixedResponseConfig"]["StatusCode"] == "404"
    rules = found.of_type("ElasticLoadBalancingV2::ListenerRule")
    assert {found.by_reference(rule.properties["ListenerArn"]).properties["Port"] for rule in rules} == {443}


def test_targets_are_asked_whether_they_are_ready(found: Installation) -> None:
    for group in found.of_type("ElasticLoadBalancingV2::TargetGroup"):
        assert group.properties["HealthCheckPath"] == "/readyz"
        assert group.properties["TargetType"] == "ip"


def test_the_balancer_is_guarded_where_data_is_kept(found: Installation) -> None:
    balancer = found.one("ElasticLoadBalancingV2::LoadBalancer")
    attributes = {one["Key"]: one["Value"] for one in balancer.properties["LoadBalancerAttributes"]}
    assert attributes["deletion_protection.enabled"] == ("false" if found.is_dev else "true")
    assert attributes["routing.http.drop_invalid_header_fields.enabled"] == "true"
    assert attributes["access_logs.s3.enabled"] == "true"


def test_the_world_reaches_the_balancer_and_nothing_else(found: Installation) -> None:
    open_to_all = {
        (group.id.split("/")[1][:-8], rule["FromPort"])
        for group in found.of_type("EC2::SecurityGroup")
        for rule in group.properties.get("SecurityGroupIngress", [])
        if rule.get("CidrIp") == "0.0.0.0/0"
    }
    assert open_to_all == {("BalancerGroup", 443), ("BalancerGroup", 80)}
    assert not [one for one in found.of_type("EC2::SecurityGroupIngress") if "CidrIp" in one.properties]


def _routed(found: Installation) -> dict[str, set[str]]:
    """The path patterns of each service's targets."""
    groups = {
        balanced["TargetGroupArn"]: service.properties["ServiceName"].removeprefix("bandmate-").removesuffix("-api")
        for service in found.of_type("ECS::Service")
        for balanced in service.properties.get("LoadBalancers", [])
    }
    routed: dict[str, set[str]] = {}
    for rule in found.of_type("ElasticLoadBalancingV2::ListenerRule"):
        (action,) = rule.properties["Actions"]
        (condition,) = rule.properties["Conditions"]
        routed.setdefault(groups[action["TargetGroupArn"]], set()).update(condition["PathPatternConfig"]["Values"])
    return routed
