"""The API's description says of every route that its errors are problem details."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from bandmate_shared.contracts.problems import Problem

PROBLEM = {"model": Problem, "description": "A problem detail (RFC 9457)."}
PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {422: PROBLEM, "default": PROBLEM}
"""Given to the app as its routes' common responses. 422 is named, or FastAPI would document its own form of it."""


def describe_problems(app: FastAPI) -> None:
    """Give the problem responses their media type, which FastAPI has no parameter for."""

    def openapi() -> dict[str, Any]:
        if not app.openapi_schema:
            description = get_openapi(title=app.title, version=app.version, routes=app.routes)
            for path in description["paths"].values():
                for operation in path.values():
                    for status in ("422", "default"):
                        response = operation["responses"].get(status, {})
                        content = response.get("content", {})
                        if content:
                            response["content"] = {"application/problem+json": next(iter(content.values()))}
            app.openapi_schema = description
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
