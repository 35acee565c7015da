"""Resolve a SongRequest into a plan: a WritePlan for a new song, an EditPlan for work on a given piece."""

from bandmate_shared.contracts.songs import SongRequest, SongWords
from bandmate_shared.errors import about
from bandmate_shared.settings import SharedSettings
from bandmate_shared.singing.check import check_voice

from bandmate_generate.planning.edit import plan_edit
from bandmate_generate.planning.learnt import Learnt
from bandmate_generate.planning.song_plan import EditPlan, WritePlan
from bandmate_generate.planning.styles import NOTHING_LEARNT, find_style
from bandmate_generate.planning.write import plan_new_song


def plan_song(
    request: SongRequest,
    seed: int,
    settings: SharedSettings,
    words: SongWords | None = None,
    learnt: Learnt = NOTHING_LEARNT,
) -> WritePlan | EditPlan:
    """Resolve a SongRequest into a plan; unset options come from the style and the seed. `words` are what is sung in
    the song that the prompt is of; `learnt` is what the model that composes it knows.

    A pure function of its arguments: at submission it finds faults, in the worker (with the job's own seed) it is what
    is carried out.

    Raises:
        UnknownStyle, UnreadableFile, LimitExceeded: the style or the prompt is at fault.
        UnknownVoice, UnknownLanguage, UnknownEngine, ScriptNotSung: nobody sings so.
        InvalidRequest: lyrics, bars, metre and style conflict, or a wish cannot be met with the given piece; the
            message says what would do.
    """
    check_voice(request.voice, request.language, request.engine)
    with about("style"):
        style = find_style(request.style, learnt)
    if request.edits:
        return plan_edit(request, seed, style, settings, words)
    return plan_new_song(request, seed, style, settings, words)
