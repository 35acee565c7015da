"""What a fresh model composes when it is asked as a musician would: is it valid, and how like the validation split."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from bandmate_shared.contracts.composition import CompositionRequest, Hole, PartSpec

from bandmate_model.gan import features
from bandmate_model.gan.composer import GanComposer, as_steps
from bandmate_model.gan.condition import MODES
from bandmate_model.gan.dataset import BlockSet
from bandmate_model.gan.roll import (
    BASS,
    BLOCK,
    BLOCK_STEPS,
    COLOUR,
    DRUMS,
    HARMONY,
    LOWEST,
    MELODY,
    PITCHED,
    PITCHES,
    SLICE_STEPS,
    TRACKS,
    paint,
)
from bandmate_model.gan.statistics import FAMILIAR
from bandmate_model.tokens import METRES
from bandmate_model.validity import violations

BARS = 8
_TEMPI = (50.0, 70.0, 90.0, 110.0, 130.0, 155.0, 180.0)
"""A tempo for each of tokens.tempo_token's classes."""
_SPECS: dict[int, dict[str, Any]] = {
    MELODY: {"name": "melody", "role": "melody", "program": 52, "is_voice": True, "low": 57, "high": 79},
    HARMONY: {"name": "piano", "role": "harmony", "program": 0, "low": 40, "high": 84},
    COLOUR: {"name": "strings", "role": "harmony", "program": 48, "low": 48, "high": 88},
    BASS: {"name": "bass", "role": "bass", "program": 33, "monophonic": True, "low": 28, "high": 60},
    DRUMS: {"name": "drums", "role": "drums", "program": 0, "is_drum": True},
}


def trial(composer: GanComposer, *, seed: int) -> dict[str, float]:
    """`generated_valid_share`: of songs and accompaniments in every style, the share without a fault."""
    faults = takes = 0
    for style, known in composer.styles.items():
        tracks = [track for track in range(len(known.tracks)) if known.tracks[track].share >= FAMILIAR]
        parts = [PartSpec.model_validate(_SPECS[track]) for track in tracks or [MELODY]]
        for metre, (numerator, denominator) in enumerate(((4, 4), (3, 4), (6, 8))):
            song = CompositionRequest(
                style=style, tonic=(seed + 5 * metre) % 12, mode="major", numerator=numerator, denominator=denominator,
                bars=BARS, tempo=100.0, parts=parts, seeds=[seed],
            )  # fmt: skip
            first = composer.compose(composer.plan(song), [(seed, 0)])[0]
            own = [row for row in first.notes if row[0] == 0]
            holes = [Hole(part=index, first_bar=0, bars=BARS) for index in range(1, len(parts))]
            again = song.model_copy(update={"prompt": own, "holes": holes})
            second = composer.compose(composer.plan(again), [(seed + 1, 0)])[0] if holes else first
            for request, take in ((song, first), (again if holes else song, second)):
                takes += 1
                silent = {row[0] for row in take.notes} != set(range(len(parts)))
                faults += bool(violations(request, take.notes)) or silent
    return {"generated_valid_share": round(1 - faults / max(1, takes), 4)} if takes else {}


def served(composer: GanComposer, blocks: BlockSet, *, takes: int) -> tuple[features.Floats, features.Floats]:
    """Features of the blocks of composed pieces, and of the first blocks of the validation pieces they are modelled on:
    same style, mode, metre, tempo and tracks, ranges as wide as the tracks."""
    made: list[features.Floats] = []
    real: list[features.Floats] = []
    for number, (index, request, tracks) in enumerate(_models(blocks, takes)):
        planned = composer.plan(request)
        take = composer.compose(planned, [(number, 0)])[0]
        rows = np.concatenate(
            [
                as_steps(planned.slices, part, [row[1:4] for row in take.notes if row[0] == position])
                for position, part in enumerate(planned.parts)
            ]
        )
        own = blocks.own_notes(index)
        for first in range(0, min(len(planned.slices), len(blocks.slices(index))) - BLOCK + 1, BLOCK):
            low = first * SLICE_STEPS
            for found, notes, slices in ((made, rows, planned.slices), (real, own, blocks.slices(index))):
                inside = notes[(notes[:, 0] >= low) & (notes[:, 0] < low + BLOCK_STEPS)] - np.array([low, low, 0, 0])
                there = slices.there(first, BLOCK)[None]
                roll = paint(inside, np.zeros(len(inside), dtype=np.int64), 1, BLOCK_STEPS) & there[:, :, None]
                active = np.isin(np.arange(len(TRACKS)), tracks)[None]
                found.append(features.measure(roll, there, active))
    return np.concatenate(made), np.concatenate(real)


def _models(blocks: BlockSet, takes: int) -> Iterator[tuple[int, CompositionRequest, list[int]]]:
    """Validation pieces in whose likeness to compose, styles in turn: their number, the request, their tracks."""
    held = blocks.split("valid") or blocks.split("train")
    chosen = [index for index in held if METRES[blocks.pieces[index].metre] != "other"]
    chosen = [index for index in chosen if blocks.pieces[index].slices >= BLOCK]
    styles = [blocks.pieces[index].style for index in chosen]
    rank = [styles[:position].count(style) for position, style in enumerate(styles)]
    for position in sorted(range(len(chosen)), key=lambda position: (rank[position], position))[:takes]:
        piece = blocks.pieces[chosen[position]]
        numerator, denominator = map(int, METRES[piece.metre].split("/"))
        tracks = np.unique(blocks.own_notes(chosen[position])[:, 2]).tolist()
        parts = []
        for track in tracks:
            whole = {"low": LOWEST[track], "high": LOWEST[track] + PITCHES[track] - 1} if track in PITCHED else {}
            parts.append(PartSpec.model_validate(_SPECS[track] | whole))
        request = CompositionRequest.model_validate(
            {
                "style": piece.style, "tonic": 0, "mode": piece.mode if piece.mode in MODES else "major",
                "numerator": numerator, "denominator": denominator, "bars": BARS, "tempo": _TEMPI[piece.tempo],
                "parts": parts, "seeds": [0],
            }
        )  # fmt: skip
        yield chosen[position], request, tracks
