"""Client of the model container's HTTP server: loads the model where necessary, then asks it to compose."""

import time
from pathlib import Path
from typing import Any

import httpx2
from bandmate_shared.contracts.composition import CompositionAnswer, CompositionRequest
from bandmate_shared.contracts.trainings import ModelManifest
from bandmate_shared.errors import Unavailable
from bandmate_shared.objects.base import Storage
from bandmate_shared.observability.tracing import outgoing_headers
from bandmate_shared.registry.models import fetch_model

from bandmate_generate.endpoints.base import attributes_for, error_of, read_answer
from bandmate_generate.settings import GenerateSettings

ATTRIBUTES_HEADER = "X-Amzn-SageMaker-Custom-Attributes"
_PAUSE_SECONDS = 0.1
_CONNECT_SECONDS = 2.0


class HttpEndpoint:
    """Client of `settings.model_url` (SageMaker's multi-model routes). Use as a context manager.

    The server reads models from `<home>/models/`, so it has to see that folder: a process of this machine, or a
    container with the same volume.
    """

    def __init__(self, settings: GenerateSettings) -> None:
        self._settings = settings
        timeout = httpx2.Timeout(settings.compose_seconds, connect=_CONNECT_SECONDS)
        self._http = httpx2.Client(base_url=settings.model_url, timeout=timeout)

    def __enter__(self) -> "HttpEndpoint":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def compose(self, storage: Storage, model: ModelManifest, request: CompositionRequest) -> CompositionAnswer:
        self._load(storage, model)
        response = self._invoke(model, request)
        if response.status_code == 404:  # It was unloaded in between, to make room.
            self._load(storage, model)
            response = self._invoke(model, request)
        _check(response, f"the model {model.id}")
        return read_answer(response.content, model, request)

    def _invoke(self, model: ModelManifest, request: CompositionRequest) -> httpx2.Response:
        headers = {ATTRIBUTES_HEADER: attributes_for(model), "Content-Type": "application/json"}
        content = request.model_dump_json().encode()
        return self._send("POST", f"/models/{model.id}/invoke", content=content, headers=headers)

    def _load(self, storage: Storage, model: ModelManifest) -> None:
        """Make sure the server holds the model."""
        listed = self._listed()
        if model.id in listed:
            return
        folder = fetch_model(storage, model, Path(self._settings.home).resolve() / "models")
        payload = {"model_name": model.id, "url": str(folder)}
        loaded = self._send("POST", "/models", json=payload)
        if loaded.status_code == 507 and listed:  # Full: unload the model that was loaded first.
            self._send("DELETE", f"/models/{listed[0]}")
            loaded = self._send("POST", "/models", json=payload)
        if loaded.status_code != 409:  # 409: another worker has loaded it.
            _check(loaded, f"loading the model {model.id}")

    def _listed(self) -> list[str]:
        """The models that the server holds."""
        response = self._send("GET", "/models")
        _check(response, "the model container")
        return [str(model["modelName"]) for model in response.json().get("models", [])]

    def _send(self, method: str, path: str, **content: Any) -> httpx2.Response:
        """Send a request, again while nothing listens there, for `model_start_seconds`."""
        deadline = time.monotonic() + self._settings.model_start_seconds
        content["headers"] = {**content.get("headers", {}), **outgoing_headers()}
        while True:
            try:
                return self._http.request(method, path, **content)
            except httpx2.ConnectError:
                if time.monotonic() > deadline:
                    raise Unavailable(f"the model container at {self._settings.model_url} does not answer") from None
                time.sleep(_PAUSE_SECONDS)
            except httpx2.TimeoutException:
                raise Unavailable(
                    f"the model took longer than {self._settings.compose_seconds:g} s (BANDMATE_COMPOSE_SECONDS)"
                ) from None
            except httpx2.TransportError as error:
                raise Unavailable(f"the model container closed the connection while answering: {error}") from None


def _check(response: httpx2.Response, subject: str) -> None:
    if response.status_code >= 400:
        raise error_of(response.status_code, response.content, subject)
