"""Every route of the services is reachable, through the gateway of the stack and through the load balancer's rules."""

import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from types import ModuleType

import pytest
from bandmate_shared.http.session import session_router
from bandmate_shared.jobs.execution.inprocess import InProcessQueue
from bandmate_shared.runtime import open_runtime
from bandmate_shared.settings import SharedSettings
from bandmate_studio import api as studio

from tests.support.aws_names import read_names

ROOT = Path(__file__).parents[2]
SERVICES = ("ingest", "train", "generate", "vocal")
ANSWERS_FOR_ALL = "generate"
"""Whose API has the routes that every service has: the session's."""

_PLACES = {"{path:path}": "app/main.js", "{name:path}": "stems/bass.wav"}
_STREAMED = re.compile(r"/events$|/artifacts/|/audio/|/archive\.zip$|^/v1/uploads")
"""Paths whose answers or bodies must not be collected by the gateway first: they are endless, or large."""


@dataclass(frozen=True)
class Location:
    """A `location` of nginx: `kind` is '=', '~' or '' (a prefix)."""

    kind: str
    pattern: str
    body: str


def _nginx() -> tuple[list[tuple[str, str]], list[Location]]:
    """The map from paths to APIs, and the locations."""
    written = (ROOT / "deploy/compose/nginx.conf").read_text()
    apis = re.findall(r"^\s+~(\S+)\s+([a-z]+)-api;", written, re.MULTILINE)
    locations = [
        Location(kind or "", pattern, body)
        for kind, pattern, body in re.findall(r"location (?:(=|~) )?(\S+) \{((?:[^{}]|\{[^{}]*\})*)\}", written)
    ]
    return apis, locations


def _location(path: str, locations: list[Location]) -> Location:
    """The one that nginx chooses: an exact one, else the first regular expression, else the longest prefix."""
    for location in locations:
        if location.kind == "=" and location.pattern == path:
            return location
    for location in locations:
        if location.kind == "~" and re.search(location.pattern.replace("(?<", "(?P<"), path):
            return location
    prefixes = [location for location in locations if location.kind == "" and path.startswith(location.pattern)]
    return max(prefixes, key=lambda location: len(location.pattern))


def _proxied_to(path: str) -> str | None:
    """The service that the stack's gateway asks."""
    apis, locations = _nginx()
    body = _location(path, locations).body
    if "http://$page:8000" in body:
        return "studio"
    if "http://$api:8000" not in body:
        return None
    return next((api for regex, api in apis if re.search(regex, path)), None)


def _balanced_to(path: str, names: ModuleType) -> str | None:
    """The service behind the load balancer's rule. Its `*` stands for any characters, slashes too."""
    rules = {service: [p for path in paths for p in (path, f"{path}/*")] for service, paths in names.PATHS.items()}
    rules["studio"] = list(names.PAGE_PATTERNS)
    matching = [service for service, patterns in rules.items() if any(fnmatchcase(path, p) for p in patterns)]
    assert len(matching) <= 1, f"{path} has rules of {matching}"
    return matching[0] if matching else None


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Path → service, with something in the place of each parameter."""
    runtime = open_runtime(SharedSettings(home=tmp_path_factory.mktemp("home")), InProcessQueue())
    try:
        return {_example(path): service for service, path in _paths(runtime)}
    finally:
        runtime.close()


def _paths(runtime: object) -> Iterator[tuple[str, str]]:
    for service in SERVICES:
        for router in importlib.import_module(f"bandmate_{service}.api").routers(runtime):
            yield from ((service, route.path) for route in router.routes)
    yield from ((ANSWERS_FOR_ALL, route.path) for route in session_router(None).routes)  # type: ignore[attr-defined]
    yield from (("studio", route.path) for router in studio.routers() for route in router.routes)  # type: ignore[attr-defined]


def _example(path: str) -> str:
    for parameter, value in _PLACES.items():
        path = path.replace(parameter, value)
    return re.sub(r"\{[a-z_]+\}", "x", path)


def test_the_routes_are_those_that_are_meant(routes: dict[str, str]) -> None:
    assert {"/", "/studio/app/main.js", "/v1/songs:interpret", "/v1/session", "/v1/events", "/v1/voices"} <= set(routes)
    assert set(routes.values()) == {*SERVICES, "studio"}


def test_the_stacks_gateway_sends_every_route_to_its_service(routes: dict[str, str]) -> None:
    assert {path: _proxied_to(path) for path in routes} == routes


def test_the_load_balancer_sends_every_route_to_its_service(routes: dict[str, str]) -> None:
    names = read_names()
    assert {path: _balanced_to(path, names) for path in routes} == routes


def test_the_gateway_holds_no_stream_and_no_large_file_back(routes: dict[str, str]) -> None:
    _, locations = _nginx()
    streamed = [path for path in routes if _STREAMED.search(path)]
    assert len(streamed) >= 8
    for path in streamed:
        assert "proxy_buffering off;" in _location(path, locations).body, path
        if path.endswith("/events"):
            assert "proxy_read_timeout 1h;" in _location(path, locations).body, path


@pytest.mark.parametrize(
    "path", ["/metrics", "/openapi.json", "/docs", "/v1", "/v1/nothing", "/songs", "/v1/songsters"]
)
def test_what_is_not_for_clients_is_not_reachable(path: str) -> None:
    assert _proxied_to(path) is None
    assert _balanced_to(path, read_names()) is None


def test_the_stack_has_every_service_that_the_gateway_asks() -> None:
    written = (ROOT / "docker-compose.yml").read_text()
    for service in (*(f"{name}-api" for name in SERVICES), "studio"):
        assert re.search(rf"^  {service}:$", written, re.MULTILINE), service
