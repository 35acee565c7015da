"""One POST to a receiver, over real sockets."""

import datetime
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from bandmate_shared.webhooks.addresses import RefusedAddress
from bandmate_shared.webhooks.post import MAX_ANSWER_BYTES, Answer, Poster, PostFailed
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.webhook_receiver import WebhookReceiver

pytestmark = pytest.mark.process  # Threads of theirs open connections.

SECONDS = 10.0


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with WebhookReceiver() as running:
        yield running


@pytest.fixture
def poster() -> Poster:
    return Poster(SECONDS, allow_private=True)


def test_a_post_arrives_with_its_headers_query_and_body(poster: Poster, receiver: WebhookReceiver) -> None:
    assert poster.post(f"{receiver.url}/hook?a=1", {"webhook-id": "msg_1"}, b"{}") == Answer(204, None)
    [received] = receiver.received
    assert (received.path, received.body, received.id) == ("/hook?a=1", b"{}", "msg_1")
    assert received.headers["host"] == f"127.0.0.1:{receiver.port}"


def test_loopback_is_not_reached_unless_that_is_allowed(receiver: WebhookReceiver) -> None:
    with pytest.raises(RefusedAddress):
        Poster(SECONDS, allow_private=False).post(f"https://localhost:{receiver.port}/", {}, b"{}")
    assert receiver.received == []


def test_a_name_is_resolved_once_and_the_checked_address_is_connected_to(receiver: WebhookReceiver) -> None:
    """A name server that answers another address the second time (DNS rebinding) gains nothing by it."""
    asked: list[str] = []

    def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    poster = Poster(SECONDS, allow_private=True, resolve=resolve)
    assert poster.post(f"http://no-such-name.test:{receiver.port}/", {}, b"{}").status == 204
    assert asked == ["no-such-name.test"]
    assert receiver.received[0].headers["host"] == f"no-such-name.test:{receiver.port}"


def test_a_redirect_is_an_answer_and_is_not_followed(poster: Poster) -> None:
    with WebhookReceiver() as target, WebhookReceiver(lambda *_: (307, {"Location": target.url})) as receiver:
        assert poster.post(receiver.url, {}, b"{}").status == 307
        assert target.received == []


def test_a_proxy_of_the_environment_is_not_used(
    poster: Poster, receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert poster.post(receiver.url, {}, b"{}").status == 204


def test_retry_after_is_read_where_it_is_a_number_of_seconds(poster: Poster) -> None:
    for header, seconds in (("120", 120), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("9" * 40, None), ("-1", None)):
        with WebhookReceiver(lambda *_, header=header: (429, {"Retry-After": header})) as receiver:
            assert poster.post(receiver.url, {}, b"{}") == Answer(429, seconds)


def test_a_long_answer_is_not_read_to_its_end(poster: Poster, receiver: WebhookReceiver) -> None:
    receiver.answer = lambda *_: (200, {})
    receiver.body = b"x" * (64 * 1024 * 1024)
    started = time.monotonic()
    assert poster.post(receiver.url, {}, b"{}").status == 200
    assert time.monotonic() - started < SECONDS
    assert len(receiver.body) > 1000 * MAX_ANSWER_BYTES


@pytest.mark.parametrize("piece", [b"", b"H", b"HTTP/1.1 200 OK\r\nX-A: "])
def test_a_receiver_that_is_silent_or_sends_a_byte_at_a_time_is_cut_off(piece: bytes) -> None:
    """A time limit on each read alone would let one that sends a byte now and then hold the connection for ever."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        done = threading.Event()

        listening.settimeout(10.0)  # On a busy machine the time may be over before there is a connection.

        def drip() -> None:
            with suppress(OSError):
                connection, _ = listening.accept()
                with connection:
                    connection.sendall(piece)
                    while not done.wait(0.05):
                        connection.sendall(b"x" if piece else b"")

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            with pytest.raises(PostFailed, match=r"no answer within 0\.5 s"):
                Poster(0.5, allow_private=True).post(f"http://127.0.0.1:{listening.getsockname()[1]}/", {}, b"{}")
        finally:
            done.set()
            thread.join()


def test_a_receiver_that_is_not_there_or_talks_nonsense(poster: Poster) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(PostFailed, match="refused"):
        poster.post(f"http://127.0.0.1:{port}/", {}, b"{}")
    with pytest.raises(PostFailed, match="cannot be resolved"):
        poster.post("http://no-such-name.invalid/", {}, b"{}")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(10.0)

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(PostFailed):
            poster.post(f"http://127.0.0.1:{listening.getsockname()[1]}/", {}, b"{}")
        thread.join()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for receiver.test with its key, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "receiver.test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("receiver.test")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "receiver.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


def test_over_tls_the_certificate_must_be_the_hosts(certificate: Path) -> None:
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate)
    trusting = ssl.create_default_context(cafile=str(certificate))

    def poster(tls: ssl.SSLContext | None) -> Poster:
        return Poster(SECONDS, allow_private=True, resolve=lambda *_: ["127.0.0.1"], tls=tls)

    with WebhookReceiver(tls=serving) as receiver:
        assert poster(trusting).post(f"https://receiver.test:{receiver.port}/hook", {}, b"{}").status == 204
        with pytest.raises(PostFailed, match="CERTIFICATE_VERIFY_FAILED"):
            poster(trusting).post(f"https://other.test:{receiver.port}/hook", {}, b"{}")
        with pytest.raises(PostFailed, match="CERTIFICATE_VERIFY_FAILED"):
            poster(None).post(f"https://receiver.test:{receiver.port}/hook", {}, b"{}")
        assert [received.path for received in receiver.received] == ["/hook"]
