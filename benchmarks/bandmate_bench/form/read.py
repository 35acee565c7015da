"""Reads MIDI files into pieces: bars, grid, sections and chords that the file names, the tune and its words."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from bandmate_music.analysis.bars import bars_of
from bandmate_music.midi.read import read_midi
from bandmate_music.score import Part, Score
from bandmate_music.theory.metrical_grid import beat_ticks
from bandmate_shared.settings import SharedSettings

from bandmate_bench.form.piece import GRID, GridNote, Piece, PieceBar, PiecePart, PlannedChord, Section, Syllable
from bandmate_bench.form.quantise import MetricalGrid

_LEADS = re.compile(r"voice|vocal|vox|melod|lead|sopran|solo|singer|gesang|\btune\b|violin (i|1)\b", re.IGNORECASE)
_VOICES = frozenset((52, 53, 54, 85))
_CHORDAL_SHARE = 0.8
"""A part whose onsets are less of its notes plays chords, and is no tune."""
_MIN_ACTIVITY = 6
"""A tune has at least one onset for so many of the busiest part."""


def read_piece(path: Path, group: str, name: str | None = None) -> Piece:
    """The piece in a MIDI file.

    Raises:
        UnreadableFile, LimitExceeded: the file.
    """
    return piece_of(read_midi(path.read_bytes(), SharedSettings().file_limits), group, name or path.stem)


def piece_of(score: Score, group: str, name: str) -> Piece:
    """A score as a piece: its notes on the grid, its marks as sections and planned chords."""
    quarter = score.ticks_per_quarter
    parts = [part for part in score.parts if len(part.notes)]
    onsets = [onset / quarter for part in parts for onset in part.notes.onset.tolist()]
    grid = MetricalGrid.of(onsets)
    places = grid.places(onsets)
    rows: list[GridNote] = []
    offsets: list[float] = []
    begin = 0
    for number, part in enumerate(parts):
        part_places = places[begin : begin + len(part.notes)]
        begin += len(part.notes)
        ends = grid.ends(part_places, ((part.notes.onset + part.notes.duration) / quarter).tolist())
        pitches, velocities = part.notes.pitch.tolist(), part.notes.velocity.tolist()
        rows += map(GridNote, [number] * len(pitches), part_places, ends, pitches, velocities)
        if part.is_drum:
            offsets += _drum_offsets(score, part, grid, part_places)
    bars = _bars(score, rows)
    melody = find_melody(parts, quarter, grid)
    return Piece(
        name=name,
        group=group,
        bars=bars,
        parts=tuple(PiecePart(part.name, part.program, part.is_drum) for part in parts),
        notes=tuple(sorted(rows, key=lambda note: (note.onset, note.part, note.pitch))),
        melody=melody,
        syllables=tuple(_syllables(parts[melody], quarter, grid)) if melody is not None else (),
        sections=tuple(_sections(score, bars)),
        chords=tuple(_chords(score, bars[-1].end)),
        planned_key=(score.keys[0].key.tonic, score.keys[0].key.mode) if score.keys else None,
        tempo=score.tempi[0].tempo if score.tempi else 120.0,
        drum_offsets=tuple(offsets),
    )


def _bars(score: Score, notes: Sequence[GridNote]) -> tuple[PieceBar, ...]:
    """The bars up to the last one in which a note begins; at least one."""
    quarter = score.ticks_per_quarter
    bars = [
        PieceBar(round(bar.onset * GRID / quarter), round(bar.length * GRID / quarter), beat_ticks(bar.metre))
        for bar in bars_of(score)
    ]
    last = max((note.onset for note in notes), default=0)
    return tuple(bar for bar in bars if bar.onset <= last) or (bars[0],)


def _sections(score: Score, bars: Sequence[PieceBar]) -> Iterator[Section]:
    """Each mark begins a section at the bar line nearest to it; the title without its number is its letter."""
    titles: dict[int, str] = {}
    for mark in score.sections:
        place = mark.onset * GRID / score.ticks_per_quarter
        titles[min(range(len(bars)), key=lambda index: abs(bars[index].onset - place))] = mark.text
    starts = sorted(titles)
    for first, following in zip(starts, [*starts[1:], len(bars)], strict=False):
        name = re.sub(r"\s*\d+$", "", titles[first]).lower()
        yield Section(name, name, first, following - first)


def _chords(score: Score, end: int) -> Iterator[PlannedChord]:
    places = [round(mark.onset * GRID / score.ticks_per_quarter) for mark in score.chords]
    for mark, place, following in zip(score.chords, places, [*places[1:], end], strict=False):
        if following > place:
            yield PlannedChord(place, following, mark.chord.root, frozenset(mark.chord.pitch_classes))


def find_melody(parts: Sequence[Part], quarter: int, grid: MetricalGrid) -> int | None:
    """The part with the tune: one with words, else one that says so, else the highest that plays one note at a time.

    Parts with few notes are no tune. None where there are only drums.
    """
    pitched = [number for number, part in enumerate(parts) if not part.is_drum]
    if not pitched:
        return None
    sung = [number for number in pitched if parts[number].lyrics]
    if sung:
        return max(sung, key=lambda number: len(parts[number].lyrics))
    onsets = {number: len(set(grid.places((parts[number].notes.onset / quarter).tolist()))) for number in pitched}
    busiest = max(onsets.values())
    lines = [
        number
        for number in pitched
        if onsets[number] >= _CHORDAL_SHARE * len(parts[number].notes) and onsets[number] * _MIN_ACTIVITY >= busiest
    ]
    leads = [n for n in lines if _LEADS.search(parts[n].name) or parts[n].program in _VOICES]
    return max(leads or lines or pitched, key=lambda number: float(parts[number].notes.pitch.mean()))


def _syllables(part: Part, quarter: int, grid: MetricalGrid) -> Iterator[Syllable]:
    """Each syllable with its notes: those up to the next syllable that follow without a gap of an eighth or more."""
    if not part.lyrics:
        return
    line: dict[int, tuple[int, int]] = {}
    rows = zip(part.notes.onset.tolist(), part.notes.duration.tolist(), part.notes.pitch.tolist(), strict=True)
    for onset, duration, pitch in rows:
        if onset not in line or pitch > line[onset][1]:
            line[onset] = (onset + duration, pitch)
    onsets = sorted(line)
    places = dict(zip(onsets, grid.places([onset / quarter for onset in onsets]), strict=True))
    for number, lyric in enumerate(part.lyrics):
        start = min(onsets, key=lambda onset: abs(onset - lyric.onset))
        if abs(start - lyric.onset) > quarter // 4:
            continue  # A syllable that no note is sung to.
        stop = part.lyrics[number + 1].onset - quarter // 16 if number + 1 < len(part.lyrics) else onsets[-1] + 1
        sung: list[tuple[int, int]] = []
        previous_end = line[start][0]
        for onset in onsets[onsets.index(start) :]:
            if sung and (onset >= stop or onset - previous_end >= quarter // 2):
                break
            sung.append((places[onset], line[onset][1]))
            previous_end = line[onset][0]
        yield Syllable(lyric.text, lyric.word_end, tuple(sung))


def _drum_offsets(score: Score, part: Part, grid: MetricalGrid, places: Sequence[int]) -> list[float]:
    """Seconds by which each drum note is late on its grid place."""
    nominal = score.seconds_at([round(grid.played(place) * score.ticks_per_quarter) for place in places])
    return [float(late) for late in (score.seconds_at(part.notes.onset) - nominal).tolist()]
