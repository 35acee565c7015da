"""S3, SQS and other AWS services for the tests: a moto server, as a separate process on a loopback port.

    def test_something(aws: MotoServer) -> None: ...      every AWS client of this process reaches the server; empty
    def test_something_else(bucket: str) -> None: ...     the same, with an S3 bucket of this test's own
    aws.environment                                       for processes that the test starts

The process ends with the tests' process, also when that is killed: it waits for the end of its standard input.

moto checks `If-None-Match: *` and writes in two steps, with nothing between that would keep a second put out, which S3
excludes. (In 25 rounds of eight threads none got in; that proves nothing.) Here every S3 write is one step, by a lock
around it. moto also ignores `If-None-Match` on copies, and `content-length-range` in upload forms.
"""

import io
import os
import subprocess
import sys
import threading
import urllib.request
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class MotoServer:
    """A running server."""

    url: str

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which boto3 in any process uses this server only."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ENDPOINT_URL_S3": self.url,
            "AWS_ENDPOINT_URL_SQS": self.url,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def reset(self) -> None:
        """Forget every bucket, queue and message."""
        request = urllib.request.Request(f"{self.url}/moto-api/reset", data=b"", method="POST")
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.status == 200


@pytest.fixture(scope="session")
def moto_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MotoServer]:
    """The process, one per session. Tests take `aws` or `bucket` instead."""
    log = tmp_path_factory.mktemp("moto") / "moto.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        port = process.stdout.readline().decode().strip()
        assert port.isdigit(), log.read_text()
        yield MotoServer(f"http://127.0.0.1:{port}")
        process.stdin.close()
        process.wait(30)


@pytest.fixture
def aws(moto_server: MotoServer, monkeypatch: pytest.MonkeyPatch) -> MotoServer:
    """The server, empty, with this process's environment pointing at it."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in moto_server.environment.items():
        monkeypatch.setenv(name, value)
    moto_server.reset()
    return moto_server


@pytest.fixture
def bucket(aws: MotoServer) -> str:
    """The name of a new, empty bucket."""
    from bandmate_shared.aws import aws_client

    name = f"bandmate-test-{uuid.uuid4().hex[:12]}"
    aws_client("s3").create_bucket(Bucket=name)
    return name


def _with_atomic_writes(app: Any) -> Any:
    lock = threading.Lock()

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        # Not every POST: a consumer waits inside one for messages.
        writes = environ["REQUEST_METHOD"] == "PUT" or "uploadId=" in environ.get("QUERY_STRING", "")
        if not writes:
            return app(environ, start_response)  # type: ignore[no-any-return]
        environ["wsgi.input"] = io.BytesIO(_whole_body(environ))
        with lock:
            return app(environ, start_response)  # type: ignore[no-any-return]

    return application


def _whole_body(environ: dict[str, Any]) -> bytes:
    chunked = environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked"
    body: bytes = environ["wsgi.input"].read(*(() if chunked else (int(environ.get("CONTENT_LENGTH") or 0),)))
    return body


def _serve() -> None:
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server

    app = _with_atomic_writes(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=MotoRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    _serve()
