"""A server on loopback that answers as a language model does: the OpenAI chat API, or whatever `answer` is set to."""

import json
from typing import Any

from tests.support.http_stand_in import HttpStandIn, StandInHandler

WORDS = "The rain is falling on the roof\nIt sings a song for me"
_JSON = {"Content-Type": "application/json"}


class _Handler(StandInHandler):
    server: "LanguageModel"

    def do_POST(self) -> None:  # noqa: N802 - the name is http.server's
        body = json.loads(self.read_body())
        self.server.requests.append((self.path, dict(self.headers), body))
        status, answer = self.server.answer
        self.respond(status, {**_JSON, **self.server.answer_headers}, json.dumps(answer).encode())


class LanguageModel(HttpStandIn):
    """Answers every request with `answer`, and keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__(_Handler)
        self.requests: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.answer: tuple[int, dict[str, Any]] = (200, chat_completion(WORDS))
        self.answer_headers: dict[str, str] = {}


def chat_completion(text: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text, "refusal": None}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "small",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 21},
    }
