"""Client of a SageMaker real-time endpoint (InvokeEndpoint), for answers within 60 seconds."""

import time
from pathlib import Path
from typing import Any

from bandmate_shared.aws import aws_client
from bandmate_shared.contracts.composition import CompositionAnswer, CompositionRequest
from bandmate_shared.contracts.trainings import ModelManifest
from bandmate_shared.errors import BandmateError, LimitExceeded, Unavailable
from bandmate_shared.objects.base import Storage
from botocore.exceptions import BotoCoreError, ClientError

from bandmate_generate.endpoints.archives import archive_name, publish_archive
from bandmate_generate.endpoints.base import ModelFailed, attributes_for, error_of, read_answer
from bandmate_generate.settings import GenerateSettings

MAX_BODY_BYTES = 6_291_456
READ_SECONDS = 70.0
"""SageMaker gives the container 60 s."""
_PAUSE_SECONDS = 1.0
_TEMPORARY = frozenset(
    """ModelNotReadyException ServiceUnavailable ServiceUnavailableException InternalFailure InternalDependencyException
    ThrottlingException Throttling TooManyRequestsException""".split()  # noqa: SIM905 - a list of one a line is longer
)
"""Error codes after which the same request may succeed."""


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
        arguments = {
            "EndpointName": self._settings.sagemaker_endpoint,
            "Body": body,
            "ContentType": "application/json",
            "Accept": "application/json",
            "CustomAttributes": attributes_for(model),
        }
        if self._settings.sagemaker_multi_model:
            publish_archive(storage, model, Path(self._settings.home).resolve() / "models")
            arguments["TargetModel"] = archive_name(model)
        return read_answer(self._invoke(arguments, f"the model {model.id}"), model, request)

    def _invoke(self, arguments: dict[str, Any], subject: str) -> bytes:
        """The answer's body. Temporary errors (a model still being loaded) are retried for `model_start_seconds`."""
        deadline = time.monotonic() + self._settings.model_start_seconds
        while True:
            try:
                return bytes(self._runtime.invoke_endpoint(**arguments)["Body"].read())
            except ClientError as error:
                if error.response["Error"]["Code"] not in _TEMPORARY or time.monotonic() > deadline:
                    raise sagemaker_error(error, subject) from error
            except BotoCoreError as error:
                raise Unavailable(f"the SageMaker endpoint did not answer: {error}") from error
            time.sleep(_PAUSE_SECONDS)


def sagemaker_error(error: ClientError, subject: str) -> BandmateError:
    """Translate an error of InvokeEndpoint: the container's own answer, or an error of SageMaker's."""
    answer: dict[str, Any] = dict(error.response)
    code, message = answer["Error"]["Code"], answer["Error"].get("Message", "")
    if code == "ModelError":
        return error_of(
            int(answer.get("OriginalStatusCode", 500)), str(answer.get("OriginalMessage", message)), subject
        )
    if code in _TEMPORARY:
        return Unavailable(f"the SageMaker endpoint is not available: {code}: {message}")
    return ModelFailed(f"SageMaker refused the request: {code}: {message}")
