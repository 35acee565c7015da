"""A composition request checked against a model and translated into its terms: bars, slots, key, rhythm, prompt."""

from dataclasses import dataclass, field

from bandmate_shared.contracts.composition import CompositionRequest, PartSpec
from bandmate_shared.errors import InvalidRequest

from bandmate_model.data import events_of
from bandmate_model.grammar import Line
from bandmate_model.lineup import StyleStatistics, shift_for, slots_for
from bandmate_model.runtime import Network
from bandmate_model.tokens import (
    DRUM_DURATION,
    DRUM_PITCH,
    GRID_PER_TICK,
    TICKS_PER_QUARTER,
    TIME_BAR,
    Event,
    Frame,
    duration_ticks,
    duration_token,
    is_drum_slot,
    velocity_token,
)


@dataclass(frozen=True, slots=True)
class Plan:
    """A request translated into the model's terms, checked; shared by all its seeds."""

    request: CompositionRequest
    frame: Frame
    bar_ticks: int
    slots: list[int]
    lines: list[Line]
    shifts: list[int]
    """For each part the semitones from the key asked for to C: the same for all, but for octaves where a range would
    otherwise lie beyond the pitches there are."""
    prompt_end: int
    """The tick at which composing begins."""
    given: list[Event]
    """The prompt's events, through the end of its last bar."""
    style: int
    phrase_ends: dict[int, frozenset[int]] = field(default_factory=dict)
    """Slot → ticks of the fixed notes that close a phrase."""


def plan(request: CompositionRequest, network: Network) -> Plan:
    """Check a request against a model and translate it.

    Raises:
        InvalidRequest: the style is unknown to the model; a part has no pitch; a rhythm overlaps itself or runs past
            the end; the prompt has notes outside its bars.
    """
    styles = network.info.styles
    if request.style not in styles:
        raise InvalidRequest(f"this model knows no style {request.style!r}; it knows {', '.join(styles)}")
    statistics = StyleStatistics.from_config(network.info.config.get("statistics", {}).get(request.style))
    bar_ticks = request.numerator * TICKS_PER_QUARTER * 4 // request.denominator
    frame = Frame.from_bars([(bar_ticks, request.numerator, request.denominator)] * request.bars)
    slots = slots_for(request.parts, statistics)
    if not all(slots):
        raise InvalidRequest("at most four drum parts can be composed at once")
    shift = shift_for(request.tonic, request.parts, slots, statistics)
    shifts = [_into_reach(part, slot, shift) for part, slot in zip(request.parts, slots, strict=True)]
    prompt_end = request.prompt_bars * bar_ticks
    lines, phrase_ends = [], {}
    for index, (part, slot) in enumerate(zip(request.parts, slots, strict=True)):
        low, high = (0, 127) if is_drum_slot(slot) else (part.low + shifts[index], part.high + shifts[index])
        if low > high:
            raise InvalidRequest(f"part {part.name!r} has no pitch between {part.low} and {part.high}")
        fixed = None
        if index in request.rhythm:
            fixed = _fixed(request, index, frame, prompt_end)
            phrase_ends[slot] = _phrase_ends(fixed, frame.end)
        known = statistics.drums if is_drum_slot(slot) and statistics.drums else None
        monophonic = part.monophonic or part.is_voice
        lines.append(Line(slot, max(0, low), min(127, high), monophonic, fixed, known))
    given = _given(request, frame, slots, shifts, prompt_end)
    style = styles.index(request.style)
    return Plan(request, frame, bar_ticks, slots, lines, shifts, prompt_end, given, style, phrase_ends)


def _into_reach(part: PartSpec, slot: int, shift: int) -> int:
    """`shift`, by octaves nearer if no pitch of the part's range could be written with it."""
    while not is_drum_slot(slot) and part.high + shift < 0:
        shift += 12
    while not is_drum_slot(slot) and part.low + shift > 127:
        shift -= 12
    return shift


def _fixed(request: CompositionRequest, index: int, frame: Frame, prompt_end: int) -> tuple[tuple[int, int], ...]:
    """The fixed notes after the prompt, in model ticks."""
    end = frame.end * GRID_PER_TICK
    before = 0
    for note in request.rhythm[index]:
        if note.onset < before:
            raise InvalidRequest(f"the rhythm of part {index} overlaps itself at tick {note.onset}")
        before = note.onset + note.duration
        if before > end:
            raise InvalidRequest(f"the rhythm of part {index} runs past the last bar: {before} of {end} ticks")
    return tuple(
        (note.onset // GRID_PER_TICK, duration_token(max(1, round(note.duration / GRID_PER_TICK))))
        for note in request.rhythm[index]
        if note.onset >= prompt_end * GRID_PER_TICK
    )


def _phrase_ends(fixed: tuple[tuple[int, int], ...], end: int) -> frozenset[int]:
    """Ticks of the notes before a rest of an eighth or more, and of those at least a quarter longer than the next."""
    found = set()
    followers = [*fixed[1:], (end, 1)][: len(fixed)]
    for (tick, length), (following, next_length) in zip(fixed, followers, strict=True):
        ticks = duration_ticks(length)
        rest = following - tick - ticks
        if rest >= TICKS_PER_QUARTER // 2 or ticks >= duration_ticks(next_length) + TICKS_PER_QUARTER:
            found.add(tick)
    return frozenset(found)


def _given(
    request: CompositionRequest, frame: Frame, slots: list[int], shifts: list[int], prompt_end: int
) -> list[Event]:
    """The prompt as events up to the end of its last bar."""
    if not request.prompt_bars:
        if request.prompt:
            raise InvalidRequest("the prompt has notes but fills no bar; set prompt_bars")
        return []
    rows: dict[tuple[int, int, int], tuple[int, int]] = {}
    for part, onset, duration, pitch, loud in request.prompt:
        if not 0 <= part < len(slots):
            raise InvalidRequest(f"the prompt names part {part}, which does not exist")
        if not 0 <= onset < prompt_end * GRID_PER_TICK or duration < 1:
            raise InvalidRequest(f"the prompt's note at tick {onset} lies outside its {request.prompt_bars} bars")
        if onset + duration > frame.end * GRID_PER_TICK or not 0 <= pitch <= 127 or not 1 <= loud <= 127:
            raise InvalidRequest(f"the prompt's note at tick {onset} is no note of this piece")
        slot, tick, shift = slots[part], onset // GRID_PER_TICK, shifts[part]
        if is_drum_slot(slot):
            rows[tick, slot, DRUM_PITCH + pitch] = (DRUM_DURATION, velocity_token(loud))
        elif 0 <= pitch + shift <= 127:
            rows[tick, slot, 1 + pitch + shift] = (duration_token(max(1, round(duration / GRID_PER_TICK))), 0)
    whole = events_of(frame, rows)
    bars = frame.bar_at(prompt_end)
    end = 0
    while bars:
        bars -= whole[end].time == TIME_BAR
        end += 1
    return whole[:end]
