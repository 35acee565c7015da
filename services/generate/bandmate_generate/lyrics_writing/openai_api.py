"""Client of a server with the OpenAI chat API (`POST …/chat/completions`), local or hosted."""

from typing import Any

import httpx2
from bandmate_shared.errors import Unavailable

from bandmate_generate.lyrics_writing.base import MAX_ANSWER_TOKENS, TEMPERATURE, Instructions, WordsFailed
from bandmate_generate.settings import GenerateSettings

_CONNECT_SECONDS = 5.0
_TEMPORARY = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})


class OpenAIWriter:
    """Asks the server at `settings.words_url`."""

    def __init__(self, settings: GenerateSettings) -> None:
        self._settings = settings

    def write(self, instructions: Instructions) -> str:
        settings = self._settings
        key = settings.words_api_key.get_secret_value()
        body = {
            "model": settings.words_model,
            "messages": [
                {"role": "system", "content": instructions.system},
                {"role": "user", "content": instructions.request},
            ],
            "temperature": TEMPERATURE,
            "max_tokens": MAX_ANSWER_TOKENS,
            "seed": instructions.seed % 2**31,
        }
        timeout = httpx2.Timeout(settings.words_seconds, connect=_CONNECT_SECONDS)
        url = f"{settings.words_url.rstrip('/')}/chat/completions"
        try:
            with httpx2.Client(timeout=timeout) as client:
                response = client.post(url, json=body, headers={"Authorization": f"Bearer {key}"} if key else {})
        except httpx2.TimeoutException:
            raise Unavailable(
                f"the words took longer than {settings.words_seconds:g} s (BANDMATE_WORDS_SECONDS)"
            ) from None
        except httpx2.TransportError as error:
            raise Unavailable(f"the writer of words at {settings.words_url} does not answer: {error}") from None
        if response.status_code >= 400:
            detail = f"the writer of words answered {response.status_code}: {_error_of(response)}"
            raise Unavailable(detail) if response.status_code in _TEMPORARY else WordsFailed(detail)
        return _content_of(response)


def _content_of(response: httpx2.Response) -> str:
    try:
        content = response.json()["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError):
        content = None
    if not isinstance(content, str):
        raise WordsFailed(f"the writer of words answered no chat completion: {response.text[:200]}")
    return content


def _error_of(response: httpx2.Response) -> str:
    try:
        error: Any = response.json()["error"]
        return str(error["message"] if isinstance(error, dict) else error)[:300]
    except (ValueError, LookupError, TypeError):
        return response.text[:300] or "no reason given"
