"""Read the score of a vocal request into its notes."""

import base64
import binascii

from bandmate_music.limits import Limits

from bandmate_shared.contracts.vocals import SungScore, VocalRequest
from bandmate_shared.errors import UnreadableFile, about


def with_notes(request: VocalRequest, limits: Limits) -> VocalRequest:
    """The request with the notes of its score, and without the score; one that has notes is given back as it is.

    Raises:
        UnreadableFile: the file is not Base64, or no score; with `strict`, a damaged one.
        LimitExceeded: it is past a limit on files.
        InvalidRequest: it has no such part, no words, or notes that no voice reaches; what `sung_language` raises.
    """
    asked = request.score
    if asked is None:
        return request
    from bandmate_shared.singing.read_score import notes_of_score  # start-up time: numpy

    with about("score"):
        return notes_of_score(_bytes_of(asked), request, asked, limits)


def _bytes_of(score: SungScore) -> bytes:
    try:
        return base64.b64decode(score.file, validate=True)
    except (binascii.Error, ValueError):
        raise UnreadableFile("the score is not Base64; send the bytes of the file encoded as Base64") from None
