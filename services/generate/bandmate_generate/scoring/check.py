"""Check a model's answer against the plan's frame, and find what was added to given notes."""

from collections import Counter
from collections.abc import Collection, Sequence

from bandmate_music.note_rows import NoteRow
from bandmate_shared.contracts.composition import ComposedTake, CompositionRequest, PartSpec
from bandmate_shared.errors import BandmateError

from bandmate_generate.planning.song_plan import EditPlan, SongPlan, WritePlan


class BadComposition(BandmateError):
    """The model answered something that is not the piece asked for."""

    type = "bad-composition"
    title = "The model's answer cannot be used"
    status = 502


def check_take(plan: SongPlan, take: ComposedTake) -> None:
    """Raise BadComposition where a whole piece breaks the plan's frame: bars, parts, ranges, the words' rhythm."""
    _check_rows(note_rows(take), plan.specs, plan.frame.end, set(plan.prompt))
    if isinstance(plan, EditPlan):
        _check_holes(plan, take)
    if isinstance(plan, WritePlan) and plan.sung:
        _check_rhythm(take, plan.melody, [(sung.onset, sung.duration) for sung in plan.sung])


def check_answer(request: CompositionRequest, take: ComposedTake) -> None:
    """Raise BadComposition where an answer breaks the request's frame, its given notes, holes or rhythms."""
    rows = note_rows(take)
    given = Counter(NoteRow._make(row) for row in request.prompt)
    _check_rows(rows, request.parts, request.frame.end, set(given))
    _check_given(rows, given, request.parts)
    for part, notes in request.rhythm.items():
        _check_rhythm(take, part, [(note.onset, note.duration) for note in notes])
    free = request.free_bars
    for row in (Counter(rows) - given).elements():
        if not free[row.part][request.frame.at(row.onset)]:
            name = request.parts[row.part].name
            raise BadComposition(f"the model wrote a note of {name} at tick {row.onset}, outside the bars")


def _check_rows(rows: Sequence[NoteRow], specs: Sequence[PartSpec], end: int, given: Collection[NoteRow]) -> None:
    for row in rows:
        if not 0 <= row.part < len(specs):
            raise BadComposition(f"the model wrote for part {row.part}, and there are {len(specs)}")
        spec = specs[row.part]
        if row.onset < 0 or row.duration <= 0 or row.end > end:
            raise BadComposition(f"the model wrote a note at tick {row.onset}, outside the bars asked for")
        low, high = (0, 127) if spec.is_drum or row in given else (spec.low, spec.high)
        if not low <= row.pitch <= high or not 1 <= row.velocity <= 127:
            raise BadComposition(
                f"the model wrote pitch {row.pitch}, velocity {row.velocity} for {spec.name} ({low}-{high})"
            )


def _check_rhythm(take: ComposedTake, part: int | None, spans: Sequence[tuple[int, int]]) -> None:
    if [(row.onset, row.duration) for row in note_rows(take) if row.part == part] != spans:
        raise BadComposition("the model changed the rhythm of the words")


def note_rows(take: ComposedTake) -> list[NoteRow]:
    """The take's notes as named rows."""
    return [NoteRow(*row) for row in take.notes]


def added_rows(plan: SongPlan, take: ComposedTake) -> list[NoteRow]:
    """The take's notes that are not given ones."""
    return list((Counter(note_rows(take)) - Counter(plan.prompt)).elements())


def check_given_notes(plan: SongPlan, take: ComposedTake) -> None:
    """Raise BadComposition where a given note is not in the take."""
    _check_given(note_rows(take), Counter(plan.prompt), plan.specs)


def _check_given(rows: Sequence[NoteRow], given: "Counter[NoteRow]", specs: Sequence[PartSpec]) -> None:
    if missing := given - Counter(rows):
        row = next(iter(missing))
        raise BadComposition(f"the model changed the given note of {specs[row.part].name} at tick {row.onset}")


def _check_holes(plan: EditPlan, take: ComposedTake) -> None:
    check_given_notes(plan, take)
    frame = plan.frame
    spans = [(hole.part, frame.start(hole.first_bar), frame.start(hole.first_bar + hole.bars)) for hole in plan.holes]
    for row in added_rows(plan, take):
        if not any(row.part == part and start <= row.onset and row.end <= end for part, start, end in spans):
            name = plan.specs[row.part].name
            raise BadComposition(f"the model wrote a note of {name} at tick {row.onset}, outside the bars")
