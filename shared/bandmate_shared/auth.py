"""API keys: authentication in service mode. The embedded mode has none and stays on loopback.

A key reads `bm_live_<id>_<secret>`. The database keeps the id and the HMAC-SHA256 of the whole key under a pepper that
is not in the database (BANDMATE_KEY_PEPPER), so a stolen table opens nothing. Keys are made, listed and revoked, and
their webhooks set, with `python -m bandmate_shared.auth`.
"""

import hashlib
import hmac
import re
import secrets
import sys
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import Any

from sqlalchemy import Row, func, insert, select, update

from bandmate_shared.errors import BandmateError, InvalidRequest, NotFound
from bandmate_shared.jobs.database.database import Database
from bandmate_shared.jobs.database.schema import api_keys
from bandmate_shared.jobs.model import utc_now
from bandmate_shared.settings import SharedSettings, shared_settings
from bandmate_shared.webhooks.addresses import parse_url
from bandmate_shared.webhooks.signature import secret_for

LOCAL_TENANT = "local"
"""Everybody, in embedded mode. In service mode every tenant may read what belongs to it, and no key is its own."""
OPERATOR_TENANT = "operator"
"""The tenant whose key may read the metrics."""
MIN_PEPPER_LENGTH = 32
SESSION_COOKIE = "bandmate_session"

_ID_BYTES = 8
_SECRET_BYTES = 32
_KEY = re.compile(r"bm_live_([0-9a-f]{16})_([0-9a-f]{64})")
_SESSION = re.compile(r"([0-9a-f]{16})\.(\d{1,12})\.([0-9a-f]{64})", re.ASCII)
_USAGE = "create TENANT | list | revoke ID | webhook ID [URL | none]"
_TENANT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class Unauthorized(BandmateError):
    type = "unauthorized"
    title = "Unauthorized"
    status = 401


class Forbidden(BandmateError):
    type = "forbidden"
    title = "Forbidden"
    status = 403


class Misdirected(BandmateError):
    type = "misdirected-request"
    title = "Misdirected request"
    status = 421


class InsecureConfiguration(BandmateError):
    """Raised at start-up, where the service would be open to anyone."""

    type = "insecure-configuration"
    title = "Insecure configuration"


@dataclass(frozen=True)
class ApiKey:
    """A key as it is listed, without its secret, which is not stored."""

    id: str
    tenant: str
    created_at: datetime
    revoked_at: datetime | None
    webhook_url: str | None = None


class KeyStore:
    """The table of API keys. `pepper` has at least 32 characters."""

    def __init__(self, database: Database, pepper: str) -> None:
        if len(pepper) < MIN_PEPPER_LENGTH:
            raise InsecureConfiguration(
                f"service mode needs BANDMATE_KEY_PEPPER, a secret of at least {MIN_PEPPER_LENGTH} characters"
            )
        self._database = database
        self._pepper = pepper.encode()

    def create(self, tenant: str) -> str:
        """Make a key for a tenant; it cannot be shown again. Raises InvalidRequest for a bad name."""
        if not _TENANT.fullmatch(tenant) or tenant == LOCAL_TENANT:
            raise InvalidRequest(
                f"{tenant!r} cannot be a tenant: use lower-case letters, digits and '-', at most 63, not 'local'"
            )
        key_id = secrets.token_hex(_ID_BYTES)
        key = f"bm_live_{key_id}_{secrets.token_hex(_SECRET_BYTES)}"
        row = {"id": key_id, "tenant": tenant, "hash": self._hash(key), "created_at": utc_now()}
        with self._database.writing() as connection:
            connection.execute(insert(api_keys), row)
        return key

    def key_of(self, key: str) -> ApiKey:
        """The key of that text, whose tenant it stands for. Raises Unauthorized, with one text for every wrong key."""
        match = _KEY.fullmatch(key)
        if match is not None:
            with self._database.reading() as connection:
                row = connection.execute(select(api_keys).where(api_keys.c.id == match[1])).one_or_none()
            stored = row.hash if row is not None and row.revoked_at is None else ""
            if hmac.compare_digest(stored, self._hash(key)) and row is not None:
                return _api_key(row)
        raise Unauthorized("the API key is not valid")

    def new_session(self, key: str, expires_at: datetime) -> tuple[str, str]:
        """The tenant of a key, and a token that stands for the key until then. Raises Unauthorized."""
        known = self.key_of(key)
        content = f"{known.id}.{int(expires_at.timestamp())}"
        return known.tenant, f"{content}.{self._hash(f'session {content}')}"

    def key_of_session(self, token: str) -> ApiKey:
        """The key that began the session of a token. Raises Unauthorized: forged, expired, or its key is revoked."""
        match = _SESSION.fullmatch(token)
        if match is not None:
            key_id, expires, signature = match.groups()
            is_signed = hmac.compare_digest(signature, self._hash(f"session {key_id}.{expires}"))
            if is_signed and int(expires) > utc_now().timestamp():
                active = api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None)
                with self._database.reading() as connection:
                    row = connection.execute(select(api_keys).where(*active)).one_or_none()
                if row is not None:
                    return _api_key(row)
        raise Unauthorized("the session is not valid any more; log in again")

    def revoke(self, key_id: str) -> None:
        """Refuse a key from now on. Raises NotFound."""
        active = api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None)
        with self._database.writing() as connection:
            if not connection.execute(update(api_keys).where(*active).values(revoked_at=utc_now())).rowcount:
                raise NotFound(f"there is no active key with the id {key_id}")

    def find(self, key_id: str) -> ApiKey:
        """The active key with this id. Raises NotFound."""
        active = api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None)
        with self._database.reading() as connection:
            row = connection.execute(select(api_keys).where(*active)).one_or_none()
        if row is None:
            raise NotFound(f"there is no active key with the id {key_id}")
        return _api_key(row)

    def set_webhook(self, key_id: str, url: str | None) -> ApiKey:
        """Where the ends of the key's jobs are reported from now on.

        Raises NotFound, and InvalidRequest or RefusedAddress for a URL that no webhook is sent to.
        """
        if url is not None:
            parse_url(url, allow_private=False)
        self.find(key_id)
        with self._database.writing() as connection:
            connection.execute(update(api_keys).where(api_keys.c.id == key_id).values(webhook_url=url))
        return self.find(key_id)

    def listed(self) -> list[ApiKey]:
        """Every key, oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(select(api_keys).order_by(api_keys.c.created_at, api_keys.c.id))
            return [_api_key(row) for row in rows]

    def count_active(self) -> int:
        """How many keys are not revoked."""
        with self._database.reading() as connection:
            active = select(func.count()).select_from(api_keys).where(api_keys.c.revoked_at.is_(None))
            return connection.execute(active).scalar_one()

    def _hash(self, key: str) -> str:
        return hmac.new(self._pepper, key.encode(), hashlib.sha256).hexdigest()


def _api_key(row: Row[Any]) -> ApiKey:
    return ApiKey(row.id, row.tenant, row.created_at, row.revoked_at, row.webhook_url)


def open_key_store(settings: SharedSettings, database: Database) -> KeyStore:
    """The keys of a service that is starting. Raises InsecureConfiguration without a pepper or any active key."""
    keys = KeyStore(database, settings.key_pepper.get_secret_value())
    if keys.count_active() == 0:
        raise InsecureConfiguration(
            "service mode needs at least one API key; make one with: python -m bandmate_shared.auth create TENANT"
        )
    return keys


def refuse_unsafe_bind(settings: SharedSettings, host: str) -> None:
    """Raise InsecureConfiguration when the embedded mode, which has no keys, would listen to a network."""
    if settings.mode != "embedded" or host == "localhost":
        return
    try:
        loopback = ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise InsecureConfiguration(
            f"embedded mode has no API keys and will not listen on {host!r}; use 127.0.0.1, or BANDMATE_MODE=service"
        )


def main(arguments: list[str]) -> int:
    """`create TENANT`, `list`, `revoke ID`, `webhook ID [URL | none]`; returns the exit status."""
    settings = shared_settings()
    try:
        keys = KeyStore(Database(settings.resolved_database_url), settings.key_pepper.get_secret_value())
        match arguments:
            case ["create", tenant]:
                sys.stdout.write(keys.create(tenant) + "\n")
            case ["list"]:
                for key in keys.listed():
                    state = "revoked" if key.revoked_at else "active"
                    line = f"{key.id}  {key.tenant:<24}  {key.created_at:%Y-%m-%d %H:%M}  {state:<7}"
                    sys.stdout.write(f"{line}  {key.webhook_url or ''}".rstrip() + "\n")
            case ["revoke", key_id]:
                keys.revoke(key_id)
            case ["webhook", key_id, *rest] if len(rest) <= 1:
                key = keys.set_webhook(key_id, None if rest[0] == "none" else rest[0]) if rest else keys.find(key_id)
                sys.stdout.write(f"{key.webhook_url or 'no URL'}  {secret_for(settings, key.id)}\n")
            case _:
                sys.stderr.write(f"usage: python -m bandmate_shared.auth {_USAGE}\n")
                return 2
    except BandmateError as error:
        sys.stderr.write(f"{error.title}: {error.detail}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
