"""The `webhooks` of the description: what receivers are sent."""

from typing import Any, get_args

from bandmate_shared.contracts.webhooks import WebhookType
from bandmate_shared.http.openapi.examples import WEBHOOK_EXAMPLE

_HEADERS = {
    "webhook-id": ("The event's name, the same at every attempt.", {"type": "string"}),
    "webhook-timestamp": ("Seconds since 1970; refuse what is older than some minutes.", {"type": "integer"}),
    "webhook-signature": (
        "`v1,` and the Base64 of the HMAC-SHA256 of `<id>.<timestamp>.<body>` by the secret.",
        {"type": "string"},
    ),
}
_SUMMARIES = {
    "job.succeeded": "A job has succeeded",
    "job.failed": "A job has failed",
    "job.cancelled": "One ended early",
}


def webhooks_description() -> dict[str, Any]:
    """One item for each type of event; the schema `WebhookEvent` is among the components."""
    return {name: {"post": _operation(name)} for name in get_args(WebhookType)}


def _operation(name: str) -> dict[str, Any]:
    parameters = [
        {"name": header, "in": "header", "required": True, "description": description, "schema": schema}
        for header, (description, schema) in _HEADERS.items()
    ]
    content = {"schema": {"$ref": "#/components/schemas/WebhookEvent"}, "example": WEBHOOK_EXAMPLE | {"type": name}}
    return {
        "tags": ["webhooks"],
        "operationId": f"webhooks_{name.replace('.', '_')}",
        "summary": _SUMMARIES[name],
        "description": "Signed by the Standard Webhooks scheme. Sent at least once, until the receiver answers 2xx.",
        "security": [],
        "parameters": parameters,
        "requestBody": {"required": True, "content": {"application/json": content}},
        "responses": {
            "2XX": {"description": "Received."},
            "410": {"description": "The receiver wants no more of it; it is not sent again."},
            "default": {"description": "Not received; it is sent again later."},
        },
    }
