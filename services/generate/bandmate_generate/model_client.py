"""The model container from the caller's side: load the model if need be, and ask it to compose."""

import time
from pathlib import Path
from typing import Any

import httpx2
from bandmate_shared.contracts.composition import CompositionAnswer, CompositionRequest
from bandmate_shared.contracts.trainings import ModelManifest
from bandmate_shared.errors import BandmateError, InvalidRequest, Unavailable
from bandmate_shared.registry import fetch_model
from bandmate_shared.storage import Storage
from pydantic import ValidationError

from bandmate_generate.settings import GenerateSettings

_PAUSE_SECONDS = 0.1
_CONNECT_SECONDS = 2.0


class ModelFailed(BandmateError):
    """The model container answered with an error of its own."""

    type = "model-failed"
    title = "The model could not compose"
    status = 502
    retryable = True


class ModelClient:
    """Speaks to `settings.model_url` (SageMaker's multi-model routes). Use as a context manager."""

    def __init__(self, settings: GenerateSettings) -> None:
        self._settings = settings
        timeout = httpx2.Timeout(settings.compose_seconds, connect=_CONNECT_SECONDS)
        self._http = httpx2.Client(base_url=settings.model_url, timeout=timeout)

    def __enter__(self) -> "ModelClient":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def compose(self, storage: Storage, model: ModelManifest, request: CompositionRequest) -> CompositionAnswer:
        """Candidates by that model. It is fetched into `<home>/models/` and loaded where it is not yet.

        Raises:
            Unavailable: the container cannot be reached, or takes longer than it may.
            InvalidRequest: the model cannot do what is asked (a style it does not know).
            ModelFailed: it answered with an error, or with something that is no answer.
        """
        self.load(storage, model)
        body = request.model_dump_json().encode()
        response = self._send("POST", f"/models/{model.id}/invoke", content=body)
        if response.status_code == 404:  # It was unloaded in between, to make room.
            self.load(storage, model)
            response = self._send("POST", f"/models/{model.id}/invoke", content=body)
        self._check(response, f"the model {model.id}")
        try:
            answer = CompositionAnswer.model_validate_json(response.content)
        except ValidationError as error:
            first = error.errors()[0]
            raise ModelFailed(f"the model {model.id} answered no composition: {first['loc']}: {first['msg']}") from None
        if len(answer.takes) != len(request.seeds):
            raise ModelFailed(f"the model {model.id} composed {len(answer.takes)} takes of {len(request.seeds)}")
        return answer

    def load(self, storage: Storage, model: ModelManifest) -> list[str]:
        """Make sure the container holds the model; the styles it knows. Raises as `compose`, and CorruptModel."""
        listed = self._listed()
        if model.id not in listed:
            folder = fetch_model(storage, model, Path(self._settings.home).resolve() / "models")
            asked = {"model_name": model.id, "url": str(folder)}
            loaded = self._send("POST", "/models", json=asked)
            if loaded.status_code == 507 and listed:  # Full: the one longest there makes room.
                self._send("DELETE", f"/models/{next(iter(listed))}")
                loaded = self._send("POST", "/models", json=asked)
            if loaded.status_code != 409:  # Another worker was faster.
                self._check(loaded, f"loading the model {model.id}")
            listed = self._listed()
        return listed.get(model.id, [])

    def _listed(self) -> dict[str, list[str]]:
        """The models held by the container, each with its styles."""
        response = self._send("GET", "/models")
        self._check(response, "the model container")
        models = response.json().get("models", [])
        return {str(model["modelName"]): [str(style) for style in model.get("styles", [])] for model in models}

    def _send(self, method: str, path: str, **content: Any) -> httpx2.Response:
        """One request; while nothing listens there, again, for as long as the server may take to start."""
        deadline = time.monotonic() + self._settings.model_start_seconds
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
                raise Unavailable(f"the model container hung up while answering: {error}") from None

    @staticmethod
    def _check(response: httpx2.Response, who: str) -> None:
        if response.status_code < 400:
            return
        detail = _detail(response)
        if response.status_code in (400, 413, 422):
            raise InvalidRequest(f"{who} refused: {detail}")
        if response.status_code in (502, 503, 504, 507):
            raise Unavailable(f"{who} is not available: {detail}")
        raise ModelFailed(f"{who} answered {response.status_code}: {detail}")


def _detail(response: httpx2.Response) -> str:
    try:
        body = response.json()
    except ValueError:
        return response.text[:300] or response.reason_phrase
    if isinstance(body, dict):
        return str(body.get("detail") or body.get("message") or body)[:500]
    return str(body)[:500]
