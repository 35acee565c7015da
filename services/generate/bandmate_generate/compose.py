"""Compose a song: the tune, then the model's parts, then the band around both; or what a model adds to given music.

A song with a form is composed in three steps. The tune lies over the form's chords (`lead`). The model writes the parts
that no figure covers, each letter of the form once (`planning/digest.py`). The band plays figures, bass and drums, and
who plays when (`band`). With a model of one's own, or options for how a model samples, the model writes all parts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bandmate_music.note_rows import NoteRow
from bandmate_shared.contracts.composition import ComposedTake, CompositionAnswer, CompositionRequest
from bandmate_shared.contracts.songs import Originality, RankedTake, SongRequest
from bandmate_shared.contracts.wishes import MAX_BARS

from bandmate_generate.band.arrange import arrange
from bandmate_generate.band.composed_parts import playable
from bandmate_generate.compose_stretches import compose_in_stretches
from bandmate_generate.lead.compose import compose_lead
from bandmate_generate.lead.notes import LeadNote
from bandmate_generate.lyrics.prosody import SungSyllable, with_held_notes
from bandmate_generate.planning.digest import Digest, digest_of, pitches_by_time
from bandmate_generate.planning.song_plan import EditPlan, WritePlan
from bandmate_generate.scoring.check import BadComposition, check_answer
from bandmate_generate.seeds import derived

Ask = Callable[[CompositionRequest], CompositionAnswer]
"""Sends a request to the model; its style is already one that the model knows."""


@dataclass(frozen=True, slots=True)
class Division:
    """Which parts the model writes: `composed` by index, of which `kept` have a figure that gives way.

    `melody_by_model`: the tune's pitches are the model's too; `free_rhythm`: and its rhythm.
    """

    composed: frozenset[int]
    kept: frozenset[int]
    melody_by_model: bool
    free_rhythm: bool


def divide(request: SongRequest, plan: WritePlan, *, is_own_model: bool) -> Division:
    """Who writes which part. A wish for density, or for how the model samples, is one for the model's notes.

    The model writes nothing of a part without a hole.
    """
    composable = {hole.part for hole in plan.holes}
    sampled = any(wish is not None for wish in (request.temperature, request.top_p, request.top_k))
    all_by_model = is_own_model or sampled
    free_rhythm = plan.melody is not None and _dense(plan, plan.melody) and not plan.has_words
    melody_by_model = plan.melody is not None and (all_by_model or free_rhythm)
    kept = frozenset(
        index
        for index, part in enumerate(plan.parts)
        if index in composable - {plan.melody} and part.figure is not None and (all_by_model or _dense(plan, index))
    )
    composed = {index for index in composable - {plan.melody} if plan.parts[index].figure is None} | kept
    if melody_by_model and plan.melody is not None:
        composed.add(plan.melody)
    return Division(frozenset(composed), kept, melody_by_model, free_rhythm)


@dataclass(frozen=True, slots=True)
class Candidates:
    """The candidates of a song or an edit, those that broke the frame they were given, and the plan with its tune."""

    plan: WritePlan | EditPlan
    takes: list[ComposedTake]
    refused: list[RankedTake]


def compose(
    request: SongRequest, plan: WritePlan | EditPlan, candidates: int, ask: Ask, *, is_own_model: bool
) -> Candidates:
    """Compose as many candidates of what is planned.

    Raises:
        InvalidRequest: the words do not fit into their sections.
        BadComposition: none of the model's answers keeps to the frame.
    """
    if isinstance(plan, WritePlan) and plan.form is not None:
        return _compose_form(plan, divide(request, plan, is_own_model=is_own_model), candidates, ask)
    if isinstance(plan, EditPlan) and plan.bars > MAX_BARS:
        return Candidates(*compose_in_stretches(plan, candidates, ask), [])
    return Candidates(plan, ask(plan.composition(candidates)).takes, [])


def _compose_form(plan: WritePlan, division: Division, candidates: int, ask: Ask) -> Candidates:
    """Compose the tune and as many candidates of the song around it."""
    plan = with_lead(plan, candidates)
    refused: list[RankedTake] = []
    digest = digest_of(plan)
    if division.composed:
        request = digest.request(
            division.composed,
            candidates,
            melody_by_model=division.melody_by_model,
            fixed_rhythm=not division.free_rhythm,
        )
        model_takes, refused = _checked(request, ask(request).takes)
    else:
        model_takes = [
            ComposedTake(seed=seed, notes=[], log_likelihood=0.0, tokens=0, originality=Originality())
            for seed in plan.candidate_seeds(candidates)
        ]
    return Candidates(plan, [_whole_song(plan, digest, division, take) for take in model_takes], refused)


def _checked(request: CompositionRequest, takes: Sequence[ComposedTake]) -> tuple[list[ComposedTake], list[RankedTake]]:
    """The takes that keep to the request's frame; the others with the reason. Raises BadComposition if none does."""
    good: list[ComposedTake] = []
    refused: list[RankedTake] = []
    for take in takes:
        try:
            check_answer(request, take)
        except BadComposition as error:
            refused.append(RankedTake(seed=take.seed, total=0.0, faults={}, refused=error.detail))
            if len(refused) == len(takes):
                raise
        else:
            good.append(take)
    return good, refused


def with_lead(plan: WritePlan, candidates: int = 3) -> WritePlan:
    """The plan with its tune composed, the best of two for each candidate; unchanged where no part has the melody."""
    if plan.form is None or plan.melody is None:
        return plan
    spec = plan.specs[plan.melody]
    lead = compose_lead(
        plan.form,
        plan.frame,
        key=plan.key,
        metre=plan.metre,
        tempo=plan.tempo,
        feel=plan.style.feel,
        low=spec.low,
        high=spec.high,
        sings=plan.has_words,
        seed=derived(plan.seed, "lead"),
        idiom=plan.style.idiom,
        tries=2 * candidates,
    )
    sung = tuple(with_held_notes([SungSyllable(note.onset, note.duration, note.syllable) for note in lead.notes]))
    return replace(
        plan,
        lead=lead.notes,
        sung=sung if plan.has_words else (),
        rhythm=tuple((note.onset, note.duration) for note in lead.notes) if plan.has_words else (),
        choices=(*plan.choices, *lead.notes_on_choices),
    )


def _dense(plan: WritePlan, part: int) -> bool:
    """Whether there is a wish for the part's density."""
    return plan.parts[part].density is not None or plan.density is not None


def _whole_song(plan: WritePlan, digest: Digest, division: Division, take: ComposedTake) -> ComposedTake:
    """A candidate of the whole song: the model's parts in all sections, with the tune and the band."""
    assert plan.form is not None
    rows = digest.composed_rows(take)
    if not division.melody_by_model:
        rows = playable(
            rows,
            specs=plan.specs,
            changeable=division.composed - division.kept,
            frame=digest.frame,
            chords=digest.chords,
            lead=digest.lead,
        )
    rows = digest.expanded(rows)
    lead = plan.lead
    if division.melody_by_model:
        lead = _model_melody(plan, division, rows)
        rows = [row for row in rows if row.part != plan.melody]
    arranged = arrange(
        style=plan.style,
        parts=plan.parts,
        specs=plan.specs,
        form=plan.form,
        frame=plan.frame,
        metre=plan.metre,
        key=plan.key,
        tempo=plan.tempo,
        lead=lead,
        melody=plan.melody,
        composed=rows,
        keep=division.kept,
        seed=take.seed,
    )
    return take.model_copy(update={"notes": arranged})


def _model_melody(plan: WritePlan, division: Division, rows: list[NoteRow]) -> tuple[LeadNote, ...]:
    """The model's tune: its own notes, or where its rhythm was given, that rhythm in all sections with its pitches."""
    own = [row for row in rows if row.part == plan.melody]
    if division.free_rhythm or not own:
        return tuple(LeadNote(row.onset, row.duration, row.pitch) for row in own)
    pitches = pitches_by_time([note.onset for note in plan.lead], own)
    return tuple(note._replace(pitch=pitch) for note, pitch in zip(plan.lead, pitches, strict=True))
