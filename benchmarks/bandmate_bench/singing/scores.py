"""Real scores with words: which are accepted, and their beginnings as requests to sing."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bandmate_local.melody import vocal_request
from bandmate_local.settings import local_settings
from bandmate_music.sandbox.pool import read_untrusted
from bandmate_shared.contracts.vocals import VocalRequest
from bandmate_shared.errors import BandmateError, InvalidRequest, NotFound
from bandmate_shared.faults import in_words
from bandmate_shared.singing.melody import Singing
from pydantic import ValidationError

from bandmate_bench.singing.own_lyrics import SUFFIXES, own_lyrics, words_kept

_SUFFIXES = (*SUFFIXES, ".mid", ".midi", ".kar")
_ENGLISH = "en"
"""Folder of the scores whose words are English."""
_TAIL_SECONDS = 0.5
_LEAD_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class ReadScore:
    """A score, its request to sing or the reason why there is none, and whether all of its words are in it.

    `words_kept` is None where the file's words cannot be read by the benchmark's own reader.
    """

    path: Path
    request: VocalRequest | None
    reason: str
    words_kept: bool | None


def read_scores(folder: Path, progress: Callable[[str, int, int], None]) -> list[ReadScore]:
    """Every score with words below a folder, as `bandmate sing` reads it.

    Raises:
        NotFound: there is no such folder.
        InvalidRequest: no score is in it.
    """
    if not folder.is_dir():
        raise NotFound(f"there is no folder {folder}")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
    if not paths:
        raise InvalidRequest(f"{folder} holds no score ({', '.join(_SUFFIXES)})")
    scores = []
    for number, path in enumerate(paths, 1):
        wanted = own_lyrics(path) if path.suffix.lower() in SUFFIXES else []
        if wanted is not None:  # Without words it is no score to sing.
            scores.append(_read(path, wanted))
        progress("scores read", number, len(paths))
    return scores


def _read(path: Path, wanted: Sequence[str]) -> ReadScore:
    try:
        score = read_untrusted(path.read_bytes(), path.name, local_settings().file_limits)
        request = vocal_request(score, None, Singing())
    except BandmateError as error:
        return ReadScore(path, None, error.detail, None)
    except ValidationError as error:
        return ReadScore(path, None, in_words(error), None)
    sung = [note.syllable for note in request.notes if note.syllable is not None]
    return ReadScore(path, request, "", words_kept(wanted, sung) if wanted else None)


def acceptance(scores: Sequence[ReadScore]) -> dict[str, Any]:
    """Shares of scores accepted, and of those accepted whose words are all sung; the others with the reason."""
    accepted = [score for score in scores if score.request is not None]
    compared = [score for score in accepted if score.words_kept is not None]
    return {
        "scores": len(scores),
        "accepted": len(accepted) / len(scores) if scores else None,
        "words_kept": sum(score.words_kept is True for score in compared) / len(compared) if compared else None,
        "compared": len(compared),
        "refused": {score.path.stem: score.reason for score in scores if score.request is None},
        "words_lost": [score.path.stem for score in compared if not score.words_kept],
    }


def chosen(scores: Sequence[ReadScore], pieces: int, names: Sequence[str], seed: int) -> list[ReadScore]:
    """The scores to sing: those named, else so many drawn by the seed; of English words where a folder says so.

    Raises:
        NotFound: one of the names is not among the scores that are accepted.
    """
    accepted = {score.path.stem: score for score in scores if score.request is not None}
    if names:
        if missing := [name for name in names if name not in accepted]:
            raise NotFound(f"among the scores that are accepted there is no {', '.join(missing)}")
        return [accepted[name] for name in names]
    found = list(accepted.values())
    found = [score for score in found if score.path.parent.name == _ENGLISH] or found
    random.Random(seed).shuffle(found)  # noqa: S311 - samples, not secrets
    return sorted(found[:pieces], key=lambda score: score.path.stem)


def beginning(request: VocalRequest, seconds: float) -> VocalRequest:
    """The first so many seconds from the first note on, less what is before it, ending with a whole note."""
    first = request.notes[0].onset
    notes = [
        note.model_copy(update={"onset": round(note.onset - first + _LEAD_SECONDS, 6)})
        for note in request.notes
        if note.onset + note.duration - first <= seconds
    ] or request.notes[:1]
    end = max(note.onset + note.duration for note in notes)
    return VocalRequest.model_validate(
        request.model_dump() | {"notes": [note.model_dump() for note in notes], "seconds": end + _TAIL_SECONDS}
    )


def transposed(request: VocalRequest, semitones: int, voice: str) -> VocalRequest:
    """The same for another singer."""
    notes = [note.model_dump() | {"pitch": note.pitch + semitones} for note in request.notes]
    return VocalRequest.model_validate(request.model_dump() | {"notes": notes, "voice": voice, "voices": None})
