"""Bars for a prompt whose file states none, or bars that nobody counts in: a metre and a downbeat from its notes."""

from dataclasses import replace

import numpy as np
from bandmate_music.analysis.metre_estimate import believable, can_be_estimated, estimate_metre
from bandmate_music.score import MetreChange, Score
from bandmate_shared.contracts.composition import GRID_TICKS_PER_QUARTER


def with_countable_bars(score: Score) -> tuple[Score, tuple[str, ...]]:
    """The score with the metre that was found, and what to report; as it is where its own metres are believable.

    A piece with too few notes for that is left as it is.
    """
    stated = [(change.onset, change.metre) for change in score.metres]
    if stated and believable(stated, score.end):
        return score, ()
    parts = [part for part in score.parts if len(part.notes)]
    columns = [np.concatenate([getattr(part.notes, name) for part in parts]) for name in ("onset", "duration", "pitch")]
    is_drum = np.repeat([part.is_drum for part in parts], [len(part.notes) for part in parts])
    scale = GRID_TICKS_PER_QUARTER / score.ticks_per_quarter
    onset = np.rint(columns[0] * scale).astype(np.int64)
    duration = np.maximum(1, np.rint(columns[1] * scale)).astype(np.int64)
    order = np.argsort(onset, kind="stable")
    if not can_be_estimated(onset, duration):
        return score, ()
    metre, early = estimate_metre(onset[order], duration[order], columns[2].astype(np.int64)[order], is_drum[order])
    first_bar = round(early / scale)
    changes = [MetreChange(0, metre)] + ([MetreChange(first_bar, metre)] if first_bar else [])
    said = f"states bars of {stated[0][1].name}, in which nobody counts" if stated else "states no metre"
    note = f"the prompt {said}: {metre.name} was found from its notes"
    return replace(score, metres=tuple(changes)), (note,)
