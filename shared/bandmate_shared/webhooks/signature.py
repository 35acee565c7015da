"""Signatures by the Standard Webhooks scheme (https://www.standardwebhooks.com), and the secrets behind them.

    webhook-id: msg_…               the event's, the same at every attempt
    webhook-timestamp: 1764582000   seconds; receivers refuse old ones
    webhook-signature: v1,<base64>  HMAC-SHA256 of "<id>.<timestamp>.<body>"

A secret reads `whsec_<base64 of 32 bytes>`. That of an API key is derived from the pepper and the key's id, so the
database holds none. In embedded mode there is one, made at its first use and kept in the home.
"""

import base64
import binascii
import hashlib
import hmac
import os
import secrets

from bandmate_shared.errors import BandmateError
from bandmate_shared.settings import SharedSettings

SECRET_PREFIX = "whsec_"  # noqa: S105 - not a secret
SECRET_FILE = "webhook.secret"  # noqa: S105 - a file's name
"""In the home."""

_SECRET_BYTES = 32


class UnreadableSecret(BandmateError):
    """The file with the embedded mode's secret holds something else."""

    type = "unreadable-webhook-secret"
    title = "The secret of the webhooks cannot be read"


def signed_headers(secret: str, webhook_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of a webhook. `timestamp` is in whole seconds since 1970."""
    content = f"{webhook_id}.{timestamp}.".encode() + body
    digest = hmac.new(_key_of(secret), content, hashlib.sha256).digest()
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def secret_for(settings: SharedSettings, key_id: str | None) -> str:
    """The secret of an API key; None: the embedded mode's, which is made where there is none yet.

    Raises UnreadableSecret.
    """
    if key_id is None:
        return _secret_of_home(settings)
    pepper = settings.key_pepper.get_secret_value().encode()
    return _secret(hmac.new(pepper, f"webhook {key_id}".encode(), hashlib.sha256).digest())


def _secret_of_home(settings: SharedSettings) -> str:
    path = settings.home / SECRET_FILE
    if not path.exists():
        settings.home.mkdir(parents=True, exist_ok=True)
        new = settings.home / f"{SECRET_FILE}.{secrets.token_hex(8)}"
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(_secret(secrets.token_bytes(_SECRET_BYTES)) + "\n")
        try:
            os.link(new, path)
        except FileExistsError:  # Another process has made one: there is only one.
            pass
        finally:
            new.unlink()
    text = path.read_text(encoding="utf-8").strip()
    try:
        _key_of(text)
    except (ValueError, binascii.Error) as error:
        raise UnreadableSecret(
            f"{path} does not hold a secret ({SECRET_PREFIX}…); delete it, and one is made"
        ) from error
    return text


def _secret(key: bytes) -> str:
    return SECRET_PREFIX + base64.b64encode(key).decode()


def _key_of(secret: str) -> bytes:
    if not secret.startswith(SECRET_PREFIX):
        raise ValueError("a webhook's secret begins with whsec_")
    return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
