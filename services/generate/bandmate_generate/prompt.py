"""A MIDI file to go on from: read in the sandbox, put on the grid, and dealt out to the line-up's parts."""

import base64
import binascii
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from bandmate_shared.contracts.composition import PartSpec
from bandmate_shared.contracts.jobs import JobState
from bandmate_shared.contracts.songs import MAX_PROMPT_CHARACTERS, SONG_SOURCE, SongRequest
from bandmate_shared.errors import InvalidRequest, LimitExceeded, NotFound, UnreadableFile
from bandmate_shared.jobs.model import Job
from bandmate_shared.music.bars import Bar, Bars, bars_of
from bandmate_shared.music.metre import Metre
from bandmate_shared.music.score import MetreChange, Part, Score
from bandmate_shared.runtime import Runtime
from bandmate_shared.settings import SharedSettings
from bandmate_shared.storage import blob_key
from bandmate_shared.uploads import keep, upload_id_of

from bandmate_generate.ruler import FINEST, Ruler

_SHORTEST = 4
_LAST_BARS = 8
_BASS_BELOW = 52.0
"""A lowest track whose mean pitch is below this (E3) is a bass line."""

Row = tuple[int, int, int, int, int]
"""Part, onset, duration (grid ticks), pitch, velocity."""


@dataclass(frozen=True, slots=True)
class Opening:
    """A prompt on the models' grid: its notes, its bars, and its changes of tempo as (tick, quarters a minute)."""

    rows: list[Row]
    bars: tuple[Bar, ...]
    tempi: tuple[tuple[int, float], ...] = ()


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


def named_prompt(request: SongRequest, runtime: Runtime, tenant: str) -> SongRequest:
    """The request with its prompt as Base64, where it may name an upload or a finished song of the tenant's.

    An upload is kept from now on. A song's style is taken over where the request names none, and its line-up where it
    is to go on.

    Raises:
        NotFound, InvalidRequest, UnreadableFile: no such upload or song, one without its bytes, or no music.
        LimitExceeded: more than a prompt may have.
    """
    prompt = request.prompt
    if prompt is None:
        return request
    if prompt.startswith(SONG_SOURCE):
        job, data = _song(prompt.removeprefix(SONG_SOURCE), runtime, tenant)
        update: dict[str, object] = {"prompt": _encoded(data, f"song.mid of {job.id}")}
        made_of = SongRequest.model_validate(
            {**job.request, "prompt": None, "infill": None, "add": None, "variation": None}
        )
        if "style" not in request.model_fields_set:
            update["style"] = made_of.style
        if not request.edits and not {"instruments", "tracks"} & request.model_fields_set:
            update |= {"instruments": made_of.instruments, "tracks": made_of.tracks}
        return request.model_copy(update=update)
    upload_id = upload_id_of(prompt)
    if upload_id is None:
        return request
    upload = keep(runtime.storage, tenant, upload_id, runtime.settings)
    _check_size(upload.ticket.size, upload.ticket.filename)
    data = runtime.storage.get(upload.key)
    return request.model_copy(update={"prompt": _encoded(data, upload.ticket.filename)})


def _song(named: str, runtime: Runtime, tenant: str) -> tuple[Job, bytes]:
    """A finished song's job and its MIDI file; `named` is a job's id, perhaps with a take: `song_…/take-2`."""
    job_id, _, take = named.strip().partition("/")
    try:
        job = runtime.store.get(job_id, tenant)
    except NotFound:
        job = None
    if job is None or job.kind not in ("song", "take"):
        raise NotFound(f"there is no song {job_id!r} of yours")
    if job.state is not JobState.SUCCEEDED:
        raise InvalidRequest(f"the song {job_id} is {job.state.value}; only a finished one can be worked on")
    artifact = job.artifact(f"{take}/song.mid" if take else "song.mid")
    if artifact is None:
        takes = sorted(one.name.split("/")[0] for one in job.artifacts if one.name.endswith("/song.mid"))
        if not takes:
            raise NotFound(f"the song {job_id} has no song.mid any more")
        raise InvalidRequest(f"the song {job_id} has several takes; name one: {SONG_SOURCE}{job_id}/{takes[0]}")
    return job, runtime.storage.get(blob_key(artifact.sha256))


def _encoded(data: bytes, name: str) -> str:
    _check_size(len(data), name)
    return base64.b64encode(data).decode()


def _check_size(size: int, name: str) -> None:
    most = MAX_PROMPT_CHARACTERS // 4 * 3
    if size > most:
        raise LimitExceeded(f"{name} has {size:,} bytes; a prompt may have {most:,}")


def prompt_bars(score: Score) -> list[Bar]:
    """The bars that the prompt says it has; none where it says nothing."""
    return bars_of(score) if score.metres else []


def fit_prompt(
    score: Score, parts: Sequence[PartSpec], metre: Metre, semitones: int = 0, *, own_bars: bool = False
) -> Opening:
    """The prompt's notes as rows for the model, and the bars they fill: of `metre`, or with `own_bars` those that the
    prompt says it has. Empty bars before the first note are dropped.

    Each track goes to one part: drums to the drums, the highest line to the melody, the lowest to the bass, the rest to
    the harmony. Notes out of a part's range are moved by octaves.

    Raises:
        InvalidRequest: nothing of it can be played by the line-up; a model cannot count one of its own bars.
    """
    rows: list[Row] = []
    told = score if own_bars else replace(score, metres=(MetreChange(0, metre),))
    ruler = Ruler.of(bars_of(told), score.ticks_per_quarter)
    for part, target in _deal(score, parts):
        spec = parts[target]
        notes = part.notes
        onsets = ruler.quantised(notes.onset.tolist())
        ends = ruler.quantised((notes.onset.astype(np.int64) + notes.duration).tolist())
        for onset, end, pitch, velocity in zip(
            onsets, ends, notes.pitch.tolist(), notes.velocity.tolist(), strict=True
        ):
            placed = pitch if spec.is_drum else _into_range(pitch + semitones, spec.low, spec.high)
            rows.append((target, onset, max(_SHORTEST, end - onset), placed, max(1, min(127, velocity))))
    if not rows:
        raise InvalidRequest("no part of this style can play anything of the prompt")
    frame = ruler.grid
    first = frame.at(min(row[1] for row in rows))
    # A note that was moved over the last bar line adds no bar.
    last = max(ruler.bar_at(int(part.notes.onset.max())) for part, _ in _deal(score, parts))
    last = min(frame.at(max(row[1] for row in rows)), last)
    bars = Bars.of((bar.length, bar.metre) for bar in frame.bars[first : last + 1])
    offset, late = frame[first].onset, bars.end - FINEST
    rows = [(part, min(onset - offset, late), duration, pitch, loud) for part, onset, duration, pitch, loud in rows]
    tempi = {max(0, ruler.grid_tick(change.onset) - offset): change.tempo for change in score.tempi}
    inside = tuple((onset, tempo) for onset, tempo in tempi.items() if onset < bars.end)
    return Opening(_playable(rows, parts, bars.end), bars.bars, inside)


def last_tempo(score: Score) -> float | None:
    """The tempo of most of the last bars: a song does not go on in its own ritardando. None where none is said."""
    bars = bars_of(score)
    start, end = bars[-_LAST_BARS:][0].onset, bars[-1].end
    held: Counter[float] = Counter()
    for number, change in enumerate(score.tempi):
        until = min(score.tempi[number + 1].onset, end) if number + 1 < len(score.tempi) else end
        held[change.tempo] += max(0, until - max(change.onset, start))
    return held.most_common(1)[0][0] if held else None


def _deal(score: Score, parts: Sequence[PartSpec]) -> list[tuple[Part, int]]:
    """Which of the line-up's parts each track of the prompt goes to; a track that none can play is left out.

    A track of a part's own name and kind goes to that part: a song of ours goes on as it was.
    """
    dealt: list[tuple[Part, int]] = []
    named = {(spec.name, spec.is_drum): index for index, spec in enumerate(parts)}
    rest = []
    for part in score.parts:
        target = named.pop((part.name, part.is_drum), None)
        if target is None:
            rest.append(part)
        elif len(part.notes):
            dealt.append((part, target))
    free = {index for _, index in dealt} ^ set(range(len(parts)))
    drums = next((index for index, part in enumerate(parts) if part.is_drum), None)
    melody = next((index for index in sorted(free) if parts[index].role == "melody"), None)
    bass = next((index for index in sorted(free) if parts[index].role == "bass"), None)
    harmony = [index for index, part in enumerate(parts) if part.role == "harmony"]
    harmony = [index for index in harmony if index in free] or harmony
    pitched = []
    for part in rest:
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
