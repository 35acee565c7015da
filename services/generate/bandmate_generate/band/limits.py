"""Keeps the notes of a part within what was asked for: range, notes at once, no note struck while it sounds."""

from collections.abc import Sequence

from bandmate_music.note_rows import NoteRow
from bandmate_shared.contracts.composition import PartSpec


def within_limits(rows: Sequence[NoteRow], spec: PartSpec, end: int) -> list[NoteRow]:
    """The rows of one part, cut and moved by octaves to where they may be; what cannot be is left out."""
    inside = []
    for row in rows:
        pitch = row.pitch if spec.plays_drums else _in_range(row.pitch, spec)
        if pitch is not None and 0 <= row.onset < end:
            inside.append(row._replace(pitch=pitch, duration=min(row.duration, end - row.onset)))
    kept = _without_repeats([row for row in inside if row.duration > 0])
    if spec.plays_drums:
        return kept
    if spec.monophonic:
        return _one_at_a_time(kept, lowest=spec.role == "bass")
    return kept if spec.polyphony is None else _at_most(kept, spec.polyphony)


def _in_range(pitch: int, spec: PartSpec) -> int | None:
    if pitch < spec.low:
        pitch += -(-(spec.low - pitch) // 12) * 12
    elif pitch > spec.high:
        pitch -= -(-(pitch - spec.high) // 12) * 12
    return pitch if spec.low <= pitch <= spec.high else None


def _without_repeats(rows: Sequence[NoteRow]) -> list[NoteRow]:
    """A pitch that is struck again ends before; of two at once the longer stays."""
    kept: list[NoteRow] = []
    last: dict[int, int] = {}
    for row in sorted(rows, key=lambda row: (row.onset, row.pitch, -row.duration)):
        before = last.get(row.pitch)
        if before is not None and kept[before].end > row.onset:
            if kept[before].onset == row.onset:
                continue
            kept[before] = kept[before]._replace(duration=row.onset - kept[before].onset)
        last[row.pitch] = len(kept)
        kept.append(row)
    return kept


def _one_at_a_time(rows: Sequence[NoteRow], lowest: bool) -> list[NoteRow]:
    """The highest of several notes, or the lowest; each ends where the next begins."""
    kept: list[NoteRow] = []
    for row in sorted(rows, key=lambda row: (row.onset, row.pitch if lowest else -row.pitch)):
        if kept and kept[-1].onset == row.onset:
            continue
        if kept and kept[-1].end > row.onset:
            kept[-1] = kept[-1]._replace(duration=row.onset - kept[-1].onset)
        kept.append(row)
    return kept


def _at_most(rows: Sequence[NoteRow], polyphony: int) -> list[NoteRow]:
    """No more notes at once than that: of those that begin together the inner ones give way, and older ones end."""
    kept: list[NoteRow] = []
    sounding: list[int] = []
    onsets = sorted({row.onset for row in rows})
    groups: dict[int, list[NoteRow]] = {onset: [] for onset in onsets}
    for row in rows:
        groups[row.onset].append(row)
    for onset in onsets:
        new = sorted(groups[onset], key=lambda row: row.pitch)
        while len(new) > polyphony:
            del new[len(new) // 2]
        sounding = [index for index in sounding if kept[index].end > onset]
        while len(sounding) + len(new) > polyphony:
            oldest = sounding.pop(0)
            kept[oldest] = kept[oldest]._replace(duration=onset - kept[oldest].onset)
        for row in new:
            sounding.append(len(kept))
            kept.append(row)
    return kept
