"""How often passages of 32 notes of generated and of held-out music occur in the training pieces.

The training pieces are read from their files here, and compared in full, so that the index the model came with is
judged as well: whatever is found has to be named in the song's report.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from bandmate_model.cells.pieces import cells_of
from bandmate_model.checks.copies import PASSAGE_NOTES, Line
from bandmate_model.checks.originality import lines_of_rows
from bandmate_model.data.pieces import Piece
from bandmate_model.evaluation.compose_all import compose_all
from bandmate_model.evaluation.passages import Passage, draw, piece_of
from bandmate_model.serving.loaded import LoadedModel
from numpy.typing import NDArray

from bandmate_bench.judging.packs import read_pack

Progress = Callable[[str, int, int], None]
_STEPS = PASSAGE_NOTES - 1
_WAVE = np.uint64(0x2545F4914F6CDD1D)


def judge_copying(
    model: LoadedModel, packs: dict[str, Path], split: str, *, samples: int, bars: int, seed: int, progress: Progress
) -> dict[str, Any]:
    """For each style: the share of the passages in `samples` pieces of `bars` bars that stand in the training pieces of
    any style, the same for held-out passages of that length, and whether the reports name what was copied."""
    pieces = {style: _pieces(pack, style, "train", progress) for style, pack in packs.items()}
    known = np.unique(
        np.concatenate([passages_of(line) for style_pieces in pieces.values() for line in _lines(style_pieces)])
    )
    styles: dict[str, Any] = {}
    for style, pack in packs.items():
        held_out = draw(_pieces(pack, style, split, progress), samples, bars, seed)
        styles[style] = _judge_style(
            model,
            known,
            held_out,
            draw(pieces[style], samples, bars, seed + 1),
            seed,
            lambda done, style=style: progress(f"{style}: composing", done, samples),  # type: ignore[misc]
        )
    generated = _sum([result["generated"] for result in styles.values()])
    real_total = _sum([result["held_out"] for result in styles.values()])
    unnamed = sum(result["unnamed"] for result in styles.values())
    return {
        "styles": styles,
        "generated": generated,
        "held_out": real_total,
        "unnamed": unnamed,
        "passed": generated["share"] <= real_total["share"] and unnamed == 0,
    }


def _judge_style(
    model: LoadedModel,
    known: NDArray[np.uint64],
    held_out: Sequence[Passage],
    frames: Sequence[Passage],
    seed: int,
    composed: Callable[[int], None],
) -> dict[str, Any]:
    real = [_share(known, [line for _, line in lines_of_rows(passage.rows(), passage.drums)]) for passage in held_out]
    requests = [passage.request(seed + number) for number, passage in enumerate(frames)]
    takes = compose_all(model, requests, composed)
    shares, unnamed = [], 0
    for request, take in zip(requests, takes, strict=True):
        drums = {index for index, part in enumerate(request.parts) if part.is_drum}
        lines = list(lines_of_rows(take.notes, drums))
        shares.append(_share(known, [line for _, line in lines]))
        named = {match.part for match in take.originality.matches}
        unnamed += sum(part not in named and bool(_in_known(passages_of(line), known).any()) for part, line in lines)
    return {
        "generated": _total(shares),
        "held_out": _total(real),
        "unnamed": unnamed,
        "matches": [
            {"piece": match.piece, "notes": match.notes, "take": number}
            for number, take in enumerate(takes)
            for match in take.originality.matches
        ],
    }


def _pieces(pack: Path, style: str, split: str, progress: Progress) -> list[Piece]:
    """The pieces of a split as a model represents them: on its grid, limited to its vocabulary."""

    def report(done: int, total: int) -> None:
        progress(f"{style}: reading {split}", done, total)

    return [piece_of(cells_of(piece, harmony=False)) for piece in read_pack(pack, style, split, progress=report)]


def _in_known(passages: NDArray[np.uint64], known: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which of the passages are known; `known` is sorted and may be large, so it is searched and not sorted again."""
    if not len(known):
        return np.zeros(len(passages), np.bool_)
    positions = np.searchsorted(known, passages).clip(max=len(known) - 1)
    is_known: NDArray[np.bool_] = known[positions] == passages
    return is_known


def passages_of(line: Line) -> NDArray[np.uint64]:
    """A number for each passage of a line: of its intervals and its times from onset to onset."""
    onsets, pitches, drum = line
    if len(onsets) < PASSAGE_NOTES:
        return np.zeros(0, np.uint64)
    steps = (np.diff(pitches) + 200).astype(np.uint64) * np.uint64(100_003) + np.diff(onsets).astype(np.uint64)
    steps = (steps * np.uint64(2) + np.uint64(drum) + np.uint64(7)) * _WAVE
    steps ^= steps >> np.uint64(31)
    count = len(steps) - _STEPS + 1
    total = np.zeros(count, np.uint64)
    for step in range(_STEPS):
        total = total * _WAVE + steps[step : step + count]
    return total


def _share(known: NDArray[np.uint64], lines: Sequence[Line]) -> tuple[int, int]:
    """The number of known passages, and of all passages."""
    passages_per_line = [passages_of(line) for line in lines]
    return sum(int(_in_known(line_passages, known).sum()) for line_passages in passages_per_line), sum(
        map(len, passages_per_line)
    )


def _lines(pieces: Sequence[Piece]) -> list[Line]:
    lines = []
    for piece in pieces:
        drums = {part.part for part in piece.parts if part.is_drum}
        lines += [line for _, line in lines_of_rows(piece.notes, drums)]
    return lines


def _total(pairs: Sequence[tuple[int, int]]) -> dict[str, float]:
    hits, passages = sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)
    return {
        "matching": hits,
        "passages": passages,
        "share": hits / passages if passages else 0.0,
        "pieces": sum(pair[0] > 0 for pair in pairs),
        "of": len(pairs),
    }


def _sum(totals: Sequence[dict[str, float]]) -> dict[str, float]:
    summed = {name: sum(total[name] for total in totals) for name in ("matching", "passages", "pieces", "of")}
    return {**summed, "share": summed["matching"] / summed["passages"] if summed["passages"] else 0.0}
