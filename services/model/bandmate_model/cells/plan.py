"""A composition request checked against a model and translated into its terms: bars, slots, key, what is given."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
from bandmate_music.note_rows import NoteRow
from bandmate_music.theory.bars import Bars
from bandmate_shared.contracts.composition import CompositionRequest, PartSpec
from bandmate_shared.errors import InvalidRequest
from numpy.typing import NDArray

from bandmate_model.cells.chords import Harmony, harmony_of
from bandmate_model.cells.given import given_cells, given_held
from bandmate_model.cells.line import UNCAPPED, Cell, Line, Voice
from bandmate_model.cells.vocabulary import METRE, MODE, MONO, POLY, REGISTER, SLOT, STYLE, TEMPO
from bandmate_model.data.lineup import StyleStatistics, shift_for, slots_for
from bandmate_model.data.tokens import (
    GRID_PER_TICK,
    TICKS_PER_QUARTER,
    Frame,
    duration_ticks,
    duration_token,
    is_drum_slot,
    tempo_token,
)
from bandmate_model.model_files import ModelInfo

MODES = ("major", "minor")


@dataclass(frozen=True, slots=True)
class Plan:
    """A request translated into the model's terms, checked; shared by all its seeds."""

    request: CompositionRequest
    frame: Frame
    bars: Bars
    """The request's, in grid ticks; a long one is several of the frame's."""
    lines: tuple[Line, ...]
    """In ascending order of slots."""
    harmony: Harmony
    chances: tuple[int, ...]
    """For each line the last bar in which given notes leave room for one that it chooses; -1 for none."""
    first: int
    last: int
    """The first and the last bar with something to compose."""
    header: tuple[int, ...] = field(repr=False)
    """Without START or RESUME."""
    keyed: bool
    """Whether the key is heeded."""


def plan(request: CompositionRequest, info: ModelInfo, *, without: frozenset[str] = frozenset()) -> Plan:
    """Check a request against a model and translate it. `without`: wishes to ignore, of "key", "chords" and "density",
    so that their effect can be measured.

    Raises:
        InvalidRequest: the style is unknown to the model; there are too many drum parts; nothing is left to compose.
    """
    if request.style not in info.styles:
        raise InvalidRequest(f"this model knows no style {request.style!r}; it knows {', '.join(info.styles)}")
    learnt = {name: StyleStatistics.from_config(row) for name, row in info.config.get("statistics", {}).items()}
    statistics = learnt.get(request.style, StyleStatistics.from_config(None))
    # A style without drums is given those of the others: what no piece has would be struck at random.
    drums = statistics.drums or frozenset[int]().union(*(style.drums for style in learnt.values()))
    bars = request.frame
    frame = Frame.from_bars(
        [(bar.length // GRID_PER_TICK, bar.metre.numerator, bar.metre.denominator) for bar in bars.bars]
    )
    slots = slots_for(request.parts, statistics)
    if not all(slots):
        raise InvalidRequest("at most four drum parts can be composed at once")
    keyed = "key" not in without
    shift = shift_for(request.tonic if keyed else 0, request.parts, slots, statistics)
    free = _free_bars(request, frame, bars)
    prompts = _prompts(request)
    lines = [
        _line(request, index, slots[index], shift, statistics, drums, frame, free[index], prompts[index], without)
        for index in range(len(slots))
    ]
    lines.sort(key=lambda line: line.slot)
    composed = np.flatnonzero(free.any(axis=0))
    if not len(composed):
        raise InvalidRequest("there is nothing to compose: every bar of every part is given")
    chances = tuple(_last_chance(line, frame) for line in lines)
    if max(chances) < 0 and not any(any(line.rhythm or ()) for line in lines):
        raise InvalidRequest("there is nothing to compose: the given notes, or a rhythm without notes, leave no room")
    harmony = harmony_of([] if "chords" in without else request.chords, frame, shift)
    head = [STYLE.token(info.styles.index(request.style)), MODE.token(MODES.index(request.mode))]
    head += [TEMPO.token(tempo_token(request.tempo)), METRE.token(frame.metres[0])]
    for line in lines:
        head += [SLOT.token(line.slot - 1), MONO if line.mono else POLY, REGISTER.token(line.register)]
    return Plan(
        request, frame, bars, tuple(lines), harmony, chances, int(composed[0]), int(composed[-1]), tuple(head), keyed
    )


def _free_bars(request: CompositionRequest, frame: Frame, bars: Bars) -> NDArray[np.bool_]:
    """(parts, model bars): what is to be composed."""
    return np.array(request.free_bars)[:, [bars.at(start * GRID_PER_TICK) for start in frame.starts]]


def _prompts(request: CompositionRequest) -> list[list[NoteRow]]:
    """The given notes of each part."""
    prompts: list[list[NoteRow]] = [[] for _ in request.parts]
    for row in request.prompt:
        prompts[row[0]].append(NoteRow._make(row))
    return prompts


def _line(
    request: CompositionRequest,
    index: int,
    slot: int,
    shift: int,
    statistics: StyleStatistics,
    drums: frozenset[int],
    frame: Frame,
    free: NDArray[np.bool_],
    prompt: Sequence[NoteRow],
    without: frozenset[str],
) -> Line:
    part, drum = request.parts[index], is_drum_slot(slot)
    moved = 0 if drum else _into_reach(part, shift)
    allowed = _allowed(part, moved, drums if drum else None)
    given = given_cells(prompt, frame, moved, drum=drum)
    cap = _cap(part, drum)
    slot_statistics = statistics.slots.get(slot)
    rhythm, phrase_ends = None, frozenset[int]()
    if index in request.rhythm:
        rhythm, phrase_ends = _rhythm(request, index, frame, free)
    density = part.density or request.density
    return Line(
        index,
        slot,
        part.role,
        drum,
        allowed,
        moved,
        cap,
        tuple(free.tolist()),
        _until(free, frame),
        given,
        given_held(prompt, frame, moved, drum=drum),
        rhythm,
        None if "density" in without or rhythm is not None else density,
        phrase_ends,
        mono=not drum
        and (cap == 1 or (not part.polyphony and slot_statistics is not None and slot_statistics.mono >= 0.5)),
        register=_register(allowed, given, slot_statistics.middle if slot_statistics else None),
        repeats=slot_statistics.repeats if slot_statistics else (),
    )


def _last_chance(line: Line, frame: Frame) -> int:
    last_bar = -1
    if line.rhythm is None and any(line.free):
        voice = Voice(line)
        for bar, (start, ticks) in enumerate(zip(frame.starts, frame.lengths, strict=True)):
            if line.free[bar] and voice.free_from(start) < start + ticks:
                last_bar = bar
            voice.hold_all(line.held[bar])
    return last_bar


def _into_reach(part: PartSpec, shift: int) -> int:
    """`shift`, moved by octaves if otherwise no pitch of the part's range could be written."""
    while part.high + shift < 0:
        shift += 12
    while part.low + shift > 127:
        shift -= 12
    return shift


def _allowed(part: PartSpec, shift: int, drums: Collection[int] | None) -> NDArray[np.bool_]:
    allowed = np.zeros(128, np.bool_)
    if drums is not None:
        allowed[list(drums) or slice(None)] = True
        return allowed
    allowed[max(0, part.low + shift) : part.high + shift + 1] = True
    return allowed


def _cap(part: PartSpec, drum: bool) -> int:
    if part.monophonic or part.is_voice:
        return 1
    return part.polyphony if part.polyphony and not drum else UNCAPPED


def _until(free: NDArray[np.bool_], frame: Frame) -> tuple[int, ...]:
    """For each free bar the end of its run of free bars."""
    result = [0] * len(free)
    end = frame.end
    for bar in range(len(free) - 1, -1, -1):
        if free[bar]:
            result[bar] = end
        else:
            end = frame.starts[bar]
    return tuple(result)


def _register(allowed: NDArray[np.bool_], part_cells: Sequence[Cell], middle: int | None) -> int:
    """The octave written in the header: that of the given notes, else the style's for the slot, within the part's
    range."""
    allowed_pitches = np.flatnonzero(allowed)
    given_pitches = [pitch for cell in part_cells for _, _, pitch in cell]
    if given_pitches:
        middle = int(np.median(given_pitches))
    elif middle is None:
        middle = int(np.median(allowed_pitches))
    return int(np.clip(middle, allowed_pitches[0], allowed_pitches[-1])) // 12


def _rhythm(
    request: CompositionRequest, index: int, frame: Frame, free: NDArray[np.bool_]
) -> tuple[tuple[tuple[tuple[int, int], ...], ...], frozenset[int]]:
    """The fixed notes of each free bar, and the ticks of those that close a phrase."""
    rows: list[list[tuple[int, int]]] = [[] for _ in frame.starts]
    fixed = []
    for note in request.rhythm[index]:
        tick = note.onset // GRID_PER_TICK
        bar = frame.bar_at(tick)
        if free[bar]:
            length = duration_token(max(1, round(note.duration / GRID_PER_TICK)))
            rows[bar].append((tick - frame.starts[bar], length))
            fixed.append((tick, length))
    return tuple(map(tuple, rows)), _phrase_ends(fixed, frame.end)


def _phrase_ends(fixed: Sequence[tuple[int, int]], end: int) -> frozenset[int]:
    """Ticks of the notes before a rest of an eighth or more, and of those at least a quarter longer than the next."""
    ends = set()
    followers = [*fixed[1:], (end, 1)][: len(fixed)]
    for (tick, length), (following, next_length) in zip(fixed, followers, strict=True):
        ticks = duration_ticks(length)
        rest = following - tick - ticks
        if rest >= TICKS_PER_QUARTER // 2 or ticks >= duration_ticks(next_length) + TICKS_PER_QUARTER:
            ends.add(tick)
    return frozenset(ends)
