"""The S3 store when the line breaks, S3 is busy, answers get lost, permissions lack: whole objects or typed errors."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from bandmate_shared.aws import aws_client
from bandmate_shared.errors import NotFound, StorageFull, Unavailable
from bandmate_shared.s3_errors import StorageRefused
from bandmate_shared.s3_storage import S3Storage
from bandmate_shared.storage import AlreadyExists

from tests.faulty_proxy import (
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
from tests.moto_server import MotoServer

BIG = random.Random(4).randbytes(20_000_000)
"""More than goes in one put."""


@pytest.fixture
def proxy(aws: MotoServer, bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyProxy]:
    monkeypatch.setattr("bandmate_shared.s3_storage.ATTEMPTS", 3)
    # Botocore waits up to a second, then two: here nobody is made to wait less by it.
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda self, context: 0.01)
    with faulty_proxy(aws.url) as opened:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", opened.url)
        yield opened


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer is waited for two seconds, where other tests grant a busy machine thirty."""
    monkeypatch.setattr("bandmate_shared.s3_storage.READ_SECONDS", 2.0)


@pytest.fixture
def storage(proxy: FaultyProxy, bucket: str) -> S3Storage:
    return S3Storage(bucket, "here")


def request(method: str, *parts: str) -> Callable[[str], bool]:
    return lambda seen: seen.startswith(f"{method} ") and all(part in seen for part in parts)


def answering(status: int, code: str) -> Fault:
    def fault(exchange: Exchange) -> None:
        exchange.answer(status, {}, f"<Error><Code>{code}</Code><Message>So it is.</Message></Error>".encode())

    return fault


@pytest.mark.parametrize("fault", [busy, broken, unheard, unanswered])
def test_a_fault_that_passes_is_not_noticed(proxy: FaultyProxy, storage: S3Storage, fault: Fault) -> None:
    for method in ("PUT", "GET", "HEAD", "DELETE"):
        proxy.plan(request(method, "key"), fault)
    storage.put("key", b"content")
    assert storage.get("key") == b"content"
    assert storage.exists("key")
    storage.delete("key")
    assert not storage.exists("key")


def test_an_answer_that_takes_too_long_is_asked_for_again(
    impatient: None, proxy: FaultyProxy, storage: S3Storage
) -> None:
    proxy.plan(request("PUT", "key"), late(3.0))
    proxy.plan(request("GET", "key"), late(3.0))
    storage.put("key", b"content")
    assert storage.get("key") == b"content"
    methods = [seen.partition(" ")[0] for seen in proxy.seen]
    assert methods.count("PUT") > 1
    assert methods.count("GET") > 1


@pytest.mark.parametrize("fault", [busy, broken, unheard])
def test_a_fault_that_stays_is_a_typed_error_that_may_be_tried_again(
    proxy: FaultyProxy, storage: S3Storage, tmp_path: Path, fault: Fault
) -> None:
    storage.put("key", b"old")
    proxy.plan(lambda seen: True, *[fault] * 30)
    operations: list[Callable[[], Any]] = [
        lambda: storage.put("key", b"new"), lambda: storage.put("other", b"new", if_absent=True),
        lambda: storage.get("key"), lambda: storage.exists("key"), lambda: list(storage.keys("")),
        lambda: storage.fetch("key", tmp_path / "file"), lambda: storage.copy("key", "copy"),
        lambda: storage.delete("key"),
    ]  # fmt: skip
    for operation in operations:
        before = len(proxy.seen)
        with pytest.raises(Unavailable) as caught:
            operation()
        assert caught.value.retryable
        assert len(proxy.seen) - before == 3, "tries are bounded"
    assert list(tmp_path.iterdir()) == []
    proxy._plan.clear()
    assert [storage.get(key) for key in storage.keys("")] == [b"old"]


def test_a_conditional_put_whose_answer_got_lost_is_still_the_winner(proxy: FaultyProxy, storage: S3Storage) -> None:
    """Its repetition finds the object there, and has to see that it is its own."""
    proxy.plan(request("PUT", "prize"), unanswered)
    storage.put("prize", b"mine", if_absent=True)
    assert storage.get("prize") == b"mine"
    proxy.plan(request("PUT", "prize"), unanswered)
    with pytest.raises(AlreadyExists):
        storage.put("prize", b"mine", if_absent=True)


def test_a_conditional_put_in_parts_whose_answer_got_lost_is_still_the_winner(
    proxy: FaultyProxy, storage: S3Storage
) -> None:
    proxy.plan(request("POST", "uploadId="), unanswered)
    storage.put("prize", BIG, if_absent=True)
    assert storage.get("prize") == BIG


def test_a_put_that_met_another_is_tried_again(proxy: FaultyProxy, storage: S3Storage) -> None:
    proxy.plan(request("PUT", "prize"), conflicting, conflicting)
    storage.put("prize", b"mine", if_absent=True)
    assert storage.get("prize") == b"mine"
    proxy.plan(request("PUT", "prize"), conflicting)
    with pytest.raises(AlreadyExists):
        storage.put("prize", b"other", if_absent=True)
    proxy.plan(request("PUT", "another"), *[conflicting] * 30)
    with pytest.raises(Unavailable, match="other writers"):
        storage.put("another", b"other", if_absent=True)


def unfinished(storage: S3Storage) -> int:
    return len(storage.client.list_multipart_uploads(Bucket=storage.bucket).get("Uploads", ()))


@pytest.mark.parametrize(
    ("method", "part"), [("PUT", "partNumber=2"), ("POST", "uploadId=")], ids=["a part", "the completion"]
)
def test_an_upload_that_fails_leaves_nothing(proxy: FaultyProxy, storage: S3Storage, method: str, part: str) -> None:
    proxy.plan(request(method, part), *[broken] * 30)
    with pytest.raises(Unavailable):
        storage.put("big", BIG)
    proxy._plan.clear()
    assert list(storage.keys("")) == []
    assert unfinished(storage) == 0


def test_parts_survive_passing_faults(proxy: FaultyProxy, storage: S3Storage) -> None:
    proxy.plan(request("PUT", "partNumber=1"), unanswered)
    proxy.plan(request("PUT", "partNumber=2"), busy)
    proxy.plan(request("PUT", "partNumber=3"), unheard)
    proxy.plan(request("POST", "uploadId="), busy)
    storage.put("big", BIG)
    assert storage.get("big") == BIG


def test_a_read_goes_on_where_the_line_broke(proxy: FaultyProxy, storage: S3Storage, tmp_path: Path) -> None:
    storage.put("big", BIG)
    proxy.plan(request("GET", "big"), cut_short(3_000_000), cut_short(0), cut_short(8_000_000), unheard)
    assert storage.get("big") == BIG
    proxy.plan(request("GET", "big"), cut_short(5_000_000))
    storage.fetch("big", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == BIG
    proxy.plan(request("GET", "big"), cut_short(1_500_000))
    assert b"".join(storage.blocks("big", 1_000_000, 4_000_000)) == BIG[1_000_000:4_000_000]


def test_a_read_that_never_ends_well_leaves_no_file(proxy: FaultyProxy, storage: S3Storage, tmp_path: Path) -> None:
    storage.put("big", BIG)
    proxy.plan(request("GET", "big"), *[cut_short(0)] * 100)
    with pytest.raises(Unavailable, match="broke off"):
        storage.fetch("big", tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


def test_an_object_that_was_replaced_in_the_middle_of_a_read_is_read_anew(
    proxy: FaultyProxy, storage: S3Storage, tmp_path: Path
) -> None:
    def replace_and_cut(exchange: Exchange) -> None:
        answer = exchange.forward()
        S3Storage(storage.bucket, "here").put("big", BIG[::-1])
        exchange.answer(*answer, cut_at=4_000_000)

    storage.put("big", BIG)
    proxy.plan(request("GET", "big"), replace_and_cut)
    storage.fetch("big", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == BIG[::-1]


def test_a_damaged_answer_is_not_believed(proxy: FaultyProxy, storage: S3Storage) -> None:
    def flip(exchange: Exchange) -> None:
        status, headers, body = exchange.forward()
        exchange.answer(status, headers, bytes([body[0] ^ 1]) + body[1:])

    storage.put("key", b"content")
    proxy.plan(request("GET", "key"), flip)
    assert storage.get("key") == b"content"


def test_without_the_right_to_list_a_403_is_not_found(proxy: FaultyProxy, storage: S3Storage) -> None:
    denied = answering(403, "AccessDenied")
    for method in ("GET", "HEAD"):
        proxy.plan(request(method, "secret"), denied, denied)
    proxy.plan(request("GET", "list-type=2"), denied, denied)
    with pytest.raises(NotFound, match="ListBucket"):
        storage.get("secret")
    assert not storage.exists("secret")


def test_a_refusal_is_not_called_missing(proxy: FaultyProxy, storage: S3Storage) -> None:
    storage.put("secret", b"x")
    proxy.plan(request("GET", "here/secret"), answering(403, "AccessDenied"))
    with pytest.raises(StorageRefused, match="AccessDenied") as caught:
        storage.get("secret")
    assert not caught.value.retryable
    proxy.plan(request("PUT", "key"), answering(403, "InvalidAccessKeyId"))
    with pytest.raises(StorageRefused, match="InvalidAccessKeyId"):
        storage.put("key", b"x")


def test_a_full_server_is_full(proxy: FaultyProxy, storage: S3Storage) -> None:
    proxy.plan(request("PUT", "key"), *[answering(507, "InsufficientStorage")] * 3)
    with pytest.raises(StorageFull, match="free some space"):
        storage.put("key", b"x")


def test_a_bucket_that_is_not_there_is_said(aws: MotoServer, tmp_path: Path) -> None:
    storage = S3Storage("no-such-bucket")
    for operation in (lambda: storage.get("key"), lambda: storage.put("key", b"x"), lambda: list(storage.keys(""))):
        with pytest.raises(StorageRefused, match="NoSuchBucket"):
            operation()


def test_without_credentials_it_is_said(aws: MotoServer, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(StorageRefused, match="credentials"):
        S3Storage(bucket).get("key")


def test_every_object_bears_a_checksum_that_s3_has_verified(bucket: str) -> None:
    storage = S3Storage(bucket)
    storage.put("key", b"content")
    found = aws_client("s3").head_object(Bucket=bucket, Key="key", ChecksumMode="ENABLED")
    assert found["ChecksumSHA256"] == "7XACtDnprIRfIjV9giusFERzD722AW0+yUMil7nsn3M="
