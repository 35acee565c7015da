"""moto's server on a port, with one thing put right: a conditional put is one step.

moto looks whether an object is there and then writes it, so two puts at once with `If-None-Match: *` could both
succeed, which S3 excludes. Here S3 writes go one after the other.
"""

import io
import json
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

PORT_FILE = Path("/tmp/port.json")  # noqa: S108 - the container's own /tmp

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def writing_in_one_step(app: Application) -> Application:
    """The same app, its S3 writes one after the other. A POST for messages waits inside, so it is none of them."""
    lock = threading.Lock()

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "PUT" and "uploadId=" not in environ.get("QUERY_STRING", ""):
            return app(environ, start_response)
        environ["wsgi.input"] = io.BytesIO(
            _body(environ)
        )  # Read before the lock is taken, because the sender may be slow.
        with lock:
            return app(environ, start_response)

    return application


def _body(environ: dict[str, Any]) -> bytes:
    stream = environ["wsgi.input"]
    if environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked":
        return bytes(stream.read())
    return bytes(stream.read(int(environ.get("CONTENT_LENGTH") or 0)))


def main(port: int) -> None:
    app = writing_in_one_step(DomainDispatcherApplication(create_backend_app))
    server = make_server("0.0.0.0", port, app, threaded=True, request_handler=MotoRequestHandler)  # noqa: S104
    PORT_FILE.write_text(json.dumps(port), encoding="utf-8")
    server.serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]))
