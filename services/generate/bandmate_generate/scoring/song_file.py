"""Write a take as `song.mid`, and read such a file back."""

from dataclasses import replace
from typing import NamedTuple

from bandmate_music.limits import Limits
from bandmate_music.midi.read import read_midi
from bandmate_music.midi.write import write_midi
from bandmate_music.sandbox.pool import read_untrusted
from bandmate_music.score import MetreChange, Score
from bandmate_music.theory.metre import Metre
from bandmate_shared.contracts.composition import ComposedTake

from bandmate_generate.planning.song_plan import EditPlan, WritePlan
from bandmate_generate.scoring.edit_midi import edited_midi
from bandmate_generate.scoring.score import to_performance, to_score


class SongFile(NamedTuple):
    """`song.mid`, the score to engrave and the one to play; both None where a given file was edited."""

    midi: bytes
    score: Score | None
    performance: Score | None


def song_file(plan: WritePlan | EditPlan, take: ComposedTake) -> SongFile:
    """The take as a MIDI file: of a song with a form the performance, else the score as written.

    Raises BadComposition.
    """
    if isinstance(plan, EditPlan):
        return SongFile(edited_midi(plan, take), None, None)
    score = to_score(plan, take)
    performance = to_performance(plan, take) if plan.form is not None else score
    return SongFile(write_midi(performance), score, performance)


def read_back(plan: WritePlan | EditPlan, midi: bytes, limits: Limits) -> Score:
    """The score in a song's file. One that holds a stranger's bytes is read in the sandbox."""
    if isinstance(plan, EditPlan):
        return with_initial_metre(read_untrusted(midi, "song.mid", limits))
    return read_midi(midi, limits)


def with_initial_metre(score: Score) -> Score:
    """The score with 4/4 stated at the start, which is what a file without a metre means."""
    if score.metres and score.metres[0].onset == 0:
        return score
    return replace(score, metres=(MetreChange(0, Metre(4, 4)), *score.metres))
