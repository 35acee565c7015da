"""The interface to a model endpoint, with its errors. `tests/contract/test_model_endpoint.py` is the conformance suite.

http             the model container's own server, beside the worker or anywhere (BANDMATE_MODEL_URL)
sagemaker        a SageMaker real-time endpoint, of many models or of one
sagemaker-async  a SageMaker asynchronous endpoint: input and answer through S3, down to zero instances
"""

import json
from typing import Any, Protocol

from bandmate_shared.contracts.composition import CompositionAnswer, CompositionRequest
from bandmate_shared.contracts.trainings import ModelManifest
from bandmate_shared.errors import BandmateError, InvalidRequest, Unavailable
from bandmate_shared.faults import in_words
from bandmate_shared.objects.base import Storage
from bandmate_shared.objects.blobs import blob_key
from pydantic import ValidationError

from bandmate_generate.planning.learnt import Learnt, learnt_from

CONFIG = "config.json"


class ModelFailed(BandmateError):
    """The model container answered with an error of its own."""

    type = "model-failed"
    title = "Model failed"
    status = 502
    retryable = True


class ModelNotDeployed(BandmateError):
    """The endpoint holds one model, and it is another."""

    type = "model-not-deployed"
    title = "Model not deployed"
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


def learnt_of(storage: Storage, model: ModelManifest) -> Learnt:
    """What the model has learnt, by its config.json in the registry. Raises NotFound when that is lost."""
    for file in model.files:
        if file.name == CONFIG:
            config: dict[str, Any] = json.loads(storage.get(blob_key(file.sha256)))
            return learnt_from(config)
    return Learnt()


def read_answer(content: bytes, model: ModelManifest, request: CompositionRequest) -> CompositionAnswer:
    """Parse and check a model's answer.

    Raises ModelFailed: not an answer, not as many takes as requested, or by another model.
    """
    try:
        answer = CompositionAnswer.model_validate_json(content)
    except ValidationError as error:
        raise ModelFailed(f"the model {model.id} answered no composition: {in_words(error)}") from None
    if len(answer.takes) != len(request.seeds):
        raise ModelFailed(f"the model {model.id} composed {len(answer.takes)} takes of {len(request.seeds)}")
    if answer.model.get("sha256") != model.sha256:
        raise ModelFailed(f"the answer is not by {model.id} but by a model of other weights: {answer.model.get('id')}")
    return answer


def attributes_for(model: ModelManifest) -> str:
    """The custom attributes of a request, by which a server with another model refuses it before it composes."""
    return f"model-sha256={model.sha256}"


def error_of(status: int, body: bytes | str, subject: str) -> BandmateError:
    """The model server's answer of that HTTP status (400 or more) as an error."""
    detail = _detail(body)
    if status == 409:
        return ModelNotDeployed(f"{subject}: {detail}")
    if status in (400, 413, 422):
        return InvalidRequest(f"{subject} refused: {detail}")
    if status in (429, 502, 503, 504, 507):
        return Unavailable(f"{subject} is not available: {detail}")
    return ModelFailed(f"{subject} answered {status}: {detail}")


def _detail(body: bytes | str) -> str:
    """The detail of a problem document; the text itself where it is none."""
    text = body.decode(errors="replace") if isinstance(body, bytes) else body
    try:
        problem = json.loads(text)
    except ValueError:
        return text[:300] or "no reason given"
    if isinstance(problem, dict):
        return str(problem.get("detail") or problem.get("message") or problem)[:500]
    return str(problem)[:500]
