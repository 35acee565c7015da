"""`words.json`: the notes of the singer with their syllables, of a new song or of one that was worked on."""

from itertools import pairwise

from bandmate_music.midi.edit import given_tracks
from bandmate_music.score import TICKS_PER_QUARTER, Score
from bandmate_shared.contracts.songs import SongWords, WordNote
from bandmate_shared.contracts.vocals import SungNote

from bandmate_generate.planning.singing import Singing
from bandmate_generate.planning.song_plan import EditPlan, WritePlan
from bandmate_generate.scoring.score import GRID_TICK, length_seconds


def song_words(plan: WritePlan | EditPlan, midi: bytes, performance: Score) -> SongWords:
    """What is sung in a song that has words; `midi` is its file, `performance` the score of what is played."""
    seconds = length_seconds(plan, performance)
    if isinstance(plan, WritePlan):
        language = None if plan.language is None else plan.language.tag
        notes = _written(plan, performance)
        return SongWords(
            voice=plan.singer,
            language=language,
            engine=plan.engine,
            ensemble=plan.ensemble,
            seed=plan.seed,
            ticks_per_quarter=TICKS_PER_QUARTER,
            seconds=seconds,
            notes=notes,
        )
    assert plan.singing is not None, "only called for songs with words"
    return SongWords(
        voice=plan.singing.voice,
        language=plan.singing.language,
        engine=plan.singing.engine,
        ensemble=plan.singing.ensemble,
        seed=plan.singing.seed,
        ticks_per_quarter=performance.ticks_per_quarter,
        seconds=seconds,
        notes=_edited(plan, plan.singing, midi, performance),
    )


def sung_notes(words: SongWords) -> list[SungNote]:
    """The notes for the vocal service."""
    return [SungNote.model_validate(note.model_dump(exclude={"tick", "ticks"})) for note in words.notes]


def _written(plan: WritePlan, score: Score) -> list[WordNote]:
    assert plan.melody is not None, "only called for songs with words"
    notes = score.parts[plan.melody].notes
    rows = zip(notes.pitch.tolist(), notes.velocity.tolist(), strict=True)
    performed = dict(zip(notes.onset.tolist(), rows, strict=True))
    starts = score.seconds_at([sung.onset * GRID_TICK for sung in plan.sung])
    ends = score.seconds_at([(sung.onset + sung.duration) * GRID_TICK for sung in plan.sung])
    return [
        WordNote(
            tick=sung.onset * GRID_TICK,
            ticks=sung.duration * GRID_TICK,
            onset=float(start),
            duration=float(end - start),
            pitch=performed[sung.onset * GRID_TICK][0],
            velocity=performed[sung.onset * GRID_TICK][1],
            syllable=sung.syllable.sung_text if sung.syllable is not None else None,
            word_end=sung.syllable is None or sung.syllable.word_end,
            line_end=sung.syllable is not None and sung.syllable.line_end,
        )
        for sung, start, end in zip(plan.sung, starts, ends, strict=True)
    ]


def _edited(plan: EditPlan, singing: Singing, midi: bytes, performance: Score) -> list[WordNote]:
    """The kept notes as they were sung, to the microsecond, and the new ones as they stand in the file."""
    source = plan.given.tracks[singing.track]
    track = next(
        (track for track in given_tracks(midi) if (track.chunk, track.channel) == (source.chunk, source.channel)), None
    )
    in_file = {} if track is None else {note.onset: note for note in track.notes}
    notes = list(singing.kept)
    for new in singing.new:
        written = in_file.get(new.tick)
        if written is None:
            continue
        start, end = performance.seconds_at([written.onset, written.end]).tolist()
        notes.append(
            WordNote(
                tick=new.tick,
                ticks=written.duration,
                onset=start,
                duration=end - start,
                pitch=written.pitch,
                velocity=written.velocity,
                syllable=new.syllable,
                word_end=new.word_end,
                line_end=new.line_end,
            )
        )
    return _one_at_a_time(sorted(notes, key=lambda note: note.tick))


def _one_at_a_time(notes: list[WordNote]) -> list[WordNote]:
    """A kept note that lasts into bars composed anew ends where the first new one begins."""
    for index, (note, following) in enumerate(pairwise(notes)):
        if note.onset + note.duration > following.onset + 1e-6:
            notes[index] = note.model_copy(
                update={"duration": following.onset - note.onset, "ticks": max(1, following.tick - note.tick)}
            )
    return notes
