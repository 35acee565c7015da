"""Compose what an edit leaves open in a given piece that is longer than a model takes at once: stretch by stretch.

A model takes up to MAX_BARS bars. The stretches are of about equal length and composed in order; each is shown the bars
before it as they then are, what was composed there included.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from bandmate_music.note_rows import NoteRow, sorted_rows
from bandmate_music.theory.bars import Bars
from bandmate_shared.contracts.composition import ChordSpan, ComposedTake, CompositionAnswer, CompositionRequest, Hole
from bandmate_shared.contracts.songs import Originality
from bandmate_shared.contracts.wishes import MAX_BARS

from bandmate_generate.planning.song_plan import EditPlan
from bandmate_generate.planning.source_piece import BARS_AFTER, BARS_BEFORE
from bandmate_generate.scoring.check import BadComposition, check_answer
from bandmate_generate.seeds import derived

Ask = Callable[[CompositionRequest], CompositionAnswer]
_MOST_COMPOSED = MAX_BARS - BARS_BEFORE - BARS_AFTER


@dataclass(frozen=True, slots=True)
class Window:
    """Bars of a plan, counted from 0: those from `first` to before `past` are composed, and the model is shown those
    from `start` to before `end`."""

    start: int
    first: int
    past: int
    end: int


def compose_in_stretches(plan: EditPlan, candidates: int, ask: Ask) -> tuple[EditPlan, list[ComposedTake]]:
    """The candidates of a plan of more than MAX_BARS bars, and the plan with what to report on how they were composed.

    Raises:
        BadComposition: no candidate's stretches all keep to their frames.
    """
    windows = windows_of(plan)
    seeds = plan.candidate_seeds(candidates)
    # The first stretch is composed for all candidates at once; after that each goes on from notes of its own.
    takes = ask(_request(plan, windows[0], plan.prompt, seeds)).takes
    songs: list[ComposedTake] = []
    for seed, take in zip(seeds, takes, strict=True):
        try:
            songs.append(_whole_piece(plan, windows, seed, take, ask))
        except BadComposition:
            if seed == seeds[-1] and not songs:
                raise
    return replace(plan, choices=(*plan.choices, _in_words(plan, windows))), songs


def _whole_piece(plan: EditPlan, windows: Sequence[Window], seed: int, first: ComposedTake, ask: Ask) -> ComposedTake:
    """A candidate whose first stretch is composed, with all others. Raises BadComposition."""
    composed = _composed(plan, windows[0], plan.prompt, first)
    stretches = [first]
    for number, window in enumerate(windows[1:], start=2):
        known = sorted_rows([*plan.prompt, *composed])
        [answer] = ask(_request(plan, window, known, [derived(seed, f"stretch {number}")])).takes
        composed += _composed(plan, window, known, answer)
        stretches.append(answer)
    starts = [plan.frame.start(window.start) for window in windows]
    return _joined(seed, sorted_rows([*plan.prompt, *composed]), stretches, starts)


def windows_of(plan: EditPlan) -> list[Window]:
    """The stretches in which a plan's bars are composed, in order of time."""
    free = sorted({bar for hole in plan.holes for bar in range(hole.first_bar, hole.first_bar + hole.bars)})
    count = -(-(free[-1] + 1 - free[0]) // _MOST_COMPOSED)
    edges = [free[0] + (free[-1] + 1 - free[0]) * number // count for number in range(count + 1)]
    windows = []
    for lower, upper in pairwise(edges):
        inside = [bar for bar in free if lower <= bar < upper]
        if inside:
            first, past = inside[0], inside[-1] + 1
            # A bar that is composed later is not shown: it would be heard as a rest.
            after = min([plan.bars, past + BARS_AFTER, *(bar for bar in free if bar >= past)])
            windows.append(Window(max(0, first - BARS_BEFORE), first, past, after))
    return windows


def _request(plan: EditPlan, window: Window, known: Sequence[NoteRow], seeds: Sequence[int]) -> CompositionRequest:
    """The request for a window's bars, in which `known` notes of the whole piece are given."""
    start, end = plan.frame.start(window.start), plan.frame.start(window.end)
    inside = range(plan.frame.start(window.first), plan.frame.start(window.past))
    rhythm = [(onset - start, duration) for onset, duration in plan.rhythm if onset in inside]
    request = plan.request_for(
        Bars.of((bar.length, bar.metre) for bar in plan.frame.bars[window.start : window.end]),
        len(seeds),
        prompt=_shown(known, start, end),
        holes=_holes(plan, window),
        chords=_chords(plan.chords, start, end),
        rhythm=rhythm,
    )
    return request.model_copy(update={"seeds": list(seeds)})


def _shown(known: Sequence[NoteRow], start: int, end: int) -> list[NoteRow]:
    """The notes that begin between two ticks, cut off at the second, in ticks from the first."""
    return [
        row._replace(onset=row.onset - start, duration=min(row.duration, end - row.onset))
        for row in known
        if start <= row.onset < end
    ]


def _holes(plan: EditPlan, window: Window) -> list[Hole]:
    holes = []
    for hole in plan.holes:
        first, past = max(hole.first_bar, window.first), min(hole.first_bar + hole.bars, window.past)
        if first < past:
            holes.append(Hole(part=hole.part, first_bar=first - window.start, bars=past - first))
    return holes


def _chords(chords: Sequence[ChordSpan], start: int, end: int) -> list[ChordSpan]:
    spans = []
    for chord in chords:
        begin, stop = max(chord.onset, start), min(chord.onset + chord.duration, end)
        if begin < stop:
            spans.append(chord.model_copy(update={"onset": begin - start, "duration": stop - begin}))
    return spans


def _composed(plan: EditPlan, window: Window, known: Sequence[NoteRow], take: ComposedTake) -> list[NoteRow]:
    """What an answer adds to the known notes, in the plan's ticks. Raises BadComposition where it breaks its frame."""
    request = _request(plan, window, known, [take.seed])
    # The rhythm of the words is checked with the whole piece: here the part's given notes stand beside it.
    check_answer(request.model_copy(update={"rhythm": {}}), take)
    start = plan.frame.start(window.start)
    given = set(_shown(known, start, plan.frame.start(window.end)))
    rows = [NoteRow._make(note) for note in take.notes]
    return [row._replace(onset=row.onset + start) for row in rows if row not in given]


def _joined(
    seed: int, rows: Sequence[NoteRow], stretches: Sequence[ComposedTake], starts: Sequence[int]
) -> ComposedTake:
    """A candidate of the whole piece; its likelihood and originality are means by tokens, its copies the longest.

    `starts`: the tick at which each stretch's request begins.
    """
    tokens = sum(take.tokens for take in stretches)
    weights = [take.tokens / max(1, tokens) for take in stretches]
    nearest = max((take.originality for take in stretches), key=lambda found: found.longest_match_notes)
    return ComposedTake(
        seed=seed,
        notes=list(rows),
        log_likelihood=sum(weight * take.log_likelihood for weight, take in zip(weights, stretches, strict=True)),
        tokens=tokens,
        originality=Originality(
            nearest_piece=nearest.nearest_piece,
            longest_match_notes=nearest.longest_match_notes,
            seen_share=min(
                1.0, sum(weight * take.originality.seen_share for weight, take in zip(weights, stretches, strict=True))
            ),
            ngram_notes=nearest.ngram_notes,
            matches=[
                match.model_copy(update={"onset": match.onset + start})
                for take, start in zip(stretches, starts, strict=True)
                for match in take.originality.matches
            ],
        ),
    )


def _in_words(plan: EditPlan, windows: Sequence[Window]) -> str:
    before = plan.stretch.first
    bars = ", ".join(f"{before + window.first + 1}-{before + window.past}" for window in windows)
    return (
        f"{plan.bars} bars are more than a model takes at once: they were composed in {len(windows)} stretches, {bars}"
    )
