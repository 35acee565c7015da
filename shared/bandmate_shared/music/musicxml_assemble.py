"""Parts as MusicXML wrote them, laid on one time line: measures aligned, ties joined, upbeats given their metre."""

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from bandmate_shared.music.limits import Limits
from bandmate_shared.music.metre import Metre
from bandmate_shared.music.musicxml_part import PartReader, ReadChange
from bandmate_shared.music.score import IntArray, KeyChange, Lyric, MetreChange, Notes, Part, Score, TempoChange

_COMMON_TIME = Metre(4, 4)
_INT32_MAX = 2**31 - 1


def assemble(readers: Sequence[PartReader], resolution: int, title: str, limits: Limits) -> Score:
    """The score the parts make together, `resolution` ticks a quarter.

    Raises:
        LimitExceeded: it lasts too long.
    """
    written = next((reader.metres for reader in readers if reader.metres), [])
    lengths = _measure_lengths(readers, written, resolution)
    starts = [0, *accumulate(lengths)]
    if starts[-1] > _INT32_MAX:
        limits.check_seconds(starts[-1] / resolution * 0.5)
    tempi: dict[int, float] = {}
    for reader in readers:
        for change in reader.tempi:
            tempi.setdefault(starts[change.measure] + change.position, change.value)
    keys = {starts[k.measure] + k.position: k.value for k in next((r.keys for r in readers if r.keys), [])}
    score = Score(
        parts=tuple(_part(reader, starts) for reader in readers),
        ticks_per_quarter=resolution,
        tempi=tuple(TempoChange(onset, tempi[onset]) for onset in sorted(tempi)),
        metres=_metres(written, lengths, starts, resolution),
        keys=tuple(KeyChange(onset, keys[onset]) for onset in sorted(keys)),
        title=title,
    )
    limits.check_seconds(score.seconds)
    return score


def _measure_lengths(readers: Sequence[PartReader], written: Sequence[ReadChange[Metre]], resolution: int) -> list[int]:
    """Ticks of each measure: what the longest part fills, or the metre's bar where all are empty."""
    count = max(len(reader.lengths) for reader in readers)
    metres = {change.measure: change.value for change in written}
    lengths: list[int] = []
    metre = _COMMON_TIME
    for index in range(count):
        metre = metres.get(index, metre)
        filled = max(reader.lengths[index] if index < len(reader.lengths) else 0 for reader in readers)
        lengths.append(filled or metre.bar_ticks(resolution))
    return lengths


def _metres(
    written: Sequence[ReadChange[Metre]], lengths: Sequence[int], starts: Sequence[int], resolution: int
) -> tuple[MetreChange, ...]:
    """The metres stated, and one of its own for each bar of another length.

    A bar split in two measures (by a repeat sign) that are right together is left as it is, and so is the last one.
    """
    if not written:
        return ()
    metres = {change.measure: change.value for change in written}
    changes: list[MetreChange] = []
    metre = _COMMON_TIME
    index = 0
    while index < len(lengths):
        metre = metres.get(index, metre)
        bar, actual, taken = metre.bar_ticks(resolution), lengths[index], 1
        halves = 0 < index < len(lengths) - 1 and index + 1 not in metres
        if halves and actual < bar and actual + lengths[index + 1] == bar:
            actual, taken = bar, 2
        own = metre if actual == bar or index + 1 == len(lengths) else _metre_of(actual, resolution) or metre
        if not changes or changes[-1].metre != own:
            changes.append(MetreChange(starts[index], own))
        index += taken
    return tuple(changes)


def _metre_of(ticks: int, resolution: int) -> Metre | None:
    """The metre of a bar of this length, in the longest beats that fit."""
    for denominator in (4, 8, 16, 32):
        beats, beside = divmod(ticks * denominator, resolution * 4)
        if beside == 0 and 1 <= beats <= 64:
            return Metre(beats, denominator)
    return None


def _part(reader: PartReader, starts: Sequence[int]) -> Part:
    rows: list[list[int]] = []
    held: dict[tuple[int, int], list[int]] = {}
    for note in sorted(reader.notes, key=lambda note: starts[note.measure] + note.position):
        onset = starts[note.measure] + note.position
        row = held.pop((note.pitch, onset), None) if note.tied_from else None
        if row is None:
            row = [onset, 0, note.pitch, note.velocity]
            rows.append(row)
        row[1] += note.duration
        if note.tied_to:
            held[note.pitch, onset + note.duration] = row
    table = np.array(rows, dtype=np.int64).reshape(-1, 4)
    columns: list[IntArray] = list(table[np.lexsort((table[:, 2], table[:, 0]))].T.astype(np.int32, order="C"))
    notes = Notes(*columns)
    lyrics: dict[int, Lyric] = {}
    for syllable in reader.syllables:
        onset = starts[syllable.measure] + syllable.position
        lyrics.setdefault(onset, Lyric(onset, syllable.text, syllable.word_end))
    ordered = tuple(lyrics[onset] for onset in sorted(lyrics))
    return Part(reader.name, reader.program, notes, reader.is_drum and len(notes) > 0, ordered)
