"""Cleaning one piece, step by step: from a score as it was read to the columns a dataset holds."""

from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np
from bandmate_music.analysis.key_finder import FoundKey, find_key
from bandmate_music.analysis.metre_estimate import believable, estimate_metre
from bandmate_music.score import Score, TempoChange
from bandmate_music.theory.keys import Key
from bandmate_music.theory.metre import Metre

from bandmate_ingest.cleaning.barlines import (
    BarColumns,
    bar_columns,
    first_metre,
    short_first_bar,
    upbeat,
)
from bandmate_ingest.cleaning.beats import TICKS, track_beats
from bandmate_ingest.cleaning.columns import Bools, Columns, flatten
from bandmate_ingest.cleaning.fingerprint import Hashes, sketch
from bandmate_ingest.cleaning.grid import Grid, find_grid, to_grid, written_grid
from bandmate_ingest.cleaning.instruments import PartColumns, describe_parts
from bandmate_ingest.cleaning.rules import GRID, CleaningRules
from bandmate_ingest.cleaning.stuck import pair_anew, shorten_stuck, sounding
from bandmate_ingest.cleaning.tempo import countable, main_tempo


class Rejected(Exception):
    """A file that does not become a piece: `reason` is the cleaning step's name, `detail` a sentence."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class CleanPiece:
    """A cleaned piece; notes in grid ticks from the start of the first bar, sorted by part, onset, pitch."""

    notes: Columns
    parts: PartColumns
    bars: BarColumns
    key: FoundKey
    metre: Metre
    tempo: float
    seconds: float
    grid: Grid
    fingerprint: Hashes
    steps: Counter[str] = field(default_factory=Counter)
    """Cleaning step → notes, parts or files (see `STEPS`) it touched in this piece."""
    notices: list[str] = field(default_factory=list)
    """What reading the file changed, each as 'kind: text'."""


_MAX_SLIP = GRID // 8
_FAINT = 0.35
"""A grid less clear than this is given up for a beat that can be followed."""

STEPS = {
    "empty-tracks": "tracks without a note, left out",
    "mispaired-notes": "notes whose note-off belonged to another note of the same key",
    "stuck-notes": "notes of absurd length, shortened",
    "phase-offset": "pieces whose every onset lay at a constant phase beside the beat",
    "tempo-found": "pieces played at another tempo than the one stated, brought to their own beat",
    "beats-tracked": "performances off any grid, counted in their own beats",
    "free-time": "performances without a beat, taken as the file counts (--free)",
    "quantised": "played pieces, snapped to the grid beat by beat",
    "tempo-normalised": "pieces without a usable tempo, or with one outside what can be counted",
    "metre-estimated": "pieces that state no time signature, or one that nobody counts in",
    "upbeat": "pieces whose upbeat had no bar of its own: it got one, and the barlines their place",
    "leading-silence": "pieces whose empty first bars were dropped",
    "instruments-mapped": "parts whose name told more than their program",
}
"""What changes a piece without rejecting it."""


def clean_piece(score: Score, rules: CleaningRules) -> CleanPiece:
    """Clean one piece.

    Raises:
        Rejected: with the cleaning step that turned it away.
    """
    steps: Counter[str] = Counter()
    parts, notes = flatten(score)
    steps["empty-tracks"] = len(score.parts) - len(parts)
    audible = sounding(notes)
    if not audible.all():
        notes = notes.select(audible)
    seconds = score.seconds
    _require_length(len(notes), seconds, rules)

    notes, steps["mispaired-notes"] = pair_anew(notes, score.ticks_per_quarter // 16)
    notes, steps["stuck-notes"] = shorten_stuck(notes, score.ticks_per_quarter, rules)

    quarters = notes.onset / score.ticks_per_quarter
    grid = written_grid(quarters) if score.is_notation else find_grid(quarters, rules)
    is_faint = grid is not None and grid.clarity < _FAINT and not score.is_notation
    if grid is None or (is_faint and not all(part.is_drum for part in parts)):
        score, notes, grid = _on_own_beat(score, notes, grid, rules, steps)
    as_read = notes
    notes, snapped = to_grid(notes, score.ticks_per_quarter, grid, rules)
    steps["phase-offset"], steps["tempo-found"] = int(grid.offset != 0.0), int(grid.stretch != 1.0)
    steps["quantised"] = int(snapped)

    stated_tempo, tempo_known = main_tempo(score.tempi, score.end)
    tempo, halvings = countable(stated_tempo / grid.stretch)
    steps["tempo-normalised"] = int(not tempo_known or halvings != 0)
    changes = [
        (round(change.onset / score.ticks_per_quarter / grid.stretch * GRID), change.metre) for change in score.metres
    ]
    changes = believable(changes, int(notes.ends.max()))
    if halvings:
        notes, changes = _at_other_unit(notes, changes, halvings)

    is_drum = np.array([part.is_drum for part in parts])
    notes, bars = _bars(notes, changes, is_drum, steps)
    # Two notes of one key may have come to the same tick.
    notes = pair_anew(notes)[0].sorted()
    if len(bars) < rules.min_bars:
        raise Rejected("too-short", f"it has {len(bars)} bars; at least {rules.min_bars} are needed")
    if len(bars) > rules.max_bars:
        raise Rejected("too-long", f"it has {len(bars)} bars; at most {rules.max_bars} are taken")

    described = describe_parts(parts, notes)
    steps["instruments-mapped"] = described.remapped
    stated_key = score.keys[0].key if score.keys else None
    return CleanPiece(
        notes=notes,
        parts=described,
        bars=bars,
        key=_key(notes, is_drum, stated_key),
        metre=_main_metre(bars),
        tempo=tempo,
        seconds=seconds,
        grid=grid,
        # Written music is compared by its own ticks, in which a copy at an odd tempo is not rounded differently.
        fingerprint=sketch(notes if snapped else as_read, is_drum),
        steps=steps,
        notices=[f"{notice.kind}: {notice.text}" for notice in score.notices],
    )


def _require_length(notes: int, seconds: float, rules: CleaningRules) -> None:
    """Reject pieces that are too short or too long before any other work."""
    if notes < rules.min_notes:
        raise Rejected("too-short", f"it has {notes} notes; at least {rules.min_notes} are needed")
    if notes > rules.max_notes:
        raise Rejected("too-long", f"it has {notes} notes; at most {rules.max_notes} are taken")
    if seconds > rules.max_seconds:
        raise Rejected("too-long", f"it lasts {seconds:.0f} s; at most {rules.max_seconds:.0f} s are taken")


def _on_own_beat(
    score: Score, notes: Columns, faint: Grid | None, rules: CleaningRules, steps: Counter[str]
) -> tuple[Score, Columns, Grid]:
    """A performance off any grid but perhaps a faint one, counted in its own beats.

    Where it has none that can be followed the faint grid stays; with `rules.free` it is taken as the clock counts.

    Raises:
        Rejected: it has no beat that can be followed.
    """
    tracked = track_beats(notes, score.seconds_at(notes.onset), score.seconds_at(notes.ends), rules)
    if tracked is not None:
        steps["beats-tracked"] = 1
        # A recording's own tempo and metre are those that the sequencer stood at.
        tempi = (TempoChange(0, tracked.tempo),)
        return replace(score, ticks_per_quarter=TICKS, tempi=tempi, metres=()), tracked.notes, tracked.grid
    if faint is not None:
        return score, notes, faint
    if rules.free:
        steps["free-time"] = 1
        return score, notes, Grid(0.0, 0.0, 1.0)
    raise Rejected(
        "off-grid",
        "its onsets follow no steady beat, at the stated tempo or any other, and none that could be tracked; --free "
        "takes such pieces in free time, as the file counts",
    )


def _at_other_unit(
    notes: Columns, changes: list[tuple[int, Metre]], halvings: int
) -> tuple[Columns, list[tuple[int, Metre]]]:
    """Count in note values `2**halvings` times shorter, so that a tempo beyond counting becomes one within."""
    factor = 2.0**-halvings
    onset = np.rint(notes.onset * factor).astype(np.int64)
    duration = np.maximum(np.rint(notes.ends * factor).astype(np.int64) - onset, 1)
    scaled = []
    for tick, metre in changes:
        denominator = int(metre.denominator / factor)
        fits = 1 <= denominator <= 16
        scaled.append((round(tick * factor), Metre(metre.numerator, denominator) if fits else metre))
    return notes.at(onset, duration), scaled


def _bars(
    notes: Columns, changes: list[tuple[int, Metre]], is_drum: Bools, steps: Counter[str]
) -> tuple[Columns, BarColumns]:
    """Bars for the notes, and the notes moved so that tick 0 is the start of the first bar that sounds."""
    earliest = int(notes.onset.min())
    if -_MAX_SLIP <= earliest < 0:
        # A drum note slightly before the first beat belongs to it.
        notes = notes.at(np.maximum(notes.onset, 0), notes.duration)
        earliest = 0
    if changes:
        short = short_first_bar(changes)
        if short is not None:
            # The upbeat's bar is filled up with rests, because every bar has the full length.
            ticks, metre = short
            notes, changes = _later(notes, changes, metre.bar_ticks(GRID) - ticks)
            changes = [(0, metre), *((tick, later) for tick, later in changes if tick > metre.bar_ticks(GRID))]
            earliest = int(notes.onset.min())
        first_bar = first_metre(changes).bar_ticks(GRID)
        if earliest < 0:
            notes, changes = _later(notes, changes, first_bar)
        early = upbeat(notes, is_drum, changes) if short is None else 0
    else:
        steps["metre-estimated"] = 1
        notes = notes.at(notes.onset - min(earliest, 0), notes.duration)
        metre, early = estimate_metre(notes.onset, notes.duration, notes.pitch, is_drum[notes.part])
        changes, first_bar = [(0, metre)], metre.bar_ticks(GRID)
    if early:
        notes, changes = _later(notes, changes, first_bar - early)
    steps["upbeat"] = int(early != 0)
    bars = bar_columns(changes, int(notes.ends.max()))
    silent = int(np.searchsorted(bars.onset, int(notes.onset.min()), side="right")) - 1
    if silent > 0:
        steps["leading-silence"] = 1
        notes = notes.at(notes.onset - int(bars.onset[silent]), notes.duration)
        bars = bars.dropping(silent)
    return notes, bars


def _later(notes: Columns, changes: list[tuple[int, Metre]], ticks: int) -> tuple[Columns, list[tuple[int, Metre]]]:
    """Everything later by some ticks; the first metre still holds from 0 on."""
    moved = [(tick + ticks if tick > 0 else 0, metre) for tick, metre in changes]
    return notes.at(notes.onset + ticks, notes.duration), moved


def _main_metre(bars: BarColumns) -> Metre:
    """The metre that most of the piece is in."""
    code = bars.numerator * 64 + bars.denominator
    kinds, index = np.unique(code, return_inverse=True)
    main = int(kinds[np.argmax(np.bincount(index, weights=bars.length))])
    return Metre(main // 64, main % 64)


def _key(notes: Columns, is_drum: Bools, stated: Key | None) -> FoundKey:
    """The key of the notes that are not drums."""
    pitched = notes.select(~is_drum[notes.part]) if is_drum.any() else notes
    return find_key(pitched.onset, pitched.duration, pitched.pitch, GRID, stated)
