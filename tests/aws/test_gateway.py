"""The load balancer takes TLS only, and sends each path to the service that has its routes."""

from tests.aws.templates import Installation
from tests.support.aws_names import read_names


def test_each_rule_leads_to_its_service(installation: Installation) -> None:
    """`tests/unit/test_gateway_routes.py` holds the paths against the routes of the services."""
    names = read_names()
    rules = {
        service: {pattern for path in paths for pattern in (path, f"{path}/*")}
        for service, paths in names.PATHS.items()
    }
    assert _routed(installation) == rules | {"studio": set(names.PAGE_PATTERNS)}


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
        page = "StudioTargets" in group.id
        assert group.properties["HealthCheckPath"] == ("/healthz" if page else "/readyz")
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
