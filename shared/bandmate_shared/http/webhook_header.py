"""The `Webhook-Url` header of a submission: where the end of its job is reported.

It is a header, not a part of the request's body: the body says what is to be made, is stored with the job and is sent
again for the same result, by others too. Without the header the URL of the API key is taken, if it has one.
"""

from typing import Annotated

from fastapi import Depends, Header, Request

from bandmate_shared.auth import ApiKey
from bandmate_shared.errors import about
from bandmate_shared.jobs.model import Webhook
from bandmate_shared.webhooks.addresses import parse_url

WEBHOOK_HEADER = "Webhook-Url"

WebhookUrl = Annotated[
    str | None,
    Header(
        alias=WEBHOOK_HEADER,
        description="An https:// address that the end of the job is posted to, in place of the API key's own.",
    ),
]


def requested_webhook(request: Request, url: WebhookUrl = None) -> Webhook | None:
    """Raises InvalidRequest and RefusedAddress for a URL that no webhook is sent to."""
    key: ApiKey | None = getattr(request.state, "api_key", None)
    key_id = None if key is None else key.id
    if url is not None:
        with about(WEBHOOK_HEADER):
            parse_url(url, allow_private=request.app.state.runtime.settings.webhook_private)
        return Webhook(url, key_id)
    if key is not None and key.webhook_url is not None:
        return Webhook(key.webhook_url, key_id)
    return None


RequestedWebhook = Annotated[Webhook | None, Depends(requested_webhook)]
"""A route's parameter."""
