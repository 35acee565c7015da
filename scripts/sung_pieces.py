"""Read songs with words from the data packs: the tune, its syllables, its bars and the chords under it."""

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import symusic
from bandmate_generate.lyrics.syllables import is_function_word, split_word, strip_marks
from bandmate_music.analysis.key_finder import find_key
from bandmate_music.theory.keys import Key
from bandmate_music.theory.metre import Metre

GRID = 24
PACKS = {"hymn": ("openhymnal",), "folk": ("carols_songs", "mutopia"), "art": ("polish_songs",)}
"""Table of statistics → the packs that it is counted from."""
_MIN_SYLLABLES = 20
_TEMPLATES = {
    (root, name): frozenset((root + step) % 12 for step in steps)
    for root in range(12)
    for name, steps in {
        "": (0, 4, 7),
        "m": (0, 3, 7),
        "7": (0, 4, 7, 10),
        "m7": (0, 3, 7, 10),
        "maj7": (0, 4, 7, 11),
        "dim": (0, 3, 6),
    }.items()
}


@dataclass(frozen=True)
class SungNote:
    """A note of a sung tune; times in grid ticks. `stress` None: not known; `text` None: it carries on a syllable."""

    onset: int
    duration: int
    pitch: int
    stress: float | None
    text: str | None
    line_end: bool


@dataclass(frozen=True)
class SungPiece:
    """A song of a pack. `bars` are (onset, metre); `chords` pitch classes per quarter of the accompaniment."""

    name: str
    table: str
    tempo: float
    key: Key
    notes: list[SungNote]
    bars: list[tuple[int, Metre]]
    chords: list[frozenset[int]]

    def chord_at(self, tick: int) -> frozenset[int]:
        """Pitch classes of the chord that sounds at a tick; empty where nothing does."""
        return self.chords[min(tick // GRID, len(self.chords) - 1)] if self.chords else frozenset()


def sung_pieces(packs: Path, split: str) -> Iterator[SungPiece]:
    """Every song of the packs' split whose words and notes could be brought together."""
    for table, folders in PACKS.items():
        for folder in folders:
            kinds = _styles(packs / folder / "index.csv")
            for path in sorted((packs / folder / split).glob("*.json")):
                piece = _read(path, table)
                if piece is not None and kinds.get(path.stem, "") not in ("Romantic",):
                    yield piece


def _styles(index: Path) -> dict[str, str]:
    with index.open(encoding="utf-8") as rows:
        return {Path(row["file"]).stem: row.get("style") or "" for row in csv.DictReader(rows)}


def _read(path: Path, table: str) -> SungPiece | None:
    parts = [part for part in json.loads(path.read_text(encoding="utf-8"))["lyrics"] if part["verses"]]
    midi = path.with_suffix(".mid")
    if not parts or not midi.exists():
        return None
    part = parts[0]
    syllables = [row for row in part["verses"][0]["syllables"] if row[2] is not None]
    if len(syllables) < _MIN_SYLLABLES:
        return None
    score = symusic.Score(str(midi))
    scale = GRID / score.ticks_per_quarter
    rows = [
        (
            index,
            np.round(np.array([note.time for note in track.notes]) * scale).astype(int),
            np.round(np.array([note.duration for note in track.notes]) * scale).astype(int),
            np.array([note.pitch for note in track.notes], dtype=int),
        )
        for index, track in enumerate(score.tracks)
        if len(track.notes) and not track.is_drum
    ]
    wanted = {(round(row[0] * GRID), row[2]) for row in syllables}
    overlaps = [
        len(wanted & set(zip(onset.tolist(), pitch.tolist(), strict=True))) / (1 + 0.0 * index)
        for index, onset, _, pitch in rows
    ]
    melody = int(np.argmax(overlaps))
    if overlaps[melody] < 0.8 * len(wanted):
        return None
    key = find_key(*(np.concatenate([row[column] for row in rows]) for column in (1, 2, 3)), GRID).key
    return SungPiece(
        path.stem,
        table,
        score.tempos[0].qpm if len(score.tempos) else 96.0,
        key,
        _notes(syllables, rows[melody], "pol" if table == "art" else "eng"),
        _bars(score, scale),
        _chords([row for index, row in enumerate(rows) if index != melody]),
    )


def _notes(syllables: list[list], track: tuple, language: str) -> list[SungNote]:
    """The tune's notes: one a syllable, and after it those that carry it on."""
    highest: dict[int, tuple[int, int]] = {}
    for onset, duration, pitch in zip(*(column.tolist() for column in track[1:]), strict=True):
        if onset not in highest or highest[onset][1] < pitch:
            highest[onset] = (duration, pitch)
    stresses, onsets = _stresses(syllables, language), [round(row[0] * GRID) for row in syllables]
    notes: list[SungNote] = []
    for index, (row, onset) in enumerate(zip(syllables, onsets, strict=True)):
        following = onsets[index + 1] if index + 1 < len(onsets) else onset + 4 * GRID
        if following <= onset:
            continue
        notes.append(
            SungNote(
                onset,
                min(round(row[1] * GRID), following - onset),
                row[2],
                stresses[index],
                row[4],
                _ends_line(syllables, index),
            )
        )
        for tick in sorted(tick for tick in highest if onset < tick < following):
            before = notes[-1]
            if tick - (before.onset + before.duration) > 2:
                break
            duration, pitch = highest[tick]
            notes.append(SungNote(tick, min(duration, following - tick), pitch, None, None, before.line_end))
    return notes


def _ends_line(syllables: list[list], index: int) -> bool:
    """Whether a line of the words ends here: with the last one, before a capital, or with a stop and a rest."""
    if index + 1 == len(syllables):
        return True
    row, following = syllables[index], syllables[index + 1]
    if row[3] not in ("end", "single"):
        return False
    rest = following[0] - row[0] - row[1] >= 0.5
    stop = bool(re.search(r"[,.;:!?]['\"”’)]*$", row[4]))
    capital = following[4][:1].isupper() and following[4].strip(",.;:!?") not in (
        "I",
        "I'm",
        "I'll",
        "God",
        "Lord",
        "O",
    )
    return (stop and (capital or rest or row[1] >= 2)) or (capital and row[1] >= 1 and rest)


def _stresses(syllables: list[list], language: str) -> list[float | None]:
    """Stress of each syllable by the rules for its language."""
    stresses: list[float | None] = []
    word: list[str] = []
    for row in syllables:
        word.append(re.sub(r"[^\w'’]", "", row[4]))
        if row[3] not in ("end", "single"):
            continue
        count, joined = len(word), "".join(word)
        if language == "pol":
            stresses += (
                [1.0 if index == max(0, count - 2) else 0.1 for index in range(count)]
                if count > 1 or len(joined) > 3
                else [0.1]
            )
        else:
            parts, stressed = split_word(joined)
            if len(parts) != count:
                stresses += [None] * count
            elif count == 1:
                stresses.append(0.1 if is_function_word(strip_marks(joined)) else 1.0)
            else:
                stresses += [
                    1.0 if index == stressed else 0.4 if abs(index - stressed) == 2 else 0.0 for index in range(count)
                ]
        word = []
    return [*stresses, *[None] * (len(syllables) - len(stresses))]


def _bars(score: symusic.Score, scale: float) -> list[tuple[int, Metre]]:
    changes = [(round(sig.time * scale), Metre(sig.numerator, sig.denominator)) for sig in score.time_signatures]
    changes = changes or [(0, Metre(4, 4))]
    end, bars = round(score.end() * scale), []
    for index, (tick, metre) in enumerate(changes):
        stop = changes[index + 1][0] if index + 1 < len(changes) else end
        bars += [(onset, metre) for onset in range(tick, stop, metre.bar_ticks(GRID))]
    return bars


def _chords(rows: list[tuple]) -> list[frozenset[int]]:
    """The chord of each quarter, by the template that the accompaniment fits best; the melody is left out."""
    if not rows:
        return []
    end = max(int((onset + duration).max()) for _, onset, duration, _ in rows)
    weights = np.zeros((end // GRID + 1, 12))
    for _, onsets, durations, pitches in rows:
        for onset, duration, pitch in zip(onsets, durations, pitches, strict=True):
            for quarter in range(onset // GRID, (onset + max(1, duration) - 1) // GRID + 1):
                inside = min(onset + duration, (quarter + 1) * GRID) - max(onset, quarter * GRID)
                weights[quarter, pitch % 12] += inside / GRID
    chords: list[frozenset[int]] = []
    for row in weights:
        total = row.sum()
        if total < 0.5:
            chords.append(frozenset())
            continue
        best = max(
            _TEMPLATES.items(),
            key=lambda item: (
                sum(row[pc] for pc in item[1])
                - 0.12 * total * (len(item[1]) - 3)
                + 0.05 * total * (row[item[0][0]] > 0)
            ),
        )
        chords.append(best[1])
    return chords
