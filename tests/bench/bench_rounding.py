"""What the engine's integers cost in quality: `python -m tests.bench.bench_rounding MODEL DATASET [--windows N]`.

MODEL is a Transformer's folder, DATASET a folder that `bandmate ingest` wrote, of styles that the model knows. The
tokens of validation windows are fed one by one, sixteen windows at once, beside Hugging Face's transformers in 32-bit
floats with the same weights: the loss of both, its difference, how far the two distributions are apart (KL divergence),
and the furthest logit. Only tokens that a composer would have to choose count.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from bandmate_model.cells.batches import Batch, validation_runs
from bandmate_model.cells.training_set import build
from bandmate_model.data import read_pieces
from bandmate_model.engine import Engine, Feed, open_engine
from numpy.typing import NDArray

LENGTH = 768
LANES = 16

Floats = NDArray[np.float64]


def batches(dataset: Path, styles: list[str], windows: int) -> list[Batch]:
    """About as many windows of each style."""
    with tempfile.TemporaryDirectory() as folder:
        training = build(lambda: read_pieces(dataset), Path(folder))
        share = max(1, windows // len(styles)) * LENGTH
        runs = validation_runs(training, lanes=LANES, length=LENGTH, styles=styles, tokens_a_style=share)
        return [batch for run in runs for batch in run.batches]


def engine_logits(engine: Engine, tokens: list[list[int]]) -> list[NDArray[np.float32]]:
    """Of each row after each of its tokens, (tokens, vocabulary)."""
    slots = [engine.open() for _ in tokens]
    rows: list[list[Any]] = [[] for _ in tokens]
    for place in range(max(map(len, tokens))):
        going = [number for number, row in enumerate(tokens) if place < len(row)]
        logits = engine.feed([(slots[number], Feed([tokens[number][place]])) for number in going])
        for number, row in zip(going, logits, strict=True):
            rows[number].append(row)
    for slot in slots:
        engine.close(slot)
    return [np.array(row) for row in rows]


def logarithms(logits: NDArray[np.float32]) -> Floats:
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def compare(model: Path, dataset: Path, windows: int) -> dict[str, float]:
    config = json.loads((model / "config.json").read_text())
    engine = open_engine(model, config)
    peer = transformers.LlamaForCausalLM.from_pretrained(model, dtype=torch.float32).eval()
    theirs: list[Any] = []
    ours: list[Any] = []
    apart: list[Any] = []
    furthest = 0.0
    for batch in batches(dataset, config["styles"], windows):
        lengths = (batch.documents >= 0).sum(axis=1).tolist()
        tokens = [row[:length].tolist() for row, length in zip(batch.tokens, lengths, strict=True)]
        for number, logits in enumerate(engine_logits(engine, tokens)):
            with torch.inference_mode():
                exact = peer(torch.tensor([tokens[number]])).logits[0].numpy()
            counts = np.flatnonzero(batch.weights[number, : lengths[number]])
            targets = batch.tokens[number, counts + 1].astype(int)
            one, other = logarithms(exact[counts]), logarithms(logits[counts])
            theirs += (-one[range(len(counts)), targets]).tolist()
            ours += (-other[range(len(counts)), targets]).tolist()
            apart += (np.exp(one) * (one - other)).sum(axis=-1).tolist()
            furthest = max(furthest, float(np.abs(exact[counts] - logits[counts]).max(initial=0.0)))
    difference = np.array(ours) - np.array(theirs)
    return {
        "tokens": len(ours), "nats_transformers": float(np.mean(theirs)), "nats_engine": float(np.mean(ours)),
        "difference": float(difference.mean()), "standard_error": float(difference.std() / len(difference) ** 0.5),
        "divergence": float(np.mean(apart)), "furthest_logit": furthest,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--windows", type=int, default=60)
    given = parser.parse_args()
    torch.set_num_threads(1)
    for name, value in compare(given.model, given.dataset, given.windows).items():
        print(f"{name}: {value:.6g}")


if __name__ == "__main__":
    main()
