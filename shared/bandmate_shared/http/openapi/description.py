"""The description of the API: named operations, security schemes, problem details, typed events, examples, webhooks."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic.json_schema import models_json_schema

from bandmate_shared.auth import SESSION_COOKIE
from bandmate_shared.contracts.jobs import FeedEvent, JobEvent
from bandmate_shared.contracts.problems import Problem
from bandmate_shared.contracts.webhooks import WebhookEvent
from bandmate_shared.http.authentication import PUBLIC_PATHS
from bandmate_shared.http.openapi.examples import REQUEST_EXAMPLES, RESPONSE_EXAMPLES
from bandmate_shared.http.openapi.webhooks import webhooks_description

PROBLEM = {"model": Problem, "description": "A problem detail (RFC 9457)."}
PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {422: PROBLEM, "default": PROBLEM}
"""Given to the app as its routes' common responses. 422 is named, or FastAPI would document its own error format."""

_SECURITY_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key: bm_live_…"},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same in a header of its own."},
    "session": {"type": "apiKey", "in": "cookie", "name": SESSION_COOKIE, "description": "Of a page that logged in."},
}
_BINARY = {"type": "string", "format": "binary"}
_MEDIA_TYPES = {
    "score.svg": "image/svg+xml",
    "archive.zip": "application/zip",
    "{name}": "application/octet-stream",
    "metrics": "text/plain",
}
"""What routes answer whose response is no model, by the last part of their path."""


def operation_id(route: APIRoute) -> str:
    """`songs_submit`: the tag and the name of the route's function."""
    tag = str(route.tags[0]) if route.tags else "service"
    name = "list" if route.name in ("index", "list_jobs") else route.name
    return f"{tag}_{name}"


def describe_api(app: FastAPI) -> None:
    """Make the app's description say what FastAPI has no parameters for."""

    def openapi() -> dict[str, Any]:
        if not app.openapi_schema:
            description = get_openapi(title=app.title, version=app.version, routes=app.routes)
            components = description.setdefault("components", {})
            components["securitySchemes"] = _SECURITY_SCHEMES
            _, events = models_json_schema(
                [(JobEvent, "validation"), (FeedEvent, "validation"), (WebhookEvent, "validation")],
                ref_template="#/components/schemas/{model}",
            )
            components.setdefault("schemas", {}).update(events.get("$defs", {}))
            description["security"] = [{name: []} for name in _SECURITY_SCHEMES]
            for path, operations in description["paths"].items():
                for method, operation in operations.items():
                    _describe(path, method, operation)
            description["webhooks"] = webhooks_description()
            app.openapi_schema = description
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _describe(path: str, method: str, operation: dict[str, Any]) -> None:
    """Complete one operation, in place."""
    if path in PUBLIC_PATHS or (path, method) == ("/v1/session", "post"):
        operation["security"] = []
    responses = operation["responses"]
    for status in ("422", "default"):
        response = responses.get(status, {})
        if content := response.get("content", {}):
            response["content"] = {"application/problem+json": next(iter(content.values()))}
    success = next((responses[status] for status in ("200", "201", "202") if status in responses), None)
    name = operation["operationId"]
    if success is not None:
        if path.endswith("/events"):
            success["description"] = "Server-sent events: `event` is the type, `data` this as JSON."
            success["content"] = {"text/event-stream": {"schema": _event_schema(path)}}
        elif not success.get("content"):
            media_type = _MEDIA_TYPES.get(path.rpartition("/")[2])
            success["content"] = {media_type: {"schema": _BINARY}} if media_type else {}
        _add_example(success.get("content", {}), RESPONSE_EXAMPLES.get(name))
    _add_example(operation.get("requestBody", {}).get("content", {}), REQUEST_EXAMPLES.get(name))


def _event_schema(path: str) -> dict[str, Any]:
    feed = {"$ref": "#/components/schemas/FeedEvent"}
    own = {"$ref": "#/components/schemas/JobEvent"}
    return feed if path == "/v1/events" else {"anyOf": [own, feed]}


def _add_example(content: dict[str, Any], example: Any) -> None:
    if example is not None:
        for described in content.values():
            described["example"] = example
