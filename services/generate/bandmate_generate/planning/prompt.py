"""A MIDI prompt to continue: read in the sandbox, quantised to the grid, and assigned to the line-up's parts."""

import base64
import binascii
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from bandmate_music.analysis.bars import bars_of
from bandmate_music.note_rows import NoteRow, sorted_rows
from bandmate_music.read import refuse_repairs
from bandmate_music.sandbox.pool import read_untrusted
from bandmate_music.score import IntArray, MetreChange, Part, Score
from bandmate_music.theory.bars import Bar, Bars
from bandmate_music.theory.metre import Metre
from bandmate_shared.contracts.composition import PartSpec
from bandmate_shared.contracts.jobs import JobState
from bandmate_shared.contracts.songs import MAX_PROMPT_CHARACTERS, SONG_SOURCE, SongRequest, SongWords
from bandmate_shared.errors import InvalidRequest, LimitExceeded, NotFound, UnreadableFile
from bandmate_shared.jobs.model import Job
from bandmate_shared.objects.base import Storage
from bandmate_shared.objects.blobs import blob_key, get_manifest
from bandmate_shared.objects.uploads import keep, upload_id_of
from bandmate_shared.settings import SharedSettings

from bandmate_generate.planning.tick_map import MODEL_STEP, TickMap

if TYPE_CHECKING:
    from bandmate_shared.runtime import Runtime  # start-up time: SQLAlchemy and Celery, for a command that only checks

_MIN_DURATION = 4
_LAST_BARS = 8
_BASS_BELOW = 52.0
"""A lowest track whose mean pitch is below this (E3) is a bass line."""


@dataclass(frozen=True, slots=True)
class Opening:
    """A prompt on the models' grid: its notes, its bars, and its changes of tempo as (tick, quarters a minute).

    `specs` are the parts, as wide as the prompt plays them. `notes` say what was done to the prompt for that.
    """

    rows: list[NoteRow]
    bars: tuple[Bar, ...]
    tempi: tuple[tuple[int, float], ...] = ()
    specs: tuple[PartSpec, ...] = ()
    notes: tuple[str, ...] = ()
    tick_map: TickMap | None = None
    offset: int = 0
    """Grid ticks of the empty bars before the first, which are left out."""

    def grid_onset(self, tick: int) -> int:
        """Where a note of the prompt's file begins."""
        assert self.tick_map is not None
        return self.tick_map.quantised([tick])[0] - self.offset


def read_prompt(encoded: str, settings: SharedSettings, *, strict: bool = False) -> Score:
    """The score in a Base64 MIDI file from a stranger.

    Raises:
        UnreadableFile: it is not Base64, not MIDI, or holds no notes; with `strict`, it is damaged.
        LimitExceeded: it is past a limit on files.
    """
    score = read_untrusted(decode_prompt(encoded), "prompt", settings.file_limits)
    if strict:
        refuse_repairs(score)
    if score.note_count == 0:
        raise UnreadableFile("prompt: the file holds no notes to go on from")
    return score


def decode_prompt(encoded: str) -> bytes:
    """The bytes of a Base64 prompt. Raises UnreadableFile where it is not Base64."""
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise UnreadableFile("the prompt is not Base64; send the bytes of a MIDI file encoded as Base64") from None


def named_prompt(request: SongRequest, runtime: "Runtime", tenant: str) -> SongRequest:
    """The request as it is stored: an upload that it names as Base64, and what it takes over from a song that it names.

    An upload is kept from now on. A song's style and singer are taken over where the request names none, and its
    line-up where it is to go on; the prompt stays the song's name, which `with_source` resolves.

    Raises:
        NotFound, InvalidRequest, UnreadableFile: no such upload or song, one without its bytes, or no music.
        LimitExceeded: more than a prompt may have.
    """
    prompt = request.prompt
    if prompt is None:
        return request
    if prompt.startswith(SONG_SOURCE):
        job = _song(prompt.removeprefix(SONG_SOURCE), runtime, tenant)
        update: dict[str, object] = {}
        of_its_prompt = dict.fromkeys(("prompt", "infill", "add", "variation", "from_bar", "to_bar"))
        made_of = SongRequest.model_validate({**job.request, **of_its_prompt, "strict": False})
        update |= {name: getattr(made_of, name) for name in ("voice", "engine") if getattr(request, name) is None}
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


@dataclass(frozen=True, slots=True)
class Source:
    """A request whose prompt is Base64, and what is sung in the song that it named; None where nothing is."""

    request: SongRequest
    words: SongWords | None = None


def with_source(request: SongRequest, storage: Storage, tenant: str) -> Source:
    """The request with the file of the song that it names, out of the store.

    Raises:
        NotFound: the song has been deleted.
        LimitExceeded: its file has more bytes than a prompt may have.
    """
    if request.prompt is None or not request.prompt.startswith(SONG_SOURCE):
        return Source(request)
    job_id, prefix = _named(request.prompt.removeprefix(SONG_SOURCE))
    try:
        manifest = get_manifest(storage, job_id)
    except ValueError:  # Not a part of a key.
        manifest = None
    if manifest is None or (manifest.job is not None and manifest.job.tenant != tenant):
        raise NotFound(f"the song {job_id} that this one is made of has been deleted")
    files = {artifact.name: artifact for artifact in manifest.artifacts}
    midi, words = files.get(f"{prefix}song.mid"), files.get(f"{prefix}words.json")
    if midi is None:
        raise NotFound(f"the song {job_id} has no {prefix}song.mid any more")
    encoded = _encoded(storage.get(blob_key(midi.sha256)), f"song.mid of {job_id}")
    sung = None if words is None else SongWords.model_validate_json(storage.get(blob_key(words.sha256)))
    return Source(request.model_copy(update={"prompt": encoded}), sung)


def _named(source: str) -> tuple[str, str]:
    """Job id and folder of its files: `song_…/take-2` → (`song_…`, `take-2/`)."""
    job_id, _, take = source.strip().partition("/")
    return job_id, f"{take}/" if take else ""


def require_song(job_id: str, runtime: "Runtime", tenant: str) -> Job:
    """The job of a song of the tenant's, or of a take. Raises NotFound."""
    try:
        job = runtime.store.get(job_id, tenant)
    except NotFound:
        job = None
    if job is None or job.kind not in ("song", "take"):
        raise NotFound(f"there is no song {job_id!r} of yours")
    return job


def _song(named: str, runtime: "Runtime", tenant: str) -> Job:
    """A finished song's job, which has the file; `named` is a job's id, perhaps with a take: `song_…/take-2`."""
    job_id, prefix = _named(named)
    job = require_song(job_id, runtime, tenant)
    if job.state is not JobState.SUCCEEDED:
        raise InvalidRequest(f"the song {job_id} is {job.state.value}; only a finished one can be worked on")
    if job.artifact(f"{prefix}song.mid") is None:
        takes = sorted(file.name.split("/")[0] for file in job.artifacts if file.name.endswith("/song.mid"))
        if not takes:
            raise NotFound(f"the song {job_id} has no song.mid any more")
        raise InvalidRequest(f"the song {job_id} has several takes; name one: {SONG_SOURCE}{job_id}/{takes[0]}")
    return job


def _encoded(data: bytes, name: str) -> str:
    _check_size(len(data), name)
    return base64.b64encode(data).decode()


def _check_size(size: int, name: str) -> None:
    max_bytes = MAX_PROMPT_CHARACTERS // 4 * 3
    if size > max_bytes:
        raise LimitExceeded(f"{name} has {size:,} bytes; a prompt may have {max_bytes:,}")


def prompt_bars(score: Score) -> list[Bar]:
    """The bars that the prompt says it has; none where it says nothing."""
    return bars_of(score) if score.metres else []


def fit_prompt(
    score: Score, parts: Sequence[PartSpec], metre: Metre, semitones: int = 0, *, own_bars: bool = False
) -> Opening:
    """The prompt's notes as rows for the model, and the bars they fill: of `metre`, or with `own_bars` those that the
    prompt says it has. Empty bars before the first note are dropped.

    Each track goes to one part: drums to the drums, the highest line to the melody, the lowest to the bass, the rest to
    the harmony. A track out of its part's range is moved by octaves as a whole, or not at all: a part is made as wide
    as what it is given.

    Raises:
        InvalidRequest: nothing of it can be played by the line-up; a model cannot count one of its own bars.
    """
    rows: list[NoteRow] = []
    barred = score if own_bars else replace(score, metres=(MetreChange(0, metre),))
    tick_map = TickMap.of(bars_of(barred), score.ticks_per_quarter, score.tempi)
    assigned = _assign_tracks(score, parts)
    specs, notes = list(parts), [notice.text for notice in score.notices]
    for part, target in assigned:
        spec = parts[target]
        shift = semitones if spec.is_drum else semitones + _octaves(part.notes.pitch + semitones, spec)
        if shift != semitones:
            octaves = (shift - semitones) // 12
            direction = "up" if octaves > 0 else "down"
            notes.append(f"{part.name or 'a track'} of the prompt is played {abs(octaves)} octave(s) {direction}")
        specs[target] = _fitting(specs[target], part, 0 if spec.is_drum else shift)
        onsets = tick_map.quantised(part.notes.onset.tolist())
        ends = tick_map.quantised((part.notes.onset.astype(np.int64) + part.notes.duration).tolist())
        columns = zip(onsets, ends, part.notes.pitch.tolist(), part.notes.velocity.tolist(), strict=True)
        for onset, end, pitch, velocity in columns:
            placed = pitch if spec.is_drum else min(127, max(0, pitch + shift))
            rows.append(NoteRow(target, onset, max(_MIN_DURATION, end - onset), placed, max(1, min(127, velocity))))
    if not rows:
        raise InvalidRequest("no part of this style can play anything of the prompt")
    frame = tick_map.grid
    first = frame.at(min(row.onset for row in rows))
    # A note that was moved over the last bar line adds no bar.
    last = max(tick_map.bar_of_onset(int(part.notes.onset.max())) for part, _ in assigned)
    last = min(frame.at(max(row.onset for row in rows)), last)
    bars = Bars.of((bar.length, bar.metre) for bar in frame.bars[first : last + 1])
    offset, late = frame[first].onset, bars.end - MODEL_STEP
    rows = [row._replace(onset=min(row.onset - offset, late)) for row in rows]
    tempi = {max(0, tick_map.grid_tick(change.onset) - offset): change.tempo for change in score.tempi}
    inside = tuple((onset, tempo) for onset, tempo in tempi.items() if onset < bars.end)
    opening = Opening(_playable(rows, specs, bars.end), bars.bars, inside, tuple(specs), tuple(notes))
    return replace(opening, tick_map=tick_map, offset=offset)


def last_tempo(score: Score) -> float | None:
    """The tempo of most of the last bars: a song does not go on in its own ritardando. None where none is said."""
    bars = bars_of(score)
    start, end = bars[-_LAST_BARS:][0].onset, bars[-1].end
    held: Counter[float] = Counter()
    for number, change in enumerate(score.tempi):
        until = min(score.tempi[number + 1].onset, end) if number + 1 < len(score.tempi) else end
        held[change.tempo] += max(0, until - max(change.onset, start))
    return held.most_common(1)[0][0] if held else None


def _assign_tracks(score: Score, parts: Sequence[PartSpec]) -> list[tuple[Part, int]]:
    """Assign each track of the prompt to a part of the line-up; a track that none can play is left out.

    A track with a part's name goes to that part, so that a song of ours continues as it was.
    """
    assigned: list[tuple[Part, int]] = []
    named = {(spec.name, spec.is_drum): index for index, spec in enumerate(parts)}
    rest = []
    for part in score.parts:
        target = named.pop((part.name, part.is_drum), None)
        if target is None:
            rest.append(part)
        elif len(part.notes):
            assigned.append((part, target))
    free = {index for _, index in assigned} ^ set(range(len(parts)))
    drums = next((index for index, part in enumerate(parts) if part.is_drum), None)
    melody = next((index for index in sorted(free) if parts[index].role == "melody"), None)
    bass = next((index for index in sorted(free) if parts[index].role == "bass"), None)
    harmony = [index for index, part in enumerate(parts) if part.role == "harmony"]
    harmony = [index for index in harmony if index in free] or harmony
    pitched = []
    for part in rest:
        if part.is_drum and drums is not None and len(part.notes):
            assigned.append((part, drums))
        elif not part.is_drum and len(part.notes):
            pitched.append(part)
    pitched.sort(key=lambda part: -float(part.notes.pitch.mean()))
    if pitched and melody is not None:
        assigned.append((pitched.pop(0), melody))
    if pitched and bass is not None and (not harmony or float(pitched[-1].notes.pitch.mean()) < _BASS_BELOW):
        assigned.append((pitched.pop(), bass))
    for number, part in enumerate(pitched):
        if harmony:
            assigned.append((part, harmony[min(number, len(harmony) - 1)]))
    return assigned


def _octaves(pitches: IntArray, spec: PartSpec) -> int:
    """By how many semitones, in octaves, a track moves so that most of its notes lie in a part's range; least first."""

    def inside(shift: int) -> int:
        return int(np.count_nonzero((pitches + shift >= spec.low) & (pitches + shift <= spec.high)))

    return max((12 * octaves for octaves in (0, -1, 1, -2, 2, -3, 3)), key=inside)


def _fitting(spec: PartSpec, part: Part, shift: int) -> PartSpec:
    """A part as wide, and with as many notes at once, as the track that it is given."""
    if spec.is_drum:
        return spec
    low, high = int(part.notes.pitch.min()) + shift, int(part.notes.pitch.max()) + shift
    is_chords = bool((np.diff(part.notes.onset) == 0).any()) and not spec.is_voice
    return spec.model_copy(
        update={
            "low": max(0, min(spec.low, low)),
            "high": min(127, max(spec.high, high)),
            "monophonic": spec.monophonic and not is_chords,
        }
    )


def _playable(rows: list[NoteRow], parts: Sequence[PartSpec], end: int) -> list[NoteRow]:
    """Sorted; no pitch struck while it sounds, one note at a time where a part can only do that, nothing past `end`."""
    playable: list[NoteRow] = []
    for index, part in enumerate(parts):
        part_rows = sorted(
            {row[1:4]: row for row in rows if row.part == index}.values(),
            key=lambda row: (row.onset, -row.pitch, -row.duration),
        )
        following: dict[int, int] = {}
        shortened = []
        for row in reversed(part_rows):
            line = -1 if part.monophonic else row.pitch
            stop = min(row.end, following.get(line, end), end)
            if stop > row.onset:
                shortened.append(row._replace(duration=stop - row.onset))
                following[line] = row.onset
        if part.monophonic:
            highest = {row.onset: row for row in sorted(shortened, key=lambda row: row.pitch)}
            shortened = list(highest.values())
        playable += shortened
    return sorted_rows(playable)
