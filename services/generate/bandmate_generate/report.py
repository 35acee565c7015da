"""`report.json`: what was asked, and what is in `song.mid` as read back from the file."""

from bandmate_shared.contracts.composition import GRID_TICKS_PER_QUARTER
from bandmate_shared.contracts.songs import Measured, ReportedSection, ReportedText, SongReport, SongRequest, WordsWish

from bandmate_generate.audio.soundfont import Soundfont
from bandmate_generate.form.song_form import progression_text
from bandmate_generate.interpret.interpret import interpret
from bandmate_generate.planning.song_plan import EditPlan, WritePlan
from bandmate_generate.scoring.score import length_seconds
from bandmate_generate.selection.pick import Chosen

_ROUNDING_SECONDS = 0.01


def make_report(
    job_id: str,
    request: SongRequest,
    plan: WritePlan | EditPlan,
    chosen: Chosen,
    *,
    model: dict[str, str],
    loudness: dict[str, float],
    soundfont: Soundfont,
) -> SongReport:
    """The report on a song before its timings are known, and before it is sung; `loudness` is the instrumental's."""
    properties = dict(chosen.properties)
    language = plan.language if isinstance(plan, WritePlan) else None
    if request.candidates is not None:
        # Where nothing is to be composed (a variation of strength 0) there are none.
        all_ranked = len(chosen.ranking) == request.candidates or not plan.holes
        properties["candidates"] = Measured(requested=request.candidates, measured=len(chosen.ranking), met=all_ranked)
    if isinstance(plan, WritePlan) and request.mode is not None:
        properties["mode"] = Measured(requested=request.mode, measured=plan.key.mode, met=plan.key.mode == request.mode)
    if isinstance(plan, WritePlan) and request.seconds is not None:
        bar_seconds = plan.metre.bar_seconds(plan.tempo)
        is_met = abs(plan.seconds - request.seconds) <= bar_seconds / 2 + _ROUNDING_SECONDS
        properties["seconds"] = Measured(requested=request.seconds, measured=round(plan.seconds, 2), met=is_met)
    return SongReport(
        job_id=job_id,
        seed=plan.seed,
        style=plan.style.name,
        model=model,
        properties=properties,
        originality=chosen.originality,
        loudness=loudness,
        soundfont=soundfont.described(),
        timings={},
        notes=chosen.read_back.note_count,
        seconds=round(length_seconds(plan, chosen.performance), 3),
        ranking=chosen.ranking,
        form=_form_table(plan, chosen),
        choices=list(plan.choices),
        warnings=list(plan.warnings),
        language=language.tag if language is not None else None,
        language_source=language.source if language is not None else None,
        vocal=None,
        text=_reported_text(request),
    )


def _reported_text(request: SongRequest) -> ReportedText | None:
    """How the request's sentence was understood; None without one."""
    if request.text is None:
        return None
    found = interpret(request.text, can_write_words=isinstance(request.lyrics, WordsWish))
    return ReportedText(understood=found.understood, ignored=found.ignored)


def _form_table(plan: WritePlan | EditPlan, chosen: Chosen) -> list[ReportedSection]:
    """The sections with their chords, and who plays in each; empty for a song without a form."""
    if not isinstance(plan, WritePlan) or plan.form is None:
        return []
    scale = chosen.score.ticks_per_quarter // GRID_TICKS_PER_QUARTER
    table = []
    for section in plan.form.sections:
        start, end = plan.frame.start(section.first_bar) * scale, plan.frame.start(section.end_bar) * scale
        table.append(
            ReportedSection(
                name=section.name,
                number=section.number,
                letter=section.letter,
                first_bar=section.first_bar + 1,
                bars=section.bars,
                chords=progression_text(section, plan.frame),
                energy=round(section.energy, 2),
                parts=[
                    part.name
                    for part in chosen.score.parts
                    if bool(((part.notes.onset >= start) & (part.notes.onset < end)).any())
                ],
            )
        )
    return table
