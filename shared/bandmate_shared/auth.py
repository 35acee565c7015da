"""API keys: who may ask, in service mode. The embedded mode has none and stays on loopback.

A key reads `bm_live_<id>_<secret>`. The database keeps the id and the HMAC-SHA256 of the whole key under a pepper that
is not in the database (BANDMATE_KEY_PEPPER), so a stolen table opens nothing. Keys are made, listed and revoked with
`python -m bandmate_shared.auth`.
"""

import hashlib
import hmac
import re
import secrets
import sys
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address

from sqlalchemy import func, insert, select, update

from bandmate_shared.errors import BandmateError, InvalidRequest, NotFound
from bandmate_shared.jobs.database import Database
from bandmate_shared.jobs.model import utc_now
from bandmate_shared.jobs.schema import api_keys
from bandmate_shared.settings import SharedSettings

LOCAL_TENANT = "local"
"""Everybody, in embedded mode. In service mode what belongs to it is the house's: all may read it, none is it."""
OPERATOR_TENANT = "operator"
"""The tenant whose key may read the metrics."""
SHORTEST_PEPPER = 32

_ID_BYTES = 8
_SECRET_BYTES = 32
_KEY = re.compile(r"bm_live_([0-9a-f]{16})_([0-9a-f]{64})")
_TENANT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class Unauthorized(BandmateError):
    type = "unauthorized"
    title = "An API key is needed"
    status = 401


class Forbidden(BandmateError):
    type = "forbidden"
    title = "This is not allowed"
    status = 403


class Misdirected(BandmateError):
    type = "misdirected-request"
    title = "The request was meant for another host"
    status = 421


class InsecureConfiguration(BandmateError):
    """Raised at start-up: the service would be open to strangers, so it does not start."""

    type = "insecure-configuration"
    title = "This configuration is not safe"


@dataclass(frozen=True)
class ApiKey:
    """A key as it is listed: without its secret, which nobody can show again."""

    id: str
    tenant: str
    created_at: datetime
    revoked_at: datetime | None


class KeyStore:
    """The table of API keys. `pepper` has at least 32 characters."""

    def __init__(self, database: Database, pepper: str) -> None:
        if len(pepper) < SHORTEST_PEPPER:
            raise InsecureConfiguration(
                f"service mode needs BANDMATE_KEY_PEPPER, a secret of at least {SHORTEST_PEPPER} characters"
            )
        self._database = database
        self._pepper = pepper.encode()

    def create(self, tenant: str) -> str:
        """Make a key for a tenant; this is the only time that it is seen. Raises InvalidRequest for a bad name."""
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

    def tenant_of(self, key: str) -> str:
        """The tenant a key belongs to. Raises Unauthorized, in the same words for every wrong key."""
        match = _KEY.fullmatch(key)
        if match is not None:
            with self._database.reading() as connection:
                row = connection.execute(select(api_keys).where(api_keys.c.id == match[1])).one_or_none()
            stored = row.hash if row is not None and row.revoked_at is None else ""
            if hmac.compare_digest(stored, self._hash(key)) and row is not None:
                return str(row.tenant)
        raise Unauthorized("the API key is not valid")

    def revoke(self, key_id: str) -> None:
        """Refuse a key from now on. Raises NotFound."""
        living = api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None)
        with self._database.writing() as connection:
            if not connection.execute(update(api_keys).where(*living).values(revoked_at=utc_now())).rowcount:
                raise NotFound(f"there is no living key with the id {key_id}")

    def listed(self) -> list[ApiKey]:
        """Every key, oldest first."""
        columns = api_keys.c.id, api_keys.c.tenant, api_keys.c.created_at, api_keys.c.revoked_at
        with self._database.reading() as connection:
            rows = connection.execute(select(*columns).order_by(api_keys.c.created_at, api_keys.c.id))
            return [ApiKey(*row) for row in rows]

    def count_living(self) -> int:
        """How many keys open anything."""
        with self._database.reading() as connection:
            living = select(func.count()).select_from(api_keys).where(api_keys.c.revoked_at.is_(None))
            return connection.execute(living).scalar_one()

    def _hash(self, key: str) -> str:
        return hmac.new(self._pepper, key.encode(), hashlib.sha256).hexdigest()


def open_key_store(settings: SharedSettings, database: Database) -> KeyStore:
    """The keys of a service that is about to start. Raises InsecureConfiguration without a pepper or a single key."""
    keys = KeyStore(database, settings.key_pepper.get_secret_value())
    if keys.count_living() == 0:
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
    """`create TENANT`, `list`, `revoke ID`; returns the exit status."""
    from bandmate_shared.settings import shared_settings

    settings = shared_settings()
    try:
        keys = KeyStore(Database(settings.resolved_database_url), settings.key_pepper.get_secret_value())
        match arguments:
            case ["create", tenant]:
                sys.stdout.write(keys.create(tenant) + "\n")
            case ["list"]:
                for key in keys.listed():
                    state = "revoked" if key.revoked_at else "living"
                    sys.stdout.write(f"{key.id}  {key.tenant:<24}  {key.created_at:%Y-%m-%d %H:%M}  {state}\n")
            case ["revoke", key_id]:
                keys.revoke(key_id)
            case _:
                sys.stderr.write("usage: python -m bandmate_shared.auth create TENANT | list | revoke ID\n")
                return 2
    except BandmateError as error:
        sys.stderr.write(f"{error.title}: {error.detail}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
