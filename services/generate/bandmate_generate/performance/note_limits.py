"""What holds however freely a part is played: the order of its notes, the bars, one note at a time where that is so."""

from bisect import bisect_left
from itertools import groupby

from bandmate_music.theory.bars import Bars

from bandmate_generate.performance.played_note import SCALE, PlayedNote, to_ticks

MAX_EARLY_MS = 15.0
"""How much before its bar a note may begin."""


def keep_in_order(notes: list[PlayedNote], frame: Bars, tempo: float, *, is_drum: bool) -> None:
    """Bring the notes of one part back to where the guarantees hold.

    Notes of different onsets stay in that order, none begins before the song, more than MAX_EARLY_MS before its bar or
    at the end; notes that followed each other in the score do not overlap, so that what was one note at a time stays so
    and no more notes sound at once than in the score; of drums only notes of equal pitch. Each lasts at least a tick.
    """
    if not notes:
        return
    ordered = sorted(notes, key=lambda note: note.row.onset)
    groups = [list(group) for _, group in groupby(ordered, key=lambda note: note.row.onset)]
    _bound_onsets(groups, frame, tempo)
    written = [group[0].row.onset for group in groups]
    starts = [min(note.onset for note in group) for group in groups]
    last = frame.end * SCALE
    following: dict[int, int] = {}
    for index in range(len(groups) - 1, -1, -1):
        for note in groups[index]:
            end = min(note.end, last, following.get(note.row.pitch, last))
            after = bisect_left(written, note.row.end, lo=index + 1)
            if not is_drum and after < len(starts):
                end = min(end, starts[after])
            note.end = max(note.onset + 1, end)
        for note in groups[index]:
            following[note.row.pitch] = note.onset


def _bound_onsets(groups: list[list[PlayedNote]], frame: Bars, tempo: float) -> None:
    early = to_ticks(MAX_EARLY_MS, tempo)
    last = frame.end * SCALE - 1
    for index, group in enumerate(groups):
        place = group[0].place
        low = max(0, frame[frame.at(group[0].row.onset)].onset * SCALE - early)
        high = last
        if index:
            low = max(low, (groups[index - 1][0].place + place) // 2 + 1)
        if index + 1 < len(groups):
            high = min(high, (place + groups[index + 1][0].place) // 2)
        for note in group:
            note.onset = max(low, min(high, note.onset))
