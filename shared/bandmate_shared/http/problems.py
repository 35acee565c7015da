"""Errors as RFC 9457 problem details (`application/problem+json`).

    {"type": "urn:bandmate:problem:unknown-style", "title": "…", "status": 422, "detail": "…",
     "instance": "/v1/songs", "request_id": "…", "errors": [{"field": "bars", "message": "…"}]}

`type` ends in the error's stable kebab-case name; `errors` is present where a request failed validation. An unexpected
exception becomes `internal`: the traceback goes to the log, and only the request id to the user.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError, OperationalError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from bandmate_shared.contracts.problems import PROBLEM_TYPE_PREFIX
from bandmate_shared.errors import BandmateError, InvalidRequest, LimitExceeded, NotFound, StorageFull, Unavailable
from bandmate_shared.faults import field_name, message_of, shortened

RETRY_AFTER_SECONDS = 5
"""Retry-After of a retryable error that has no value of its own."""

log = structlog.get_logger(__name__)


class MethodNotAllowed(BandmateError):
    type = "method-not-allowed"
    title = "Method not allowed"
    status = 405


class MalformedBody(InvalidRequest):
    """The body could not be parsed."""

    type = "malformed-body"
    title = "Malformed body"
    status = 400


class ProblemResponse(Response):
    """A problem detail as a response."""

    media_type = "application/problem+json"

    def render(self, content: Any) -> bytes:
        # A lone surrogate from the request's JSON cannot be encoded as UTF-8; as an escape it is valid JSON.
        return json.dumps(content, ensure_ascii=False).encode("utf-8", "backslashreplace")


def problem_response(
    error: BandmateError,
    scope: Mapping[str, Any],
    errors: Sequence[dict[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> ProblemResponse:
    """The response for an error raised while handling the request of this ASGI scope."""
    content: dict[str, Any] = {
        "type": PROBLEM_TYPE_PREFIX + error.type,
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "instance": scope.get("path", ""),
    }
    request_id = scope.get("state", {}).get("request_id")
    if request_id:
        content["request_id"] = request_id
    if not errors and error.field is not None:
        errors = [{"field": error.field, "message": error.detail}]
    if errors:
        content["errors"] = list(errors)
    all_headers = dict(headers or {})
    retry_after = getattr(error, "retry_after", RETRY_AFTER_SECONDS if error.retryable else None)
    if retry_after is not None:
        all_headers["Retry-After"] = str(retry_after)
    if error.status == 401:
        all_headers["WWW-Authenticate"] = 'Bearer realm="bandmate"'
    return ProblemResponse(content, status_code=error.status, headers=all_headers)


def internal_problem(scope: Mapping[str, Any]) -> ProblemResponse:
    """The response for an unexpected exception, whose traceback the caller logs."""
    request_id = scope.get("state", {}).get("request_id", "unknown")
    return problem_response(
        BandmateError(f"The request failed unexpectedly; its id in the logs is {request_id}."),
        scope,
    )


def install_problem_handlers(app: FastAPI) -> None:
    """Answer every error of this app with a problem detail."""
    app.add_exception_handler(BandmateError, _on_bandmate_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(DBAPIError, _on_database_error)


def _on_bandmate_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, BandmateError)
    if error.status >= 500:
        log.error("request failed", error_type=error.type, detail=error.detail)
    return problem_response(error, request.scope)


def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    translated: BandmateError
    if error.status_code == 404:
        translated = NotFound(f"there is nothing at {request.url.path}")
    elif error.status_code == 405:
        translated = MethodNotAllowed(f"{request.method} is not possible on {request.url.path}")
    elif error.status_code == 413:
        translated = LimitExceeded(str(error.detail))
    elif error.status_code == 400:
        translated = MalformedBody("the body is not JSON in UTF-8, or is nested too deeply")
    else:
        translated = BandmateError(str(error.detail))
        translated.status = error.status_code
    return problem_response(translated, request.scope, headers=error.headers)


def _on_database_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, OperationalError):
        raise error
    log.error("the database failed", exc_info=error)
    if "disk is full" in str(error.orig):
        return problem_response(StorageFull("the disk of the job database is full; nothing was changed"), request.scope)
    return problem_response(Unavailable("the job database did not answer; nothing was changed"), request.scope)


def _on_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        reason = first.get("ctx", {}).get("error", "it cannot be parsed")
        position = first["loc"][-1]
        return problem_response(MalformedBody(f"the body is not JSON: {reason} at character {position}"), request.scope)
    errors = [{"field": _field_of(details["loc"]), "message": _message_of(details)} for details in error.errors()]
    lines = [f"{field_error['field']}: {field_error['message']}" for field_error in errors]
    return problem_response(InvalidRequest(shortened(lines)), request.scope, errors=errors)


def _field_of(location: Sequence[str | int]) -> str:
    """('body', 'notes', 3, 'pitch') → 'notes[3].pitch'; the name of a header or query parameter as it is."""
    return field_name(location[1:] if location[0] in ("body", "query", "path", "header") else location) or "body"


def _message_of(details: Mapping[str, Any]) -> str:
    if len(details["loc"]) <= 1 and details["type"] in ("missing", "model_attributes_type", "model_type", "dict_type"):
        return "must be a JSON object, sent with Content-Type: application/json"
    return message_of(details)
