"""Login of a page."""

from datetime import datetime

from pydantic import Field, SecretStr

from bandmate_shared.contracts.base import Contract


class SessionRequest(Contract):
    """An API key to log in with."""

    key: SecretStr = Field(max_length=200)


class SessionView(Contract):
    """Who is logged in."""

    tenant: str
    expires_at: datetime | None = Field(None, description="Of the session that has just begun.")
