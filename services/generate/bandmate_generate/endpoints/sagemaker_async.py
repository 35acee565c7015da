"""Client of a SageMaker asynchronous endpoint: request and answer are in S3, and it may scale down to no instance.

    <store>/sagemaker-async/input/<inference id>.json   the request
    <store>/sagemaker-async/sent/<inference id>.json    that it was sent, when, and where its answer will lie

The inference id is a hash of model, endpoint and request: an attempt that comes after a worker died finds what was sent
and waits for that answer, instead of having the same song composed again. Such an endpoint holds one model.
"""

import json
import re
import time
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import unquote, urlparse

from bandmate_shared.aws import aws_client
from bandmate_shared.contracts.composition import CompositionAnswer, CompositionRequest
from bandmate_shared.contracts.trainings import ModelManifest
from bandmate_shared.errors import BandmateError, NotFound, Unavailable
from bandmate_shared.objects.base import Storage
from bandmate_shared.objects.blobs import sha256_of
from botocore.exceptions import BotoCoreError, ClientError

from bandmate_generate.endpoints.base import ModelFailed, attributes_for, error_of, read_answer
from bandmate_generate.endpoints.sagemaker import sagemaker_error
from bandmate_generate.settings import GenerateSettings

PREFIX = "sagemaker-async"
MIN_TTL_SECONDS = 60
MAX_TTL_SECONDS = 21_600
MAX_SECONDS = 3600
_FIRST_PAUSE_SECONDS = 0.2
_MAX_PAUSE_SECONDS = 2.0
_CONTAINER = re.compile(r"Received (?:client|server) error \((\d{3})\) from .*? with message \"(.*)\"", re.DOTALL)
"""How SageMaker quotes the container's answer in what it leaves at the failure location."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A request that SageMaker accepted, at `at` (seconds since 1970)."""

    output: str
    failure: str
    at: float


class AsyncEndpoint:
    """Invokes `settings.sagemaker_endpoint`. Use as a context manager."""

    def __init__(self, settings: GenerateSettings) -> None:
        self._settings = settings
        self._runtime = aws_client("sagemaker-runtime")
        self._s3 = aws_client("s3")

    def __enter__(self) -> "AsyncEndpoint":
        return self

    def __exit__(self, *_: object) -> None:
        self._runtime.close()
        self._s3.close()

    def compose(self, storage: Storage, model: ModelManifest, request: CompositionRequest) -> CompositionAnswer:
        body = request.model_dump_json().encode()
        key = sha256_of(f"{self._settings.sagemaker_endpoint} {model.sha256} ".encode() + body)
        try:
            sent = self._sent_before(storage, key) or self._send(storage, key, body, model)
            content = self._wait_for(sent, f"the model {model.id}")
        except ClientError as error:
            raise sagemaker_error(error, f"the model {model.id}") from error
        except BotoCoreError as error:
            raise Unavailable(f"the SageMaker endpoint did not answer: {error}") from error
        except BandmateError:
            storage.delete(_sent_key(key))  # The next attempt sends the request again.
            raise
        return read_answer(content, model, request)

    def _sent_before(self, storage: Storage, key: str) -> Sent | None:
        """An earlier sending whose answer is there, or may still come."""
        try:
            sent = Sent(**json.loads(storage.get(_sent_key(key))))
        except NotFound:
            return None
        if time.time() < sent.at + self._settings.compose_seconds or self._read(sent.output) is not None:
            return sent
        return None

    def _send(self, storage: Storage, key: str, body: bytes, model: ModelManifest) -> Sent:
        storage.put(f"{PREFIX}/input/{key}.json", body)
        seconds = int(self._settings.compose_seconds)
        answer = self._runtime.invoke_endpoint_async(
            EndpointName=self._settings.sagemaker_endpoint,
            ContentType="application/json",
            Accept="application/json",
            CustomAttributes=attributes_for(model),
            InferenceId=key,
            InputLocation=f"{self._settings.storage_url.rstrip('/')}/{PREFIX}/input/{key}.json",
            RequestTTLSeconds=min(max(seconds, MIN_TTL_SECONDS), MAX_TTL_SECONDS),
            InvocationTimeoutSeconds=min(seconds, MAX_SECONDS),
        )
        sent = Sent(answer["OutputLocation"], answer.get("FailureLocation", ""), time.time())
        storage.put(_sent_key(key), json.dumps(asdict(sent)).encode())
        return sent

    def _wait_for(self, sent: Sent, subject: str) -> bytes:
        """The answer's bytes. An endpoint without instances takes minutes for its first."""
        deadline = time.monotonic() + self._settings.compose_seconds
        pause = _FIRST_PAUSE_SECONDS
        while True:
            content = self._read(sent.output)
            if content is not None:
                return content
            failure = self._read(sent.failure) if sent.failure else None
            if failure is not None:
                raise _failure_error(failure.decode(errors="replace"), subject)
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"{subject} did not answer in {self._settings.compose_seconds:g} s (BANDMATE_COMPOSE_SECONDS)"
                )
            time.sleep(pause)
            pause = min(pause * 1.5, _MAX_PAUSE_SECONDS)

    def _read(self, uri: str) -> bytes | None:
        parsed = urlparse(uri)
        try:
            response: dict[str, Any] = self._s3.get_object(Bucket=parsed.netloc, Key=unquote(parsed.path).lstrip("/"))
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in ("NoSuchKey", "404"):
                return None
            if code in ("AccessDenied", "403"):
                raise ModelFailed(
                    f"{uri} may not be read; the role needs s3:GetObject and s3:ListBucket there"
                ) from error
            raise
        return bytes(response["Body"].read())


def _failure_error(failure: str, subject: str) -> BandmateError:
    """The error at the failure location: the container's answer as SageMaker quotes it, or SageMaker's own."""
    quoted = _CONTAINER.search(failure)
    if quoted is not None:
        return error_of(int(quoted[1]), quoted[2], subject)
    try:
        status = int(json.loads(failure)["status"])
    except (ValueError, KeyError, TypeError):
        return ModelFailed(f"{subject} failed: {failure[:500]}")
    return error_of(status, failure, subject)


def _sent_key(key: str) -> str:
    return f"{PREFIX}/sent/{key}.json"
