"""`report.json`: what was asked against what is in `song.mid`, read back from the file rather than remembered."""

from collections.abc import Mapping
from typing import Any

from bandmate_shared.contracts.songs import Measured, Originality, SongReport, SongRequest
from bandmate_shared.music.bars import bars_of
from bandmate_shared.music.gm import program_name
from bandmate_shared.music.limits import Limits
from bandmate_shared.music.midi_read import read_midi
from bandmate_shared.music.score import Part, Score
from bandmate_shared.settings import SharedSettings

from bandmate_generate.chords import chords_of
from bandmate_generate.key_estimate import estimate_key
from bandmate_generate.plan import SongPlan
from bandmate_generate.soundfont import Soundfont

_TEMPO_TOLERANCE = 0.001
"""A MIDI file counts microseconds a quarter note, which rounds the tempo by less than this."""
_NOTE_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


def make_report(
    job_id: str,
    request: SongRequest,
    plan: SongPlan,
    midi: bytes,
    settings: SharedSettings,
    *,
    model: dict[str, str],
    originality: Originality,
    loudness: Mapping[str, float],
    soundfont: Soundfont,
    timings: Mapping[str, float],
    vocal: dict[str, Any] | None,
) -> SongReport:
    """The report on a song. `loudness` is that of song.wav."""
    score = read_midi(midi, Limits.from_settings(settings))
    return SongReport(
        job_id=job_id,
        seed=plan.seed,
        style=plan.style.name,
        model=model,
        properties=measure(request, plan, score),
        originality=originality,
        loudness=dict(loudness),
        soundfont=soundfont.described(),
        timings={stage: round(seconds, 3) for stage, seconds in timings.items()},
        notes=score.note_count,
        seconds=round(plan.seconds, 3),
        vocal=vocal,
    )


def measure(request: SongRequest, plan: SongPlan, score: Score) -> dict[str, Measured]:
    """Each property of the song in the file. What was not asked for is held against what the plan chose."""
    key = estimate_key(score)
    tempo = score.tempi[0].tempo if score.tempi else 120.0
    metre = score.metres[0].metre.name if score.metres else "4/4"
    bars = len(bars_of(score))
    wanted = {spec.name: _instrument(spec.program, spec.is_drum) for spec in plan.specs}
    found = {part.name: _instrument(part.program, part.is_drum) for part in score.parts if len(part.notes)}
    ranges = {part.name: _range(part) for part in score.parts if len(part.notes) and not part.is_drum}
    limits = {spec.name: (spec.low, spec.high) for spec in plan.specs}
    syllables = [lyric.text for part in score.parts for lyric in part.lyrics]
    properties = {
        "style": Measured(requested=request.style, measured=plan.style.name),
        "key": Measured(requested=request.key, measured=key.name if key else None, met=key in (None, plan.key)),
        "tempo": Measured(
            requested=request.tempo, measured=round(tempo, 2), met=abs(tempo / plan.tempo - 1) < _TEMPO_TOLERANCE
        ),
        "metre": Measured(requested=request.metre, measured=metre, met=metre == plan.metre.name),
        "bars": Measured(requested=request.bars, measured=bars, met=bars == plan.bars),
        "instruments": Measured(requested=wanted, measured=found, met=found == wanted),
        "range": Measured(
            requested={name: f"{_note(low)}-{_note(high)}" for name, (low, high) in limits.items() if name in ranges},
            measured={name: f"{_note(low)}-{_note(high)}" for name, (low, high) in ranges.items()},
            met=all(limits[name][0] <= low and high <= limits[name][1] for name, (low, high) in ranges.items()),
        ),
        "chords": Measured(measured=chords_of(score, plan.bars, plan.key)),
    }
    if plan.sung:
        properties["lyrics"] = Measured(
            requested=f"{len(plan.sung)} syllables",
            measured=f"{len(syllables)} syllables",
            met=syllables == [sung.syllable.text for sung in plan.sung],
        )
    if plan.prompt_bars:
        properties["prompt"] = Measured(
            requested=f"{plan.prompt_bars} bars",
            measured={"bars": plan.prompt_bars, "moved_semitones": plan.prompt_semitones},
        )
    return properties


def _instrument(program: int, is_drum: bool) -> str:
    return "Drums" if is_drum else program_name(program)


def _range(part: Part) -> tuple[int, int]:
    return int(part.notes.pitch.min()), int(part.notes.pitch.max())


def _note(pitch: int) -> str:
    return f"{_NOTE_NAMES[pitch % 12]}{pitch // 12 - 1}"
