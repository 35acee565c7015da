"""Where models compose: one interface, three places. `tests/contract/test_model_endpoint.py` is the conformance suite.

http             the model container's own server, beside the worker or anywhere (BANDMATE_MODEL_URL)
sagemaker        a SageMaker real-time endpoint, of many models or of one
sagemaker-async  a SageMaker asynchronous endpoint: input and answer through S3, down to zero instances
"""

import json
from contextlib import AbstractContextManager
from typing import Any, Protocol

from bandmate_shared.contracts.composition import CompositionAnswer, CompositionRequest
from bandmate_shared.contracts.trainings import ModelManifest
from bandmate_shared.errors import BandmateError, InvalidRequest, Unavailable
from bandmate_shared.faults import in_words
from bandmate_shared.storage import Storage, blob_key
from pydantic import ValidationError

from bandmate_generate.settings import GenerateSettings

CONFIG = "config.json"


class ModelFailed(BandmateError):
    """The model container answered with an error of its own."""

    type = "model-failed"
    title = "The model could not compose"
    status = 502
    retryable = True


class ModelNotDeployed(BandmateError):
    """The endpoint holds one model, and it is another."""

    type = "model-not-deployed"
    title = "The endpoint holds another model"
    status = 503


class ModelEndpoint(Protocol):
    """Composes with a registered model. The same request gets the same takes wherever it runs."""

    def compose(self, storage: Storage, model: ModelManifest, request: CompositionRequest) -> CompositionAnswer:
        """Candidates by that model, which is brought to the endpoint if it is not there yet.

        Raises:
            Unavailable: the endpoint cannot be reached, or takes longer than it may.
            InvalidRequest: the model cannot do what is asked (a style it does not know), or the request is too large.
            ModelFailed: it answered with an error, or with something that is no answer.
            ModelNotDeployed: the endpoint is of another model.
            CorruptModel: the registry's files are damaged.
        """
        ...


def open_model_endpoint(settings: GenerateSettings) -> AbstractContextManager[ModelEndpoint]:
    """The endpoint that the settings name. Raises AwsMissing for SageMaker without boto3."""
    match settings.model_endpoint:
        case "http":
            from bandmate_generate.endpoint_http import HttpEndpoint

            return HttpEndpoint(settings)
        case "sagemaker":
            from bandmate_generate.endpoint_sagemaker import SageMakerEndpoint

            return SageMakerEndpoint(settings)
        case "sagemaker-async":
            from bandmate_generate.endpoint_async import AsyncEndpoint

            return AsyncEndpoint(settings)


def styles_of(storage: Storage, model: ModelManifest) -> list[str]:
    """The styles that the model knows, from its config.json in the registry. Raises NotFound when that is lost."""
    for file in model.files:
        if file.name == CONFIG:
            config: dict[str, Any] = json.loads(storage.get(blob_key(file.sha256)))
            return [str(style) for style in config.get("styles", [])]
    return []


def read_answer(content: bytes, model: ModelManifest, request: CompositionRequest) -> CompositionAnswer:
    """Raises ModelFailed: not an answer, not as many takes as asked for, or not by this model."""
    try:
        answer = CompositionAnswer.model_validate_json(content)
    except ValidationError as error:
        raise ModelFailed(f"the model {model.id} answered no composition: {in_words(error)}") from None
    if len(answer.takes) != len(request.seeds):
        raise ModelFailed(f"the model {model.id} composed {len(answer.takes)} takes of {len(request.seeds)}")
    if answer.model.get("sha256") != model.sha256:
        raise ModelFailed(f"not {model.id} composed this, but a model of other weights: {answer.model.get('id')}")
    return answer


def attributes_for(model: ModelManifest) -> str:
    """What goes along with a request, so that a server with another model refuses it before it composes."""
    return f"model-sha256={model.sha256}"


def error_of(status: int, body: bytes | str, who: str) -> BandmateError:
    """The model server's answer of that HTTP status (400 or more) as an error."""
    detail = _detail(body)
    if status == 409:
        return ModelNotDeployed(f"{who}: {detail}")
    if status in (400, 413, 422):
        return InvalidRequest(f"{who} refused: {detail}")
    if status in (429, 502, 503, 504, 507):
        return Unavailable(f"{who} is not available: {detail}")
    return ModelFailed(f"{who} answered {status}: {detail}")


def _detail(body: bytes | str) -> str:
    """The detail of a problem document; the text itself where it is none."""
    text = body.decode(errors="replace") if isinstance(body, bytes) else body
    try:
        problem = json.loads(text)
    except ValueError:
        return text[:300] or "it gave no reason"
    if isinstance(problem, dict):
        return str(problem.get("detail") or problem.get("message") or problem)[:500]
    return str(problem)[:500]
