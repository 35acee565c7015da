"""The serving side of the container, as SageMaker speaks to it.

GET /ping · POST /invocations (contracts/composition.py) · multi-model: POST, GET /models, GET, DELETE /models/{name},
POST /models/{name}/invoke. Errors are RFC 9457 problem details. Requests are composed in threads, so that /ping always
answers; those of one model share its engine, which steps all their songs together (engine/batcher.py).
"""

import logging
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from bandmate_shared.contracts.composition import CompositionAnswer, CompositionRequest
from bandmate_shared.errors import BandmateError, Conflict, InvalidRequest, LimitExceeded, NotFound, Unavailable
from bandmate_shared.faults import in_words
from bandmate_shared.http.lingering import Lingering
from bandmate_shared.http.traced import Traced
from bandmate_shared.tracing import start_tracing
from pydantic import BaseModel, Field, ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bandmate_model.engine.base import ModelUnusable
from bandmate_model.loaded import LoadedModel
from bandmate_model.settings import ModelSettings

PROBLEM_TYPE_PREFIX = "urn:bandmate:problem:"
DEFAULT = "default"
"""The name under which the model of <ml_root>/model is held."""

log = logging.getLogger(__name__)

ATTRIBUTES_HEADER = "X-Amzn-SageMaker-Custom-Attributes"
"""The one header of a caller's own that SageMaker hands on; ours says `model-sha256=<hash of the weights>`."""

ContractT = TypeVar("ContractT", bound=BaseModel)


class NoRoomForModel(BandmateError):
    """SageMaker unloads a model and tries again when it reads 507."""

    type = "model-memory-full"
    title = "No room for another model"
    status = 507


class OutOfMemory(Unavailable):
    """There was not enough memory for the request; with fewer at once there may be."""

    type = "out-of-memory"
    title = "Not enough memory"


class WrongModel(Conflict):
    """The caller wants a model of other weights than the one that is asked."""

    type = "wrong-model"
    title = "This is another model"


class LoadModel(BaseModel):
    """SageMaker's multi-model request: `url` is a local folder or a file:// URL.

    On a multi-model endpoint the name is SageMaker's own, and has nothing to do with what a model is called elsewhere.
    """

    model_name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:=-]{0,255}$")
    url: str


class Shelf:
    """The models held in memory, by name."""

    def __init__(self, room: int) -> None:
        self._models: dict[str, LoadedModel] = {}
        self._room = room
        self._lock = threading.Lock()

    def load(self, name: str, folder: Path) -> LoadedModel:
        """Raises Conflict (already loaded), NoRoomForModel, InvalidRequest (no model in the folder)."""
        with self._lock:
            if name in self._models:
                raise Conflict(f"model {name!r} is already loaded")
            if len(self._models) >= self._room:
                raise NoRoomForModel(f"{self._room} models are loaded, which is all there is room for; unload one")
            try:
                self._models[name] = LoadedModel.load(folder)
            except ModelUnusable as error:
                raise InvalidRequest(str(error)) from error
            except MemoryError as error:
                raise NoRoomForModel("there is not enough memory for this model; unload another") from error
            return self._models[name]

    def get(self, name: str) -> LoadedModel:
        """Raises NotFound."""
        model = self._models.get(name)
        if model is None:
            raise NotFound(f"model {name!r} is not loaded")
        return model

    def unload(self, name: str) -> None:
        """Raises NotFound."""
        with self._lock:
            self.get(name)
            del self._models[name]

    def list(self) -> list[dict[str, object]]:
        return [self.describe(name) for name in sorted(self._models)]

    def describe(self, name: str) -> dict[str, object]:
        """Raises NotFound."""
        model = self.get(name)
        info = model.info
        return {
            "modelName": name, "modelUrl": str(model.folder), "id": info.id, "sha256": info.sha256,
            "styles": info.styles,
        }  # fmt: skip


class Composing:
    """Carries requests out, each within its time, and gives up when the server stops."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.stopping = threading.Event()

    async def answer(self, model: LoadedModel, request: CompositionRequest) -> CompositionAnswer:
        """In a thread; waiting for one counts as well.

        Raises:
            InvalidRequest: the model cannot carry it out.
            LimitExceeded: it takes too long for one request.
            OutOfMemory
            Unavailable: the server is stopping.
        """
        try:
            return await run_in_threadpool(model.answer, request, self._watch())
        except MemoryError as error:
            raise OutOfMemory("there was not enough memory to compose this; send it again, or ask for less") from error

    def _watch(self) -> Callable[[], None]:
        started = time.monotonic()

        def check() -> None:
            if self.stopping.is_set():
                raise Unavailable("the model server is stopping; send the request again")
            if time.monotonic() - started > self._seconds:
                raise LimitExceeded(
                    f"composing took longer than {self._seconds:g} s (BANDMATE_MODEL_SECONDS); ask for fewer bars, "
                    "parts or seeds"
                )

        return check


def create_app(settings: ModelSettings) -> Starlette:
    """The server, with the model of <ml_root>/model loaded if there is one."""
    shelf = Shelf(settings.model_max_loaded)
    composing = Composing(settings.model_seconds)
    default = settings.ml_root / "model"
    if (default / "config.json").is_file():
        shelf.load(DEFAULT, default)

    async def ping(_: Request) -> Response:
        return JSONResponse({"status": "ok", "models": [entry["modelName"] for entry in shelf.list()]})

    async def invocations(request: Request) -> Response:
        try:
            model = shelf.get(DEFAULT)
        except NotFound:
            raise Unavailable("no model is loaded; put one into the model folder or POST /models") from None
        return await compose_with(model, request)

    async def invoke(request: Request) -> Response:
        return await compose_with(shelf.get(request.path_params["name"]), request)

    async def compose_with(model: LoadedModel, request: Request) -> Response:
        _refuse_other_weights(model, request.headers.get(ATTRIBUTES_HEADER, ""))
        asked = await _read(request, CompositionRequest, settings.model_max_body_bytes)
        answer = await composing.answer(model, asked)
        return Response(answer.model_dump_json(), media_type="application/json")

    async def list_models(_: Request) -> Response:
        return JSONResponse({"models": shelf.list()})

    async def load_model(request: Request) -> Response:
        asked = await _read(request, LoadModel, settings.model_max_body_bytes)
        await run_in_threadpool(shelf.load, asked.model_name, _folder(asked.url))
        return JSONResponse(shelf.describe(asked.model_name))

    async def show_model(request: Request) -> Response:
        return JSONResponse(shelf.describe(request.path_params["name"]))

    async def unload_model(request: Request) -> Response:
        shelf.unload(request.path_params["name"])
        return JSONResponse({"modelName": request.path_params["name"]})

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        composing.stopping.set()

    app = Starlette(
        routes=[
            Route("/ping", ping),
            Route("/invocations", invocations, methods=["POST"]),
            Route("/models", list_models),
            Route("/models", load_model, methods=["POST"]),
            Route("/models/{name}", show_model),
            Route("/models/{name}", unload_model, methods=["DELETE"]),
            Route("/models/{name}/invoke", invoke, methods=["POST"]),
        ],
        exception_handlers={
            BandmateError: _known_error, HTTPException: _http_error, ClientDisconnect: _gone, Exception: _unexpected,
        },
        lifespan=lifespan,
    )  # fmt: skip
    app.state.composing = composing
    app.add_middleware(Lingering)
    app.add_middleware(Traced)
    return app


def serve(settings: ModelSettings) -> None:
    """Run until SIGTERM or SIGINT. Requests under way are answered or given up within a bar."""
    import uvicorn

    start_tracing("model")
    app = create_app(settings)

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: object) -> None:
            app.state.composing.stopping.set()
            super().handle_exit(sig, frame)  # type: ignore[arg-type]

    config = uvicorn.Config(
        app, host=settings.model_host, port=settings.model_port, log_level="warning", access_log=False,
        timeout_graceful_shutdown=10,
    )  # fmt: skip
    Server(config).run()


async def _read(request: Request, contract: type[ContractT], limit: int) -> ContractT:
    """The body as a contract. Raises LimitExceeded, InvalidRequest."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise LimitExceeded(f"the body is larger than {limit} bytes (BANDMATE_MODEL_MAX_BODY_BYTES)")
    try:
        return contract.model_validate_json(bytes(body))
    except ValidationError as error:
        raise InvalidRequest(in_words(error)) from error


def _refuse_other_weights(model: LoadedModel, attributes: str) -> None:
    """Raises WrongModel: an endpoint of one model, which is not the one that the caller means."""
    wanted = dict(part.split("=", 1) for part in attributes.replace(";", ",").split(",") if "=" in part)
    sha256 = wanted.get("model-sha256", "").strip()
    info = model.info
    if sha256 and sha256 != info.sha256:
        raise WrongModel(
            f"this endpoint holds {info.id} ({info.sha256[:12]}…), not the model {sha256[:12]}…; deploy it"
        )


def _folder(url: str) -> Path:
    """Raises InvalidRequest: not a local folder."""
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        folder = Path(unquote(parts.path))
    elif not parts.scheme:
        folder = Path(url)
    else:
        raise InvalidRequest(f"models are loaded from local folders or file:// URLs, not {parts.scheme}://")
    if not folder.is_dir():
        raise InvalidRequest(f"there is no model folder {folder.name!r}")
    return folder


def _problem(status: int, kind: str, title: str, detail: str, path: str) -> Response:
    content = {"type": PROBLEM_TYPE_PREFIX + kind, "title": title, "status": status, "detail": detail, "instance": path}
    return JSONResponse(content, status_code=status, media_type="application/problem+json")


async def _known_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, BandmateError), "registered for BandmateError"
    return _problem(error.status, error.type, error.title, error.detail, request.url.path)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException), "registered for HTTPException"
    kind = {404: "not-found", 405: "method-not-allowed"}.get(error.status_code, "http-error")
    return _problem(error.status_code, kind, error.detail, f"{request.method} {request.url.path}", request.url.path)


async def _gone(_: Request, error: Exception) -> Response:  # noqa: ARG001
    return Response(status_code=400)


async def _unexpected(request: Request, error: Exception) -> Response:
    log.error("unexpected error", exc_info=error)
    return _problem(
        500, "internal", BandmateError.title, "the model server met an error; see its log", request.url.path
    )
