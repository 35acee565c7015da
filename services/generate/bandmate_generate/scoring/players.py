"""The parts that the band plays: each part's notes, its settings in the mix, and the name of its stem."""

from dataclasses import dataclass

from bandmate_music.score import Notes, Part, Score

from bandmate_generate.planning.song_plan import EditPlan, WritePlan
from bandmate_generate.planning.styles import StylePart


@dataclass(frozen=True, slots=True)
class Player:
    part: Part
    settings: StylePart
    stem: str


def players(plan: WritePlan | EditPlan, score: Score) -> list[Player]:
    """All parts but the line that is sung, in the score's order."""
    parts = _given_parts(plan, score) if isinstance(plan, EditPlan) else _written_parts(plan, score)
    used_names: set[str] = set()
    return [Player(part, settings, _stem(part.name, used_names)) for part, settings in parts]


def _written_parts(plan: WritePlan, score: Score) -> list[tuple[Part, StylePart]]:
    """The plan's parts; one that the score lacks is silent."""
    by_name = {part.name: part for part in score.parts}
    return [
        (by_name.get(spec.name) or Part(spec.name, spec.program, Notes(), spec.is_drum), settings)
        for index, (spec, settings) in enumerate(zip(plan.specs, plan.parts, strict=True))
        if not (plan.sung and index == plan.melody)
    ]


def _given_parts(plan: EditPlan, score: Score) -> list[tuple[Part, StylePart]]:
    """The score's parts that have notes; those that the model did not see are placed by their order."""
    known = {spec.name: settings for spec, settings in zip(plan.specs, plan.parts, strict=True)}
    singer = None if plan.singing is None else plan.given.tracks[plan.singing.track].name
    return [
        (part, known.get(part.name) or _default_settings(part, number))
        for number, part in enumerate(score.parts)
        if len(part.notes) and part.name != singer
    ]


def _default_settings(part: Part, number: int) -> StylePart:
    side = (0.0, -0.3, 0.3, -0.55, 0.55)[number % 5]
    return StylePart(
        part.name, "drums" if part.is_drum else "harmony", part.program, is_drum=part.is_drum, level=-2.0, pan=side
    )


def _stem(name: str, used_names: set[str]) -> str:
    """A file name of the part's, its own among all."""
    plain = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name.lower()).strip("-.")
    plain = plain[:48] or "part"
    stem, number = plain, 1
    while stem in used_names:
        number += 1
        stem = f"{plain}-{number}"
    used_names.add(stem)
    return stem
