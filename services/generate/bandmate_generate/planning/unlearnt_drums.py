"""Leave drums out of what a model composes that has not learnt any: it would strike drums at random."""

from dataclasses import replace

from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.errors import InvalidRequest

from bandmate_generate.planning.song_plan import EditPlan, WritePlan


def without_unlearnt_drums(request: SongRequest, plan: WritePlan | EditPlan, model: str) -> WritePlan | EditPlan:
    """The plan for a model that has not learnt drums, with a warning where that changes anything.

    In a song with a form the drums play figures as ever. Elsewhere they rest in the bars that would be composed.

    Raises:
        InvalidRequest: drums were asked for by name, and would play nothing at all.
    """
    drums = {hole.part for hole in plan.holes if plan.specs[hole.part].plays_drums}
    if not drums:
        return plan
    has_figures = isinstance(plan, WritePlan) and plan.form is not None
    silent = {part for part in drums if not any(row.part == part for row in plan.prompt)}
    if has_figures:
        silent = {part for part in silent if plan.parts[part].figure is None}
    holes = tuple(hole for hole in plan.holes if hole.part not in drums)
    by_name = any(wish is not None for wish in (request.instruments, request.tracks, request.add))
    if (silent and by_name) or not holes:
        names = " and ".join(plan.specs[part].name for part in sorted(silent or drums))
        raise InvalidRequest(
            f"the model {model} has not learnt drums, so it cannot compose {names}; leave them out, or name a model "
            "that has, such as starter"
        )
    names = " and ".join(plan.specs[part].name for part in sorted(drums))
    verb = "plays" if len(drums) == 1 else "play"
    does = f"{verb} figures of the style" if has_figures else f"{verb} nothing in the bars that were composed"
    return replace(
        plan, holes=holes, warnings=(*plan.warnings, f"the model {model} has not learnt drums: {names} {does}")
    )
