"""Errors of the engines."""

from bandmate_shared.errors import BandmateError


class SpeechEngineMissing(BandmateError):
    """No speech engine is installed on the worker; a retry does not help."""

    type = "speech-engine-missing"
    title = "No speech engine is installed"
    status = 503


class SpeechFailed(BandmateError):
    """The engine crashed, hung, or sent an answer that cannot be read; a retry may succeed."""

    type = "speech-failed"
    title = "The speech engine failed"
    status = 503
    retryable = True
