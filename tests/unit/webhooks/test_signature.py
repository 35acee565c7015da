"""Signatures, checked by the reference implementation; and the secrets."""

import base64
import hashlib
import hmac
import stat
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from bandmate_shared.settings import SharedSettings
from bandmate_shared.webhooks.signature import SECRET_FILE, UnreadableSecret, secret_for, signed_headers
from pydantic import SecretStr
from standardwebhooks import Webhook, WebhookVerificationError

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


def test_the_reference_implementation_accepts_a_signature_and_only_of_what_was_signed() -> None:
    body = '{"type":"job.succeeded","data":{"title":"Mædchen, 歌"}}'.encode()
    headers = signed_headers(SECRET, "msg_1", int(time.time()), body)
    assert Webhook(SECRET).verify(body, headers)["type"] == "job.succeeded"
    for wrong in (
        {**headers, "webhook-id": "msg_2"},
        {**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1)},
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(body, wrong)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body + b" ", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + base64.b64encode(b"x" * 32).decode()).verify(body, headers)


def test_the_signature_is_as_the_specification_says() -> None:
    headers = signed_headers(SECRET, "msg_1", 1764582000, b"{}")
    digest = hmac.new(bytes(range(32)), b"msg_1.1764582000.{}", hashlib.sha256).digest()
    assert headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()


def test_each_key_has_a_secret_of_its_own_that_the_pepper_gives(settings: SharedSettings) -> None:
    service = settings.model_copy(update={"key_pepper": SecretStr("p" * 32)})
    other = settings.model_copy(update={"key_pepper": SecretStr("q" * 32)})
    secrets = {secret_for(service, "a" * 16), secret_for(service, "b" * 16), secret_for(other, "a" * 16)}
    assert len(secrets) == 3
    assert secret_for(service, "a" * 16) in secrets, "it stays the same"
    assert all(len(base64.b64decode(secret.removeprefix("whsec_"))) == 32 for secret in secrets)


def test_a_home_makes_one_secret_and_keeps_it_from_others(settings: SharedSettings) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: secret_for(settings, None), range(32)))
    assert len(made) == 1
    path = settings.home / SECRET_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in settings.home.glob(f"{SECRET_FILE}*")] == [SECRET_FILE]
    path.write_text("something else\n")
    with pytest.raises(UnreadableSecret, match="delete it"):
        secret_for(settings, None)
