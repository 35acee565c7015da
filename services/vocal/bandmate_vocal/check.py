"""What can be said of a request without singing it."""

import re

from bandmate_shared.contracts.vocals import VocalRequest
from bandmate_shared.errors import InvalidRequest

_TAIL_SECONDS = 0.5
"""How far the last note may reach past the end of the song; it is cut there."""


def check(request: VocalRequest) -> VocalRequest:
    """The request as it is. Raises InvalidRequest for notes past the song's end, and for a hash that is none.

    Voices are looked up by the worker, which has the speech engine; an unknown one fails the job with what there is.
    """
    last = request.notes[-1]
    if last.onset + last.duration > request.seconds + _TAIL_SECONDS:
        raise InvalidRequest(
            f"the last note ends at {last.onset + last.duration:.2f} s, but the song is said to last "
            f"{request.seconds:.2f} s; `seconds` must be the whole length"
        )
    if request.instrumental is not None and not re.fullmatch(r"[0-9a-f]{64}", request.instrumental):
        raise InvalidRequest("`instrumental` must be the SHA-256 of a WAV in the store, 64 hexadecimal digits")
    return request
