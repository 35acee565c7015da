"""Checks that a take fulfils its request. It looks at the notes alone, independently of the grammar that produced
them."""

from collections import Counter
from collections.abc import Sequence

from bandmate_music.theory.bars import Bars
from bandmate_shared.contracts.composition import CompositionRequest, PartSpec

NoteRow = tuple[int, int, int, int, int]
MAX_REPEATED_BARS = 3
"""Maximum number of bars in a row that repeat the previous bar. Bars that can hold only one note are exempt."""


def violations(request: CompositionRequest, notes: Sequence[NoteRow]) -> list[str]:
    """Messages that say what is wrong; empty for a valid take. Given notes must be present unchanged and are not
    checked otherwise."""
    bars = request.frame
    messages: list[str] = []
    rows = list(notes)
    if rows != sorted(rows, key=lambda row: (row[1], row[0], row[3])):
        messages.append("the notes are not sorted by onset, part and pitch")
    prompt_rows = Counter(request.prompt)
    missing = prompt_rows - Counter(rows)
    if missing:
        messages.append(f"{sum(missing.values())} given notes are not there as they were")
    composed = list((Counter(rows) - prompt_rows).elements())
    if any(not 0 <= row[0] < len(request.parts) for row in rows):
        return [*messages, "a note belongs to no part"]
    if not composed:
        messages.append("nothing was composed")
    free = request.free_bars
    for index, part in enumerate(request.parts):
        composed_rows = sorted(row for row in composed if row[0] == index)
        part_prompt = sorted(row for row in request.prompt if row[0] == index)
        messages += [
            f"{part.name}: {text}" for text in _part(request, part, composed_rows, part_prompt, free[index], bars)
        ]
        if index in request.rhythm:
            rhythm = [(note.onset, note.duration) for note in request.rhythm[index] if free[index][bars.at(note.onset)]]
            if sorted((row[1], row[2]) for row in composed_rows) != sorted(rhythm):
                messages.append(f"{part.name}: the rhythm is not the one asked for")
        elif not composed_rows and any(free[index]) and not part_prompt:
            messages.append(f"{part.name}: does not sound")
    return messages + _bars(request, rows, free, bars)


def _part(
    request: CompositionRequest,
    part: PartSpec,
    composed_rows: Sequence[NoteRow],
    part_prompt: Sequence[NoteRow],
    free: list[bool],
    bars: Bars,
) -> list[str]:
    """Messages that say what is wrong with the composed notes of one part."""
    messages = []
    drums = part.is_drum or part.role == "drums"
    ends = _ends(free, bars)
    for index, onset, duration, pitch, velocity in composed_rows:
        bar = bars.at(onset)
        if not free[bar]:
            messages.append(f"the note at {onset} lies in a bar that is given")
        elif duration < 1 or onset + duration > ends[bar]:
            messages.append(f"the note at {onset} lasts past the end of what is to be composed")
        if not drums and not part.low <= pitch <= part.high:
            messages.append(f"pitch {pitch} lies outside {part.low}..{part.high}")
        if not (0 <= pitch <= 127 and 1 <= velocity <= 127):
            messages.append(f"{pitch}, {velocity} is no MIDI note")
        if drums or index in request.rhythm:
            continue
        other_rows = [row for row in (*composed_rows, *part_prompt) if row != (index, onset, duration, pitch, velocity)]
        sounding = [row for row in other_rows if row[1] <= onset < row[1] + row[2]]
        if any(row[3] == pitch for row in sounding):
            messages.append(f"pitch {pitch} is struck at {onset} while the part holds it")
        cap = 1 if part.monophonic or part.is_voice else part.polyphony
        if cap and len(sounding) + 1 > cap:
            messages.append(f"{len(sounding) + 1} notes sound at {onset}, {cap} may")
    return messages


def _ends(free: list[bool], bars: Bars) -> list[int]:
    """For each free bar the tick at which its run of free bars ends."""
    result, end = [0] * len(free), bars.end
    for number in range(len(free) - 1, -1, -1):
        if free[number]:
            result[number] = end
        else:
            end = bars.start(number)
    return result


def _bars(request: CompositionRequest, rows: Sequence[NoteRow], free: list[list[bool]], bars: Bars) -> list[str]:
    """Messages about bars in which nothing sounds and about music that repeats endlessly."""
    messages = []
    unfixed = [index for index in range(len(request.parts)) if index not in request.rhythm]
    for number in range(request.bars):
        start, end = bars[number].onset, bars[number].end
        if any(free[index][number] for index in unfixed) and not any(
            row[1] < end and row[1] + row[2] > start for row in rows
        ):
            messages.append(f"nothing sounds in bar {number}")
    shapes: list[list[list[tuple[int, ...]]]] = [[[] for _ in request.parts] for _ in range(request.bars)]
    for part, onset, duration, pitch, _ in rows:
        number = bars.at(onset)
        shapes[number][part].append((onset - bars[number].onset, duration // 2, pitch))
    repeated_bars = 0
    for number in range(1, request.bars):
        free_parts = [index for index in unfixed if free[index][number]]
        repeated_bars = (
            repeated_bars + 1
            if free_parts and all(shapes[number][index] == shapes[number - 1][index] for index in free_parts)
            else 0
        )
        if repeated_bars > MAX_REPEATED_BARS and any(len(shape) > 1 for shape in shapes[number]):
            messages.append(f"bars {number - repeated_bars}-{number} are all the same")
    return messages
