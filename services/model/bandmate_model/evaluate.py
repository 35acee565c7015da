"""Measures of composed pieces against the validation pieces of their style.

The features are those of muspy (Dong et al., 2020) and mgeval (Yang and Lerch, 2020): pitch-class entropy, scale
consistency, empty bars, groove consistency, polyphony, note density, pitch range. Two sets are compared by the
overlapping area of their histograms, 1 where they are distributed alike.
"""

from dataclasses import dataclass

import numpy as np
from bandmate_shared.contracts.composition import CompositionRequest, PartSpec
from numpy.typing import NDArray

from bandmate_model.context import COLUMNS
from bandmate_model.data import NoteTable, PieceRows, TrainingSet, note_table
from bandmate_model.loaded import LoadedModel
from bandmate_model.tokens import METRES, TICKS_PER_QUARTER, is_drum_slot, slot_class
from bandmate_model.validity import violations

BARS = 16
"""Both sets are judged by their first bars, as many of each."""
FEATURES = (
    "pitch_class_entropy",
    "scale_consistency",
    "empty_bars",
    "groove_consistency",
    "polyphony",
    "density",
    "range",
)
_PROGRAMS = {
    "voice": 52, "wind": 73, "brass": 61, "strings": 40, "lead": 80, "organ": 19, "piano": 0, "mallet": 11,
    "guitar": 25, "ensemble": 48, "pad": 89, "other": 104, "bass": 33, "drums": 0,
}  # fmt: skip
_MAJOR = np.array([1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1], dtype=bool)
_MINOR = np.array([1, 0, 1, 1, 0, 1, 0, 1, 1, 0, 0, 1], dtype=bool)
_SCALES = np.stack([np.roll(scale, k) for scale in (_MAJOR, _MINOR) for k in range(12)])
_TEMPI = (50.0, 70.0, 90.0, 110.0, 130.0, 155.0, 180.0)
"""A tempo for each of tokens.tempo_token's classes."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Composed against validation pieces of one style."""

    generated: dict[str, float]
    reference: dict[str, float]
    overlap: dict[str, float]
    valid_share: float
    seen_share: float
    longest_match_notes: int


def describe(notes: NoteTable, bar_ticks: int, bars: int) -> dict[str, float]:
    """FEATURES of one piece; drums count for density, empty bars and groove only."""
    onsets = notes.onset[notes.onset < bars * bar_ticks]
    grid = np.zeros((bars, bar_ticks), dtype=bool)
    grid[onsets // bar_ticks, onsets % bar_ticks] = True
    covered = np.zeros(bars, dtype=bool)
    for onset, duration in zip(notes.onset.tolist(), notes.duration.tolist(), strict=True):
        covered[onset // bar_ticks : (onset + max(1, duration) - 1) // bar_ticks + 1] = True
    agreement = (grid[1:] == grid[:-1]).mean() if bars > 1 else 1.0
    pitched = ~notes.drum
    classes = np.bincount(notes.pitch[pitched] % 12, minlength=12).astype(float)
    share = classes / max(1.0, classes.sum())
    entropy = float(-(share[share > 0] * np.log2(share[share > 0])).sum())
    return {
        "pitch_class_entropy": entropy,
        "scale_consistency": float((_SCALES @ share).max()) if classes.sum() else 1.0,
        "empty_bars": float(1 - covered.mean()),
        "groove_consistency": float(agreement),
        "polyphony": _polyphony(notes.onset[pitched], notes.duration[pitched]),
        "density": len(notes.onset) / bars,
        "range": float(np.ptp(notes.pitch[pitched])) if pitched.any() else 0.0,
    }


def overlap(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Overlapping area of two samples' histograms over ten common bins, 0-1."""
    low, high = min(first.min(), second.min()), max(first.max(), second.max())
    if high <= low:
        return 1.0
    bins = np.linspace(low, high, 11)
    one, two = (np.histogram(each, bins)[0] / len(each) for each in (first, second))
    return float(np.minimum(one, two).sum())


def compare(model: LoadedModel, training: TrainingSet, style: str, takes: int) -> Comparison:
    """Compose `takes` pieces with the line-ups, metres and modes of validation pieces, and set them beside those."""
    split = "valid" if any(training.pieces[index].style == style for index in training.split("valid")) else "train"
    indices = [index for index in training.split(split) if training.pieces[index].style == style]
    originals: list[dict[str, float]] = []
    composed: list[dict[str, float]] = []
    seen: list[float] = []
    faults = longest = 0
    for number, index in enumerate(indices):
        piece = training.pieces[index]
        rows = np.asarray(training.rows[piece.start : piece.start + piece.length])
        notes, bar_ticks, bars = note_table(rows, BARS)
        if bars < 2 or not len(notes.onset):
            continue
        originals.append(describe(notes, bar_ticks, bars))
        if len(composed) < takes:
            request = _request(piece, notes, rows, bars, seed=number)
            take = model.answer(request).takes[0]
            faults += bool(violations(request, take.notes))
            seen.append(take.originality.seen_share)
            longest = max(longest, take.originality.longest_match_notes)
            bar = request.numerator * TICKS_PER_QUARTER * 4 // request.denominator
            composed.append(describe(_table(request, take.notes), bar, bars))
    mean = {name: float(np.mean([row[name] for row in composed])) for name in FEATURES}
    reference = {name: float(np.mean([row[name] for row in originals])) for name in FEATURES}
    area = {
        name: overlap(np.array([row[name] for row in composed]), np.array([row[name] for row in originals]))
        for name in FEATURES
    }
    return Comparison(mean, reference, area, 1 - faults / len(composed), float(np.mean(seen)), longest)


def evaluate(model: LoadedModel, training: TrainingSet, takes: int) -> dict[str, float]:
    """Numbers for metrics.json. Names: `<style>.<feature>.generated|reference|overlap`, and sums over the styles."""
    numbers: dict[str, float] = {}
    if not takes:
        return numbers
    comparisons = {style: compare(model, training, style, takes) for style in training.styles}
    for style, found in comparisons.items():
        for name in FEATURES:
            numbers[f"{style}.{name}.generated"] = found.generated[name]
            numbers[f"{style}.{name}.reference"] = found.reference[name]
            numbers[f"{style}.{name}.overlap"] = found.overlap[name]
        numbers[f"{style}.seen_share"] = found.seen_share
        numbers[f"{style}.longest_match_notes"] = float(found.longest_match_notes)
    numbers["generated_valid_share"] = float(np.mean([found.valid_share for found in comparisons.values()]))
    numbers["overlapping_area"] = float(
        np.mean([area for found in comparisons.values() for area in found.overlap.values()])
    )
    return {name: round(value, 4) for name, value in numbers.items()}


def _request(
    piece: PieceRows, notes: NoteTable, rows: NDArray[np.int16], bars: int, *, seed: int
) -> CompositionRequest:
    """The request that asks for a piece like this one, in C."""
    metre = METRES[int(rows[0, COLUMNS.index("metre")])]
    numerator, denominator = (4, 4) if metre == "other" else map(int, metre.split("/"))
    parts = []
    for number, slot in enumerate(piece.slots):
        own = notes.pitch[notes.slot == slot]
        name = slot_class(slot)
        drum = is_drum_slot(slot)
        low, high = (int(own.min()), int(own.max())) if len(own) and not drum else (36, 84)
        role = "drums" if drum else "bass" if name == "bass" else "melody" if number == 0 else "harmony"
        voice, mono = name == "voice", name in ("voice", "bass")
        spec = PartSpec(
            name=f"{name} {number}", role=role, program=_PROGRAMS[name], is_drum=drum, is_voice=voice, monophonic=mono,
            low=low, high=max(high, low + 7) if high < 120 else high,
        )  # fmt: skip
        parts.append(spec)
    mode = "minor" if piece.mode == "minor" else "major"
    return CompositionRequest(
        style=piece.style, tonic=0, mode=mode, numerator=numerator, denominator=denominator, bars=bars,
        tempo=_TEMPI[piece.tempo], parts=parts[:16], seeds=[seed],
    )  # fmt: skip


def _table(request: CompositionRequest, rows: list[tuple[int, int, int, int, int]]) -> NoteTable:
    table = np.array(rows, dtype=np.int64).reshape(-1, 5)
    drums = np.array([part.is_drum for part in request.parts])
    return NoteTable(table[:, 0], table[:, 1] // 2, np.maximum(1, table[:, 2] // 2), table[:, 3], drums[table[:, 0]])


def _polyphony(onsets: NDArray[np.int64], durations: NDArray[np.int64]) -> float:
    """Mean number of notes that sound, over the ticks at which any sounds."""
    if not len(onsets):
        return 0.0
    change = np.zeros(int((onsets + durations).max()) + 1, dtype=np.int64)
    np.add.at(change, onsets, 1)
    np.add.at(change, onsets + durations, -1)
    sounding = np.cumsum(change)
    return float(sounding[sounding > 0].mean())
