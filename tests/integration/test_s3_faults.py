"""The S3 store under lost connections, throttling, lost responses and missing permissions."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from bandmate_shared.aws import aws_client
from bandmate_shared.errors import NotFound, StorageFull, Unavailable
from bandmate_shared.objects.base import AlreadyExists
from bandmate_shared.objects.s3 import S3Storage
from bandmate_shared.objects.s3_errors import StorageRefused

from tests.support.faulty_proxy import (
    Exchange,
    Fault,
    FaultyProxy,
    broken,
    busy,
    conflicting,
    cut_short,
    faulty_proxy,
    late,
    unanswered,
    unheard,
)
from tests.support.moto_server import MotoServer

BIG = random.Random(4).randbytes(20_000_000)
"""Larger than one single put."""


@pytest.fixture
def proxy(aws: MotoServer, bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyProxy]:
    monkeypatch.setattr("bandmate_shared.objects.s3.ATTEMPTS", 3)
    # Botocore waits up to a second, then two, which would only slow these tests down.
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda self, context: 0.01)
    with faulty_proxy(aws.url) as opened:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", opened.url)
        yield opened


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A read timeout of two seconds, instead of the thirty that suit a busy machine."""
    monkeypatch.setattr("bandmate_shared.objects.s3.READ_SECONDS", 2.0)


@pytest.fixture
def storage(proxy: FaultyProxy, bucket: str) -> S3Storage:
    return S3Storage(bucket, "here")


def matching(method: str, *parts: str) -> Callable[[str], bool]:
    return lambda request: request.startswith(f"{method} ") and all(part in request for part in parts)


def answering(status: int, code: str) -> Fault:
    def fault(exchange: Exchange) -> None:
        exchange.answer(status, {}, f"<Error><Code>{code}</Code><Message>So it is.</Message></Error>".encode())

    return fault


@pytest.mark.parametrize("fault", [busy, broken, unheard, unanswered])
def test_a_temporary_fault_is_retried(proxy: FaultyProxy, storage: S3Storage, fault: Fault) -> None:
    for method in ("PUT", "GET", "HEAD", "DELETE"):
        proxy.plan(matching(method, "key"), fault)
    storage.put("key", b"content")
    assert storage.get("key") == b"content"
    assert storage.exists("key")
    storage.delete("key")
    assert not storage.exists("key")


def test_a_request_is_retried_after_a_timeout(impatient: None, proxy: FaultyProxy, storage: S3Storage) -> None:
    proxy.plan(matching("PUT", "key"), late(3.0))
    proxy.plan(matching("GET", "key"), late(3.0))
    storage.put("key", b"content")
    assert storage.get("key") == b"content"
    methods = [request.partition(" ")[0] for request in proxy.seen]
    assert methods.count("PUT") > 1
    assert methods.count("GET") > 1


@pytest.mark.parametrize("fault", [busy, broken, unheard])
def test_a_lasting_fault_raises_a_retryable_error(
    proxy: FaultyProxy, storage: S3Storage, tmp_path: Path, fault: Fault
) -> None:
    storage.put("key", b"old")
    proxy.plan(lambda request: True, *[fault] * 30)
    operations: list[Callable[[], Any]] = [
        lambda: storage.put("key", b"new"),
        lambda: storage.put("other", b"new", if_absent=True),
        lambda: storage.get("key"),
        lambda: storage.exists("key"),
        lambda: list(storage.keys("")),
        lambda: storage.fetch("key", tmp_path / "file"),
        lambda: storage.copy("key", "copy"),
        lambda: storage.delete("key"),
    ]
    for operation in operations:
        before = len(proxy.seen)
        with pytest.raises(Unavailable) as caught:
            operation()
        assert caught.value.retryable
        assert len(proxy.seen) - before == 3, "tries are bounded"
    assert list(tmp_path.iterdir()) == []
    proxy._plan.clear()
    assert [storage.get(key) for key in storage.keys("")] == [b"old"]


def test_a_conditional_put_succeeds_when_its_answer_is_lost(proxy: FaultyProxy, storage: S3Storage) -> None:
    """The retry finds the object and must recognise it as its own."""
    proxy.plan(matching("PUT", "prize"), unanswered)
    storage.put("prize", b"mine", if_absent=True)
    assert storage.get("prize") == b"mine"
    proxy.plan(matching("PUT", "prize"), unanswered)
    with pytest.raises(AlreadyExists):
        storage.put("prize", b"mine", if_absent=True)


def test_a_conditional_multipart_put_succeeds_when_its_answer_is_lost(proxy: FaultyProxy, storage: S3Storage) -> None:
    proxy.plan(matching("POST", "uploadId="), unanswered)
    storage.put("prize", BIG, if_absent=True)
    assert storage.get("prize") == BIG


def test_a_conflicting_put_is_retried(proxy: FaultyProxy, storage: S3Storage) -> None:
    proxy.plan(matching("PUT", "prize"), conflicting, conflicting)
    storage.put("prize", b"mine", if_absent=True)
    assert storage.get("prize") == b"mine"
    proxy.plan(matching("PUT", "prize"), conflicting)
    with pytest.raises(AlreadyExists):
        storage.put("prize", b"other", if_absent=True)
    proxy.plan(matching("PUT", "another"), *[conflicting] * 30)
    with pytest.raises(Unavailable, match="other writers"):
        storage.put("another", b"other", if_absent=True)


def unfinished(storage: S3Storage) -> int:
    return len(storage.client.list_multipart_uploads(Bucket=storage.bucket).get("Uploads", ()))


@pytest.mark.parametrize(
    ("method", "part"), [("PUT", "partNumber=2"), ("POST", "uploadId=")], ids=["a part", "the completion"]
)
def test_a_failed_upload_leaves_nothing(proxy: FaultyProxy, storage: S3Storage, method: str, part: str) -> None:
    proxy.plan(matching(method, part), *[broken] * 30)
    with pytest.raises(Unavailable):
        storage.put("big", BIG)
    proxy._plan.clear()
    assert list(storage.keys("")) == []
    assert unfinished(storage) == 0


def test_temporary_faults_of_parts_are_retried(proxy: FaultyProxy, storage: S3Storage) -> None:
    proxy.plan(matching("PUT", "partNumber=1"), unanswered)
    proxy.plan(matching("PUT", "partNumber=2"), busy)
    proxy.plan(matching("PUT", "partNumber=3"), unheard)
    proxy.plan(matching("POST", "uploadId="), busy)
    storage.put("big", BIG)
    assert storage.get("big") == BIG


def test_a_read_resumes_after_a_lost_connection(proxy: FaultyProxy, storage: S3Storage, tmp_path: Path) -> None:
    storage.put("big", BIG)
    proxy.plan(matching("GET", "big"), cut_short(3_000_000), cut_short(0), cut_short(8_000_000), unheard)
    assert storage.get("big") == BIG
    proxy.plan(matching("GET", "big"), cut_short(5_000_000))
    storage.fetch("big", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == BIG
    proxy.plan(matching("GET", "big"), cut_short(1_500_000))
    assert b"".join(storage.blocks("big", 1_000_000, 4_000_000)) == BIG[1_000_000:4_000_000]


def test_a_failed_read_leaves_no_file(proxy: FaultyProxy, storage: S3Storage, tmp_path: Path) -> None:
    storage.put("big", BIG)
    proxy.plan(matching("GET", "big"), *[cut_short(0)] * 100)
    with pytest.raises(Unavailable, match="broke off"):
        storage.fetch("big", tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


def test_an_object_replaced_during_a_read_is_read_again(proxy: FaultyProxy, storage: S3Storage, tmp_path: Path) -> None:
    def replace_and_cut(exchange: Exchange) -> None:
        answer = exchange.forward()
        S3Storage(storage.bucket, "here").put("big", BIG[::-1])
        exchange.answer(*answer, cut_at=4_000_000)

    storage.put("big", BIG)
    proxy.plan(matching("GET", "big"), replace_and_cut)
    storage.fetch("big", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == BIG[::-1]


def test_a_response_with_a_wrong_checksum_is_read_again(proxy: FaultyProxy, storage: S3Storage) -> None:
    def flip(exchange: Exchange) -> None:
        status, headers, body = exchange.forward()
        exchange.answer(status, headers, bytes([body[0] ^ 1]) + body[1:])

    storage.put("key", b"content")
    proxy.plan(matching("GET", "key"), flip)
    assert storage.get("key") == b"content"


def test_without_the_right_to_list_a_403_is_not_found(proxy: FaultyProxy, storage: S3Storage) -> None:
    denied = answering(403, "AccessDenied")
    for method in ("GET", "HEAD"):
        proxy.plan(matching(method, "secret"), denied, denied)
    proxy.plan(matching("GET", "list-type=2"), denied, denied)
    with pytest.raises(NotFound, match="ListBucket"):
        storage.get("secret")
    assert not storage.exists("secret")


def test_a_refusal_is_not_reported_as_not_found(proxy: FaultyProxy, storage: S3Storage) -> None:
    storage.put("secret", b"x")
    proxy.plan(matching("GET", "here/secret"), answering(403, "AccessDenied"))
    with pytest.raises(StorageRefused, match="AccessDenied") as caught:
        storage.get("secret")
    assert not caught.value.retryable
    proxy.plan(matching("PUT", "key"), answering(403, "InvalidAccessKeyId"))
    with pytest.raises(StorageRefused, match="InvalidAccessKeyId"):
        storage.put("key", b"x")


def test_a_full_server_raises_storage_full(proxy: FaultyProxy, storage: S3Storage) -> None:
    proxy.plan(matching("PUT", "key"), *[answering(507, "InsufficientStorage")] * 3)
    with pytest.raises(StorageFull, match="free some space"):
        storage.put("key", b"x")


def test_a_missing_bucket_raises_storage_refused(aws: MotoServer, tmp_path: Path) -> None:
    storage = S3Storage("no-such-bucket")
    for operation in (lambda: storage.get("key"), lambda: storage.put("key", b"x"), lambda: list(storage.keys(""))):
        with pytest.raises(StorageRefused, match="NoSuchBucket"):
            operation()


def test_missing_credentials_raise_storage_refused(
    aws: MotoServer, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(StorageRefused, match="credentials"):
        S3Storage(bucket).get("key")


def test_every_object_has_a_checksum_verified_by_s3(bucket: str) -> None:
    storage = S3Storage(bucket)
    storage.put("key", b"content")
    head = aws_client("s3").head_object(Bucket=bucket, Key="key", ChecksumMode="ENABLED")
    assert head["ChecksumSHA256"] == "7XACtDnprIRfIjV9giusFERzD722AW0+yUMil7nsn3M="
