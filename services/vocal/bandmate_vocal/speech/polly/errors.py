"""Translate Amazon Polly's errors into this service's: which a person has to correct, and which a retry may."""

from collections.abc import Iterator
from contextlib import contextmanager

from bandmate_shared.errors import BandmateError, InvalidRequest, LimitExceeded
from bandmate_shared.singing.check import UnknownVoice
from botocore import exceptions

from bandmate_vocal.speech.errors import SpeechFailed


class SpeechDenied(BandmateError):
    """No credentials, wrong ones, or ones without permission."""

    type = "speech-denied"
    title = "Access to the speech service denied"
    status = 503


class SpeechThrottled(SpeechFailed):
    """The account's quota was exceeded, on every retry. The job is put back for a while, and no attempt is spent."""

    type = "speech-throttled"
    title = "Speech service throttled"
    pause_seconds = 10.0


class SpeechRefused(InvalidRequest):
    """The service rejects the request."""

    type = "speech-refused"
    title = "Request rejected by the speech service"


THROTTLED = ("ThrottlingException", "Throttling", "TooManyRequestsException", "LimitExceededException")
_DENIED = frozenset(
    [
        "AccessDeniedException",
        "AccessDenied",
        "ExpiredTokenException",
        "IncompleteSignatureException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "NotAuthorized",
        "OptInRequired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    ]
)
_VOICE_ERRORS = ("EngineNotSupportedException", "LanguageNotSupportedException")
_ALLOW = "the role needs polly:SynthesizeSpeech and polly:DescribeVoices"


@contextmanager
def translate_errors(asked_for: str) -> Iterator[None]:
    """Raise this service's errors for boto3's; `asked_for` describes the request in their texts.

    Raises SpeechDenied, SpeechThrottled, SpeechRefused, LimitExceeded, UnknownVoice, SpeechFailed.
    """
    try:
        yield
    except (
        exceptions.NoCredentialsError,
        exceptions.PartialCredentialsError,
        exceptions.CredentialRetrievalError,
        exceptions.TokenRetrievalError,
    ) as error:
        raise SpeechDenied(
            f"there are no usable AWS credentials for Amazon Polly ({error}). Give the worker a role, or set "
            f"AWS_PROFILE or AWS_ACCESS_KEY_ID; {_ALLOW}"
        ) from error
    except exceptions.ClientError as error:
        raise _classify(error, asked_for) from error
    except exceptions.BotoCoreError as error:
        raise SpeechFailed(f"Amazon Polly did not answer ({asked_for}): {error}") from error


def _classify(error: Exception, asked_for: str) -> BandmateError:
    answer = getattr(error, "response", {})
    code = str(answer.get("Error", {}).get("Code", ""))
    message = str(answer.get("Error", {}).get("Message", "")) or code
    if code in THROTTLED:
        return SpeechThrottled(f"Amazon Polly throttles this account ({asked_for}): {message}")
    if code in _DENIED:
        return SpeechDenied(f"Amazon Polly denies access ({code}: {message}); {_ALLOW}")
    if code == "TextLengthExceededException":
        return LimitExceeded(f"Amazon Polly finds the text too long ({asked_for}): {message}")
    if code in _VOICE_ERRORS or "voiceId" in message:
        return UnknownVoice(f"Amazon Polly cannot speak so ({asked_for}): {message}")
    if int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)) < 500:
        return SpeechRefused(f"Amazon Polly answers {code or 'an error'} ({asked_for}): {message}")
    return SpeechFailed(f"Amazon Polly failed ({asked_for}): {message}")
