"""A receiver of webhooks on loopback: it verifies them by the reference implementation and answers what it is told."""

import json
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from standardwebhooks import Webhook as Verifier

from tests.support.http_stand_in import HttpStandIn, StandInHandler


@dataclass(frozen=True)
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def verified(self, secret: str) -> Any:
        """The event, if its signature is good. Raises WebhookVerificationError."""
        return Verifier(secret).verify(self.body, self.headers)


class _Handler(StandInHandler):
    server: "WebhookReceiver"

    def do_POST(self) -> None:  # noqa: N802 - the base class calls it so
        headers = {name.lower(): value for name, value in self.headers.items()}
        received = Received(self.path, headers, self.read_body())
        with self.server.changing:
            self.server.received.append(received)
            number = len(self.server.received)
        status, answer_headers = self.server.answer(received, number)
        with suppress(ConnectionError):  # The sender does not read a long answer to its end.
            self.respond(status, answer_headers, self.server.body)


Answer = Callable[[Received, int], tuple[int, Mapping[str, str]]]


class WebhookReceiver(HttpStandIn):
    """`received` is what came. `answer(received, number)` gives status and headers; by default 204."""

    def __init__(
        self, answer: Answer = lambda _received, _number: (204, {}), tls: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(_Handler)
        self.answer = answer
        self.body = b""
        self.received: list[Received] = []
        self.changing = threading.Lock()
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def events(self) -> list[Any]:
        return [json.loads(received.body) for received in self.received]
