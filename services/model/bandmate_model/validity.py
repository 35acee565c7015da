"""Whether a take keeps every promise of its request, checked on the notes alone, without the grammar that made them."""

from collections.abc import Sequence

from bandmate_shared.contracts.composition import GRID_TICKS_PER_QUARTER, CompositionRequest

NoteRow = tuple[int, int, int, int, int]


def violations(request: CompositionRequest, notes: Sequence[NoteRow]) -> list[str]:
    """What is wrong, in words; empty for a valid take. Prompt notes are given, not judged."""
    bar = request.numerator * GRID_TICKS_PER_QUARTER * 4 // request.denominator
    end, prompt_end = request.bars * bar, request.prompt_bars * bar
    found: list[str] = []
    if list(notes) != sorted(notes, key=lambda row: (row[1], row[0], row[3])):
        found.append("the notes are not sorted by onset, part and pitch")
    if [row for row in notes if row[1] < prompt_end] != sorted(
        request.prompt, key=lambda row: (row[1], row[0], row[3])
    ):
        found.append("the prompt's bars do not hold exactly the prompt")
    for index, part in enumerate(request.parts):
        own = [row for row in notes if row[0] == index]
        free = [row for row in own if row[1] >= prompt_end]
        for _, onset, duration, pitch, velocity in free:
            if duration < 1 or onset + duration > end:
                found.append(f"{part.name}: the note at {onset} lasts past the end")
            if not part.is_drum and part.role != "drums" and not part.low <= pitch <= part.high:
                found.append(f"{part.name}: pitch {pitch} lies outside {part.low}..{part.high}")
            if not (0 <= pitch <= 127 and 1 <= velocity <= 127):
                found.append(f"{part.name}: {pitch}, {velocity} is no MIDI note")
        if index in request.rhythm:
            wanted = [(note.onset, note.duration) for note in request.rhythm[index] if note.onset >= prompt_end]
            if [(row[1], row[2]) for row in free] != wanted:
                found.append(f"{part.name}: the rhythm is not the one asked for")
        elif not part.is_drum:
            found.extend(
                f"{part.name}: {text}" for text in _overlaps(own, prompt_end, mono=part.monophonic or part.is_voice)
            )
    if any(not 0 <= row[0] < len(request.parts) for row in notes):
        found.append("a note belongs to no part")
    return found


def _overlaps(rows: Sequence[NoteRow], prompt_end: int, *, mono: bool) -> list[str]:
    """Notes of a part that begin while another one (mono), or the same pitch, still sounds."""
    found = []
    sounding: dict[int, int] = {}
    for _, onset, duration, pitch, _ in rows:
        if onset >= prompt_end:
            others = sounding.values() if mono else [sounding.get(pitch, 0)]
            if any(until // 2 > onset // 2 for until in others):  # Prompt notes may end between two model ticks.
                found.append(f"the note at {onset} begins while another sounds")
        sounding[pitch] = max(sounding.get(pitch, 0), onset + duration)
    return found
