"""Compose with a newly trained GAN as in serving, and measure validity and likeness to the validation split."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from bandmate_shared.contracts.composition import CompositionRequest, Hole, PartSpec

from bandmate_model.checks.validity import violations
from bandmate_model.data.tokens import METRES
from bandmate_model.gan.composer import GanComposer, as_steps
from bandmate_model.gan.condition import MODES
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
from bandmate_model.training.gan import features
from bandmate_model.training.gan.dataset import BlockSet

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


def share_of_valid_takes(composer: GanComposer, *, seed: int) -> dict[str, float]:
    """`generated_valid_share`: of songs and accompaniments in every style, the share without a violation."""
    faults = takes = 0
    for style, style_tracks in composer.styles.items():
        tracks = [track for track in range(len(style_tracks.tracks)) if style_tracks.tracks[track].share >= FAMILIAR]
        parts = [PartSpec.model_validate(_SPECS[track]) for track in tracks or [MELODY]]
        for metre, (numerator, denominator) in enumerate(((4, 4), (3, 4), (6, 8))):
            song = CompositionRequest(
                style=style,
                tonic=(seed + 5 * metre) % 12,
                mode="major",
                numerator=numerator,
                denominator=denominator,
                bars=BARS,
                tempo=100.0,
                parts=parts,
                seeds=[seed],
            )
            first_take = composer.compose(composer.plan(song), [(seed, 0)])[0]
            first_part_rows = [row for row in first_take.notes if row[0] == 0]
            holes = [Hole(part=index, first_bar=0, bars=BARS) for index in range(1, len(parts))]
            again = song.model_copy(update={"prompt": first_part_rows, "holes": holes})
            second_take = composer.compose(composer.plan(again), [(seed + 1, 0)])[0] if holes else first_take
            for request, take in ((song, first_take), (again if holes else song, second_take)):
                takes += 1
                silent = {row[0] for row in take.notes} != set(range(len(parts)))
                faults += bool(violations(request, take.notes)) or silent
    return {"generated_valid_share": round(1 - faults / max(1, takes), 4)} if takes else {}


def features_of_takes(
    composer: GanComposer, blocks: BlockSet, *, takes: int
) -> tuple[features.Floats, features.Floats]:
    """Features of the blocks of composed pieces, and of the first blocks of the validation pieces they are modelled on:
    same style, mode, metre, tempo and tracks, ranges as wide as the tracks."""
    composed: list[features.Floats] = []
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
        piece_notes = blocks.own_notes(index)
        for first_slice in range(0, min(len(planned.slices), len(blocks.slices(index))) - BLOCK + 1, BLOCK):
            low = first_slice * SLICE_STEPS
            for measured, notes, slices in (
                (composed, rows, planned.slices),
                (real, piece_notes, blocks.slices(index)),
            ):
                inside = notes[(notes[:, 0] >= low) & (notes[:, 0] < low + BLOCK_STEPS)] - np.array([low, low, 0, 0])
                present = slices.present(first_slice, BLOCK)[None]
                roll = paint(inside, np.zeros(len(inside), dtype=np.int64), 1, BLOCK_STEPS) & present[:, :, None]
                active = np.isin(np.arange(len(TRACKS)), tracks)[None]
                measured.append(features.measure(roll, present, active))
    return np.concatenate(composed), np.concatenate(real)


def _models(blocks: BlockSet, takes: int) -> Iterator[tuple[int, CompositionRequest, list[int]]]:
    """Validation pieces to model compositions on, alternating between styles: their number, the request, their
    tracks."""
    indices = blocks.split("valid") or blocks.split("train")
    chosen = [index for index in indices if METRES[blocks.pieces[index].metre] != "other"]
    chosen = [index for index in chosen if blocks.pieces[index].slices >= BLOCK]
    styles = [blocks.pieces[index].style for index in chosen]
    rank = [styles[:position].count(style) for position, style in enumerate(styles)]
    for position in sorted(range(len(chosen)), key=lambda position: (rank[position], position))[:takes]:
        piece = blocks.pieces[chosen[position]]
        numerator, denominator = map(int, METRES[piece.metre].split("/"))
        tracks = np.unique(blocks.own_notes(chosen[position])[:, 2]).tolist()
        parts = []
        for track in tracks:
            full_range = {"low": LOWEST[track], "high": LOWEST[track] + PITCHES[track] - 1} if track in PITCHED else {}
            parts.append(PartSpec.model_validate(_SPECS[track] | full_range))
        request = CompositionRequest.model_validate(
            {
                "style": piece.style,
                "tonic": 0,
                "mode": piece.mode if piece.mode in MODES else "major",
                "numerator": numerator,
                "denominator": denominator,
                "bars": BARS,
                "tempo": _TEMPI[piece.tempo],
                "parts": parts,
                "seeds": [0],
            }
        )
        yield chosen[position], request, tracks
