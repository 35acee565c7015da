"""Whether a take keeps every promise of its request, checked on the notes alone, without the grammar that made them."""

from collections import Counter
from collections.abc import Sequence

from bandmate_shared.contracts.composition import CompositionRequest, PartSpec
from bandmate_shared.music.bars import Bars

NoteRow = tuple[int, int, int, int, int]
LONGEST_ROUND = 3
"""So many bars in a row may each repeat the one before; not asked of pieces in which one note is all that fits."""


def violations(request: CompositionRequest, notes: Sequence[NoteRow]) -> list[str]:
    """What is wrong, in words; empty for a valid take. Given notes have to be there as they are, and are not judged."""
    bars = request.frame
    found: list[str] = []
    rows = list(notes)
    if rows != sorted(rows, key=lambda row: (row[1], row[0], row[3])):
        found.append("the notes are not sorted by onset, part and pitch")
    given = Counter(request.prompt)
    missing = given - Counter(rows)
    if missing:
        found.append(f"{sum(missing.values())} given notes are not there as they were")
    composed = list((Counter(rows) - given).elements())
    if any(not 0 <= row[0] < len(request.parts) for row in rows):
        return [*found, "a note belongs to no part"]
    if not composed:
        found.append("nothing was composed")
    free = request.free_bars
    for index, part in enumerate(request.parts):
        own = sorted(row for row in composed if row[0] == index)
        kept = sorted(row for row in request.prompt if row[0] == index)
        found += [f"{part.name}: {text}" for text in _part(request, part, own, kept, free[index], bars)]
        if index in request.rhythm:
            wanted = [(note.onset, note.duration) for note in request.rhythm[index] if free[index][bars.at(note.onset)]]
            if sorted((row[1], row[2]) for row in own) != sorted(wanted):
                found.append(f"{part.name}: the rhythm is not the one asked for")
        elif not own and any(free[index]) and not kept:
            found.append(f"{part.name}: does not sound")
    return found + _bars(request, rows, free, bars)


def _part(
    request: CompositionRequest, part: PartSpec, own: Sequence[NoteRow], kept: Sequence[NoteRow], free: list[bool],
    bars: Bars,
) -> list[str]:  # fmt: skip
    """What is wrong with the composed notes of one part."""
    found = []
    drums = part.is_drum or part.role == "drums"
    ends = _ends(free, bars)
    for index, onset, duration, pitch, velocity in own:
        bar = bars.at(onset)
        if not free[bar]:
            found.append(f"the note at {onset} lies in a bar that is given")
        elif duration < 1 or onset + duration > ends[bar]:
            found.append(f"the note at {onset} lasts past the end of what is to be composed")
        if not drums and not part.low <= pitch <= part.high:
            found.append(f"pitch {pitch} lies outside {part.low}..{part.high}")
        if not (0 <= pitch <= 127 and 1 <= velocity <= 127):
            found.append(f"{pitch}, {velocity} is no MIDI note")
        if drums or index in request.rhythm:
            continue
        others = [row for row in (*own, *kept) if row != (index, onset, duration, pitch, velocity)]
        sounding = [row for row in others if row[1] <= onset < row[1] + row[2]]
        if any(row[3] == pitch for row in sounding):
            found.append(f"pitch {pitch} is struck at {onset} while the part holds it")
        cap = 1 if part.monophonic or part.is_voice else part.polyphony
        if cap and len(sounding) + 1 > cap:
            found.append(f"{len(sounding) + 1} notes sound at {onset}, {cap} may")
    return found


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
    """Bars in which nothing sounds, and music that goes round for ever."""
    found = []
    unfixed = [index for index in range(len(request.parts)) if index not in request.rhythm]
    for number in range(request.bars):
        start, end = bars[number].onset, bars[number].end
        if any(free[index][number] for index in unfixed) and not any(
            row[1] < end and row[1] + row[2] > start for row in rows
        ):
            found.append(f"nothing sounds in bar {number}")
    shapes: list[list[list[tuple[int, ...]]]] = [[[] for _ in request.parts] for _ in range(request.bars)]
    for part, onset, duration, pitch, _ in rows:
        number = bars.at(onset)
        shapes[number][part].append((onset - bars[number].onset, duration // 2, pitch))
    alike = 0
    for number in range(1, request.bars):
        mine = [index for index in unfixed if free[index][number]]
        alike = alike + 1 if mine and all(shapes[number][index] == shapes[number - 1][index] for index in mine) else 0
        if alike > LONGEST_ROUND and any(len(shape) > 1 for shape in shapes[number]):
            found.append(f"bars {number - alike}-{number} are all the same")
    return found
