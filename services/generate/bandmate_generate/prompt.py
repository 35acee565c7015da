"""A MIDI file to go on from: read in the sandbox, put on the grid, and dealt out to the line-up's parts."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any

import numpy as np
from bandmate_shared.contracts.composition import GRID_TICKS_PER_QUARTER, PartSpec
from bandmate_shared.contracts.songs import MAX_PROMPT_CHARACTERS
from bandmate_shared.errors import InvalidRequest, LimitExceeded, UnreadableFile
from bandmate_shared.music.metre import Metre
from bandmate_shared.music.score import Part, Score
from bandmate_shared.settings import SharedSettings
from bandmate_shared.storage import Storage
from bandmate_shared.uploads import keep, upload_id_of
from numpy.typing import NDArray

_POSITIONS = np.array([0, 6, 8, 12, 16, 18, 24])
"""Sixteenths and triplet eighths of a quarter note, in grid ticks."""
_SHORTEST = 4
_BASS_BELOW = 52.0
"""A lowest track whose mean pitch is below this (E3) is a bass line."""

Row = tuple[int, int, int, int, int]
"""Part, onset, duration (grid ticks), pitch, velocity."""


def read_prompt(encoded: str, settings: SharedSettings) -> Score:
    """The score in a Base64 MIDI file from a stranger.

    Raises:
        UnreadableFile: it is not Base64, not MIDI, or holds no notes.
        LimitExceeded: it is past a limit on files.
    """
    from bandmate_shared.music.sandbox import read_untrusted

    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise UnreadableFile("the prompt is not Base64; send the bytes of a MIDI file encoded as Base64") from None
    score = read_untrusted(data, "prompt", settings)
    if score.note_count == 0:
        raise UnreadableFile("prompt: the file holds no notes to go on from")
    return score


def uploaded_prompt(prompt: str, storage: Storage, tenant: str, settings: SharedSettings) -> str:
    """A request's prompt as Base64, where it may name an upload of the tenant's, which is kept from now on.

    Raises:
        NotFound, InvalidRequest, UnreadableFile: no such upload, one without its bytes, or no music.
        LimitExceeded: more than a prompt may have.
    """
    upload_id = upload_id_of(prompt)
    if upload_id is None:
        return prompt
    upload = keep(storage, tenant, upload_id, settings)
    most = MAX_PROMPT_CHARACTERS // 4 * 3
    if upload.ticket.size > most:
        raise LimitExceeded(f"{upload.ticket.filename} has {upload.ticket.size:,} bytes; a prompt may have {most:,}")
    return base64.b64encode(storage.get(upload.key)).decode()


def fit_prompt(score: Score, parts: Sequence[PartSpec], metre: Metre, semitones: int = 0) -> tuple[list[Row], int]:
    """The prompt's notes as rows for the model, and the bars they fill. Empty bars before the first note are dropped.

    Each track goes to one part: drums to the drums, the highest line to the melody, the lowest to the bass, the rest to
    the harmony. Notes out of a part's range are moved by octaves.

    Raises:
        InvalidRequest: nothing of it can be played by the line-up.
    """
    rows: list[Row] = []
    scale = GRID_TICKS_PER_QUARTER / score.ticks_per_quarter
    for part, target in _deal(score, parts):
        spec = parts[target]
        notes = part.notes
        onsets = _quantised(notes.onset * scale)
        ends = _quantised((notes.onset + notes.duration) * scale)
        for onset, end, pitch, velocity in zip(
            onsets.tolist(), ends.tolist(), notes.pitch.tolist(), notes.velocity.tolist(), strict=True
        ):
            placed = pitch if spec.is_drum else _into_range(pitch + semitones, spec.low, spec.high)
            rows.append((target, onset, max(_SHORTEST, end - onset), placed, max(1, min(127, velocity))))
    if not rows:
        raise InvalidRequest("no part of this style can play anything of the prompt")
    length = metre.bar_ticks(GRID_TICKS_PER_QUARTER)
    offset = min(row[1] for row in rows) // length * length
    rows = [(part, onset - offset, duration, pitch, velocity) for part, onset, duration, pitch, velocity in rows]
    bars = max(row[1] for row in rows) // length + 1
    return _playable(rows, parts, bars * length), bars


def _deal(score: Score, parts: Sequence[PartSpec]) -> list[tuple[Part, int]]:
    """Which of the line-up's parts each track of the prompt goes to; a track that none can play is left out."""
    dealt: list[tuple[Part, int]] = []
    drums = next((index for index, part in enumerate(parts) if part.is_drum), None)
    melody = next((index for index, part in enumerate(parts) if part.role == "melody"), None)
    bass = next((index for index, part in enumerate(parts) if part.role == "bass"), None)
    harmony = [index for index, part in enumerate(parts) if part.role == "harmony"]
    pitched = []
    for part in score.parts:
        if part.is_drum and drums is not None and len(part.notes):
            dealt.append((part, drums))
        elif not part.is_drum and len(part.notes):
            pitched.append(part)
    pitched.sort(key=lambda part: -float(part.notes.pitch.mean()))
    if pitched and melody is not None:
        dealt.append((pitched.pop(0), melody))
    if pitched and bass is not None and (not harmony or float(pitched[-1].notes.pitch.mean()) < _BASS_BELOW):
        dealt.append((pitched.pop(), bass))
    for number, part in enumerate(pitched):
        if harmony:
            dealt.append((part, harmony[min(number, len(harmony) - 1)]))
    return dealt


def _quantised(ticks: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    """Each tick moved to the nearest sixteenth or triplet."""
    quarter = np.floor(ticks / GRID_TICKS_PER_QUARTER).astype(np.int64) * GRID_TICKS_PER_QUARTER
    nearest = np.abs((ticks - quarter)[:, None] - _POSITIONS[None, :]).argmin(axis=1)
    result: NDArray[np.int64] = quarter + _POSITIONS[nearest]
    return result


def _into_range(pitch: int, low: int, high: int) -> int:
    while pitch > high:
        pitch -= 12
    while pitch < low:
        pitch += 12
    return min(pitch, high)


def _playable(rows: list[Row], parts: Sequence[PartSpec], end: int) -> list[Row]:
    """Sorted; no pitch struck while it sounds, one note at a time where a part can only do that, nothing past `end`."""
    kept: list[Row] = []
    for index, part in enumerate(parts):
        own = sorted(
            {row[1:4]: row for row in rows if row[0] == index}.values(), key=lambda row: (row[1], -row[3], -row[2])
        )
        following: dict[int, int] = {}
        result = []
        for _, onset, duration, pitch, velocity in reversed(own):
            line = -1 if part.monophonic else pitch
            stop = min(onset + duration, following.get(line, end), end)
            if stop > onset:
                result.append((index, onset, stop - onset, pitch, velocity))
                following[line] = onset
        if part.monophonic:
            highest = {row[1]: row for row in sorted(result, key=lambda row: row[3])}
            result = list(highest.values())
        kept += result
    return sorted(kept, key=lambda row: (row[1], row[0], row[3]))
