"""What can go wrong with Amazon Polly, in this service's words: what a person can mend, and what a retry mends."""

from collections.abc import Iterator
from contextlib import contextmanager

from bandmate_shared.errors import BandmateError, InvalidRequest, LimitExceeded

from bandmate_vocal.speech import SpeechFailed, UnknownVoice


class SpeechDenied(BandmateError):
    """No credentials, wrong ones, or ones that may not speak. Mended by who runs the service."""

    type = "speech-denied"
    title = "The speech service does not let us in"
    status = 503


class SpeechThrottled(SpeechFailed):
    """More was asked than the account's quota allows, and waiting between tries did not help."""

    type = "speech-throttled"
    title = "The speech service asks us to slow down"


class SpeechRefused(InvalidRequest):
    """The service understood and will not say it."""

    type = "speech-refused"
    title = "The speech service refuses this text"


THROTTLED = ("ThrottlingException", "Throttling", "TooManyRequestsException", "LimitExceededException")
_DENIED = (
    "AccessDeniedException", "AccessDenied", "ExpiredTokenException", "IncompleteSignatureException",
    "InvalidClientTokenId", "InvalidSignatureException", "MissingAuthenticationTokenException", "NotAuthorized",
    "OptInRequired", "SignatureDoesNotMatch", "UnrecognizedClientException",
)  # fmt: skip
_NO_VOICE = ("EngineNotSupportedException", "LanguageNotSupportedException")
_ALLOW = "the role needs polly:SynthesizeSpeech and polly:DescribeVoices"


@contextmanager
def translated(asked_for: str) -> Iterator[None]:
    """Turn boto3's errors into this service's. `asked_for` says what was wanted, for the person who reads it.

    Raises SpeechDenied, SpeechThrottled, SpeechRefused, LimitExceeded, UnknownVoice, SpeechFailed.
    """
    from botocore import exceptions

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
        raise _of_code(error, asked_for) from error
    except exceptions.BotoCoreError as error:
        raise SpeechFailed(f"Amazon Polly did not answer ({asked_for}): {error}") from error


def _of_code(error: Exception, asked_for: str) -> BandmateError:
    answer = getattr(error, "response", {})
    code = str(answer.get("Error", {}).get("Code", ""))
    message = str(answer.get("Error", {}).get("Message", "")) or code
    if code in THROTTLED:
        return SpeechThrottled(f"Amazon Polly throttles this account ({asked_for}): {message}")
    if code in _DENIED:
        return SpeechDenied(f"Amazon Polly denies access ({code}: {message}); {_ALLOW}")
    if code == "TextLengthExceededException":
        return LimitExceeded(f"Amazon Polly finds the text too long ({asked_for}): {message}")
    if code in _NO_VOICE or "voiceId" in message:
        return UnknownVoice(f"Amazon Polly cannot speak so ({asked_for}): {message}")
    if int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)) < 500:
        return SpeechRefused(f"Amazon Polly answers {code or 'an error'} ({asked_for}): {message}")
    return SpeechFailed(f"Amazon Polly failed ({asked_for}): {message}")
