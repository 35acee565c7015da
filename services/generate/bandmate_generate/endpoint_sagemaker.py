"""A SageMaker real-time endpoint: the model server behind InvokeEndpoint, for answers within 60 seconds."""

import time
from pathlib import Path
from typing import Any

from bandmate_shared.aws import aws_client
from bandmate_shared.contracts.composition import CompositionAnswer, CompositionRequest
from bandmate_shared.contracts.trainings import ModelManifest
from bandmate_shared.errors import BandmateError, LimitExceeded, Unavailable
from bandmate_shared.storage import Storage
from botocore.exceptions import BotoCoreError, ClientError

from bandmate_generate.endpoint_models import archive_name, publish_archive
from bandmate_generate.model_endpoint import ModelFailed, attributes_for, error_of, read_answer
from bandmate_generate.settings import GenerateSettings

MAX_BODY_BYTES = 6_291_456
READ_SECONDS = 70.0
"""SageMaker gives the container 60 s."""
_PAUSE_SECONDS = 1.0
_PASSING = frozenset(
    {
        "ModelNotReadyException", "ServiceUnavailable", "ServiceUnavailableException", "InternalFailure",
        "InternalDependencyException", "ThrottlingException", "Throttling", "TooManyRequestsException",
    }
)  # fmt: skip


class SageMakerEndpoint:
    """Invokes `settings.sagemaker_endpoint`. Use as a context manager."""

    def __init__(self, settings: GenerateSettings) -> None:
        self._settings = settings
        self._runtime = aws_client("sagemaker-runtime", read_seconds=READ_SECONDS)

    def __enter__(self) -> "SageMakerEndpoint":
        return self

    def __exit__(self, *_: object) -> None:
        self._runtime.close()

    def compose(self, storage: Storage, model: ModelManifest, request: CompositionRequest) -> CompositionAnswer:
        body = request.model_dump_json().encode()
        if len(body) > MAX_BODY_BYTES:
            raise LimitExceeded(f"the request is of {len(body)} bytes; SageMaker takes {MAX_BODY_BYTES} at most")
        asked = {
            "EndpointName": self._settings.sagemaker_endpoint,
            "Body": body,
            "ContentType": "application/json",
            "Accept": "application/json",
            "CustomAttributes": attributes_for(model),
        }
        if self._settings.sagemaker_multi_model:
            publish_archive(storage, model, Path(self._settings.home).resolve() / "models")
            asked["TargetModel"] = archive_name(model)
        return read_answer(self._invoke(asked, f"the model {model.id}"), model, request)

    def _invoke(self, asked: dict[str, Any], who: str) -> bytes:
        """The answer's body. What passes by itself (a model that is still being loaded) is tried again for a while."""
        deadline = time.monotonic() + self._settings.model_start_seconds
        while True:
            try:
                return bytes(self._runtime.invoke_endpoint(**asked)["Body"].read())
            except ClientError as error:
                if error.response["Error"]["Code"] not in _PASSING or time.monotonic() > deadline:
                    raise sagemaker_error(error, who) from error
            except BotoCoreError as error:
                raise Unavailable(f"the SageMaker endpoint did not answer: {error}") from error
            time.sleep(_PAUSE_SECONDS)


def sagemaker_error(error: ClientError, who: str) -> BandmateError:
    """What an error of InvokeEndpoint says: the container's own answer, or SageMaker's word."""
    answer: dict[str, Any] = dict(error.response)
    code, message = answer["Error"]["Code"], answer["Error"].get("Message", "")
    if code == "ModelError":
        return error_of(int(answer.get("OriginalStatusCode", 500)), str(answer.get("OriginalMessage", message)), who)
    if code in _PASSING:
        return Unavailable(f"the SageMaker endpoint is not available: {code}: {message}")
    return ModelFailed(f"SageMaker refused the request: {code}: {message}")
