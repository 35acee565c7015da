"""Quality lost to the engine's integer arithmetic: `python -m bandmate_bench.timing.rounding MODEL DATASET`.

MODEL is a Transformer's folder, DATASET a folder that `bandmate ingest` wrote, of styles that the model knows. The
tokens of validation windows are fed one by one, sixteen windows at once, to the engine and to Hugging Face's
transformers in 32-bit floats with the same weights. Reported are the loss of both and its difference in nats, the KL
divergence of their distributions, and the largest difference of a logit, over the tokens that a composer chooses.
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
from bandmate_model.data.read_dataset import read_pieces
from bandmate_model.engine.base import Engine, Feed
from bandmate_model.engine.open import open_engine
from numpy.typing import NDArray

LENGTH = 768
LANES = 16

Floats = NDArray[np.float64]


def batches(dataset: Path, styles: list[str], windows: int) -> list[Batch]:
    """Validation windows, about as many of each style."""
    with tempfile.TemporaryDirectory() as folder:
        training = build(lambda: read_pieces(dataset), Path(folder))
        share = max(1, windows // len(styles)) * LENGTH
        runs = validation_runs(training, lanes=LANES, length=LENGTH, styles=styles, tokens_per_style=share)
        return [batch for run in runs for batch in run.batches]


def engine_logits(engine: Engine, tokens: list[list[int]]) -> list[NDArray[np.float32]]:
    """Logits of each row after each of its tokens, (tokens, vocabulary)."""
    slots = [engine.open() for _ in tokens]
    rows: list[list[Any]] = [[] for _ in tokens]
    for position in range(max(map(len, tokens))):
        going = [number for number, row in enumerate(tokens) if position < len(row)]
        logits = engine.feed([(slots[number], Feed([tokens[number][position]])) for number in going])
        for number, row in zip(going, logits, strict=True):
            rows[number].append(row)
    for slot in slots:
        engine.close(slot)
    return [np.array(row) for row in rows]


def log_softmax(logits: NDArray[np.float32]) -> Floats:
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    result: Floats = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result


def compare(model: Path, dataset: Path, windows: int) -> dict[str, float]:
    config = json.loads((model / "config.json").read_text())
    engine = open_engine(model, config)
    loaded: Any = transformers.LlamaForCausalLM.from_pretrained(model, dtype=torch.float32)
    peer = loaded.eval()
    transformers_nats: list[Any] = []
    engine_nats: list[Any] = []
    divergences: list[Any] = []
    largest = 0.0
    for batch in batches(dataset, config["styles"], windows):
        lengths = (batch.documents >= 0).sum(axis=1).tolist()
        tokens = [row[:length].tolist() for row, length in zip(batch.tokens, lengths, strict=True)]
        for number, logits in enumerate(engine_logits(engine, tokens)):
            with torch.inference_mode():
                exact = peer(torch.tensor([tokens[number]])).logits[0].numpy()
            counts = np.flatnonzero(batch.weights[number, : lengths[number]])
            targets = batch.tokens[number, counts + 1].astype(int)
            exact_logs, own_logs = log_softmax(exact[counts]), log_softmax(logits[counts])
            transformers_nats += (-exact_logs[range(len(counts)), targets]).tolist()
            engine_nats += (-own_logs[range(len(counts)), targets]).tolist()
            divergences += (np.exp(exact_logs) * (exact_logs - own_logs)).sum(axis=-1).tolist()
            largest = max(largest, float(np.abs(exact[counts] - logits[counts]).max(initial=0.0)))
    difference = np.array(engine_nats) - np.array(transformers_nats)
    return {
        "tokens": len(engine_nats),
        "nats_transformers": float(np.mean(transformers_nats)),
        "nats_engine": float(np.mean(engine_nats)),
        "difference": float(difference.mean()),
        "standard_error": float(difference.std() / len(difference) ** 0.5),
        "divergence": float(np.mean(divergences)),
        "largest_logit_difference": largest,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--windows", type=int, default=60)
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name, value in compare(options.model, options.dataset, options.windows).items():
        print(f"{name}: {value:.6g}")


if __name__ == "__main__":
    main()
