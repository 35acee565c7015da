"""Read the file of a sung score."""

from bandmate_music.limits import Limits
from bandmate_music.read import refuse_repairs
from bandmate_music.sandbox.pool import read_untrusted
from bandmate_music.verses import Verses

from bandmate_shared.contracts.vocals import SungScore, VocalRequest
from bandmate_shared.singing.melody import Singing, vocal_request

_READ = {"notes", "voice", "voices", "language", "language_source", "seconds", "notices"}
"""What a request takes from its score."""


def notes_of_score(data: bytes, request: VocalRequest, asked: SungScore, limits: Limits) -> VocalRequest:
    """The request with the notes of `asked`, whose file is `data`. Raises what `from_score.with_notes` raises."""
    score = read_untrusted(data, "score", limits, Verses(asked.verse, asked.every_verse))
    if asked.strict:
        refuse_repairs(score)
    voices = tuple(request.voices or ([request.voice] if request.voice is not None else []))
    singing = Singing(asked.part, asked.lines, asked.transpose, asked.tempo, voices, request.language)
    read = vocal_request(score, singing)
    kept = request.model_dump(exclude=_READ | {"score"})
    return VocalRequest.model_validate(kept | read.model_dump(include=_READ))
