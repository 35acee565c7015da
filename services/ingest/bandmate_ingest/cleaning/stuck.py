"""Repairs notes that sound too long after a lost note-off, which mispairs later notes of that pitch or leaves one on.

Readers pair note-offs first in, first out. Where one note-off is missing (two voices in unison, written as one
key), each later note of the pitch takes the next one's note-off, and a quaver sounds for a hundred bars. A key can
sound once at a time, so the repair is: a note ends at the first note-off after its onset, or where the key is
struck again, whichever comes first. A note-off that comes just after the onset while another one follows before the
key is struck again belongs to the note before, which was held a little into this one.
"""

import numpy as np

from bandmate_ingest.cleaning.columns import Bools, Columns, Ints
from bandmate_ingest.cleaning.rules import CleaningRules

_NEVER = (1 << 40) - 1
"""Past every tick; part and pitch lie above these bits."""


def pair_anew(notes: Columns, overlap: int = 0) -> tuple[Columns, int]:
    """Pair note-offs so that no key of a part sounds twice at once.

    `overlap` is how many ticks into the next note of its key a note may be held by habit or by rounding.

    Of notes with the same part, pitch and onset the loudest stays. Applied twice it changes nothing more.

    Returns:
        The notes (same ticks) and how many were dropped or shortened.
    """
    duration = np.maximum(notes.duration, 1)
    order = _by_key(notes)
    key = (notes.part * 128 + notes.pitch)[order]
    onset = notes.onset[order]
    end = onset + duration[order]
    same_key = key[1:] == key[:-1]
    if not np.any(same_key & (onset[1:] < end[:-1])):
        return notes.at(notes.onset, duration), 0

    first = np.ones(len(order), dtype=np.bool_)
    first[1:] = ~same_key | (onset[1:] != onset[:-1])
    note_offs = np.sort((key << 40) | end)
    first_notes, key, onset = order[first], key[first], onset[first]
    limit = (key << 40) | _NEVER
    limit[:-1] = np.where(key[1:] == key[:-1], ((key << 40) | onset)[1:], limit[:-1])
    off_index = np.searchsorted(note_offs, (key << 40) | onset, side="right")
    following = note_offs[np.minimum(off_index + 1, len(note_offs) - 1)]
    held_over = (note_offs[off_index] <= ((key << 40) | onset) + overlap) & (following > note_offs[off_index])
    off_index += held_over & (following <= limit)
    new_end = np.minimum(note_offs[off_index], limit) & _NEVER
    new_duration = new_end - onset
    changed = len(order) - len(first_notes) + int(np.count_nonzero(new_duration != duration[first_notes]))
    return notes.select(first_notes).at(onset, new_duration), changed


def shorten_stuck(notes: Columns, ticks_per_quarter: int, rules: CleaningRules) -> tuple[Columns, int]:
    """Cut notes of absurd length down to the median duration of their part.

    A note is stuck when it outlasts both `rules.stuck_quarters` and `rules.stuck_ratio` times its part's median.

    Returns:
        The notes and how many were cut.
    """
    suspect = notes.duration > rules.stuck_quarters * ticks_per_quarter
    if not suspect.any():
        return notes, 0
    duration = notes.duration.copy()
    count = 0
    for part in np.unique(notes.part[suspect]):
        median = max(int(np.median(notes.duration[notes.part == part])), 1)
        stuck = suspect & (notes.part == part) & (notes.duration > rules.stuck_ratio * median)
        duration[stuck] = median
        count += int(np.count_nonzero(stuck))
    return notes.at(notes.onset, duration), count


def _by_key(notes: Columns) -> Ints:
    """Order by part, pitch, onset, and loudest first."""
    key = (notes.part << 53) | (notes.pitch << 46) | (notes.onset << 7) | (127 - notes.velocity)
    return np.argsort(key, kind="stable")


def sounding(notes: Columns) -> Bools:
    """Which notes have a velocity above zero and a pitch a keyboard knows."""
    mask: Bools = (notes.velocity > 0) & (notes.pitch >= 0) & (notes.pitch <= 127)
    return mask
