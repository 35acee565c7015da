"""What only a new song is measured by: its frame and line-up against the plan's, its words, its prompt."""

from bandmate_music.analysis.bars import bars_of
from bandmate_music.analysis.key_finder import estimate_key
from bandmate_music.general_midi import instrument_name
from bandmate_music.note_rows import NoteRow, sorted_rows
from bandmate_music.score import Score
from bandmate_music.theory.bars import metres_in_words
from bandmate_shared.contracts.composition import GRID_TICKS_PER_QUARTER
from bandmate_shared.contracts.songs import Measured, SongRequest

from bandmate_generate.planning.song_plan import WritePlan

_TEMPO_TOLERANCE = 0.001
"""A MIDI file counts microseconds per quarter note, which rounds the tempo by less than this."""


def composed_rows(plan: WritePlan, score: Score, ticks_per_quarter: int = GRID_TICKS_PER_QUARTER) -> list[NoteRow]:
    """The notes after the prompt, in ticks of the plan's grid or finer ones."""
    index = {spec.name: part for part, spec in enumerate(plan.specs)}
    scale = ticks_per_quarter / score.ticks_per_quarter
    start = plan.frame.start(plan.prompt_bars) * ticks_per_quarter // GRID_TICKS_PER_QUARTER
    rows = []
    for part in score.parts:
        if part.name not in index:
            continue
        notes = part.notes
        columns = (notes.onset.tolist(), notes.duration.tolist(), notes.pitch.tolist(), notes.velocity.tolist())
        for onset, duration, pitch, velocity in zip(*columns, strict=True):
            begin = round(onset * scale)
            if begin >= start:
                length = max(1, round((onset + duration) * scale) - begin)
                rows.append(NoteRow(index[part.name], begin, length, pitch, velocity))
    return sorted_rows(rows)


def frame_properties(request: SongRequest, plan: WritePlan, score: Score) -> dict[str, Measured]:
    """Style, key, tempo, metre and bars."""
    key = estimate_key(score)
    # A performance may slow down at the end; after a prompt the song's own tempo is the last one.
    number = 0 if plan.form is not None else -1
    tempo = score.tempi[number].tempo if score.tempi else 120.0
    bars = bars_of(score)
    metre = metres_in_words(bars)
    return {
        "style": Measured(requested=request.style, measured=plan.style.name),
        "key": Measured(requested=request.key, measured=key.name if key else None, met=key in (None, plan.key)),
        "tempo": Measured(
            requested=request.tempo,
            measured=round(tempo, 2),
            met=abs(tempo / plan.tempo - 1) < _TEMPO_TOLERANCE,
            hard=True,
        ),
        "metre": Measured(
            requested=request.metre, measured=metre, met=metre == metres_in_words(plan.frame.bars), hard=True
        ),
        "bars": Measured(requested=request.bars, measured=len(bars), met=len(bars) == plan.bars, hard=True),
    }


def instruments(request: SongRequest, plan: WritePlan, score: Score) -> Measured:
    """Which part has which instrument."""
    requested = {spec.name: instrument_name(spec.program, spec.is_drum) for spec in plan.specs}
    measured = {part.name: instrument_name(part.program, part.is_drum) for part in score.parts if len(part.notes)}
    is_hard = request.instruments is not None or request.tracks is not None
    return Measured(requested=requested, measured=measured, met=measured == requested, hard=is_hard)


def own_properties(plan: WritePlan, score: Score) -> dict[str, Measured]:
    """The words and the prompt, where there are any."""
    properties = {}
    if plan.sung:
        syllables = [lyric.text for part in score.parts for lyric in part.lyrics]
        texts = [sung.syllable.written for sung in plan.sung if sung.syllable is not None]
        properties["lyrics"] = Measured(
            requested=f"{len(texts)} syllables",
            measured=f"{len(syllables)} syllables",
            met=syllables == texts,
            hard=True,
        )
    if plan.prompt_bars:
        properties["prompt"] = Measured(
            requested=f"{plan.prompt_bars} bars",
            measured={"bars": plan.prompt_bars, "moved_semitones": plan.prompt_semitones},
        )
    return properties
