"""Who plays a song: for each part that is heard its notes, its place in the mix, and the name of its stem."""

from dataclasses import dataclass, replace

from bandmate_shared.music.metre import Metre
from bandmate_shared.music.score import MetreChange, Notes, Part, Score

from bandmate_generate.plan import SongPlan
from bandmate_generate.styles import StylePart


@dataclass(frozen=True, slots=True)
class Player:
    part: Part
    place: StylePart
    stem: str


def players(plan: SongPlan, score: Score) -> list[Player]:
    """The parts that the band plays: all, but for the line that is sung."""
    if plan.edit is None:
        heard = [index for index in range(len(plan.parts)) if not (plan.sung and index == plan.melody)]
        by_name = {part.name: part for part in score.parts}
        found = [
            (by_name.get(spec.name) or Part(spec.name, spec.program, Notes(), spec.is_drum), plan.parts[index])
            for index, spec in enumerate(plan.specs)
            if index in heard
        ]
    else:
        known = {spec.name: part for spec, part in zip(plan.specs, plan.parts, strict=True)}
        found = [
            (part, known.get(part.name) or _place(part, number))
            for number, part in enumerate(score.parts)
            if len(part.notes)
        ]
    taken: set[str] = set()
    result = []
    for part, place in found:
        result.append(Player(part, place, _stem(part.name, taken)))
    return result


def with_metre(score: Score) -> Score:
    """The score with the metre said that a file without one has: common time."""
    if score.metres and score.metres[0].onset == 0:
        return score
    return replace(score, metres=(MetreChange(0, Metre(4, 4)), *score.metres))


def _place(part: Part, number: int) -> StylePart:
    side = (0.0, -0.3, 0.3, -0.55, 0.55)[number % 5]
    return StylePart(
        part.name, "drums" if part.is_drum else "harmony", part.program, is_drum=part.is_drum, level=-2.0, pan=side
    )


def _stem(name: str, taken: set[str]) -> str:
    """A file name of the part's, its own among all."""
    plain = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name.lower()).strip("-.")
    plain = plain[:48] or "part"
    stem, number = plain, 1
    while stem in taken:
        number += 1
        stem = f"{plain}-{number}"
    taken.add(stem)
    return stem
