"""Which engine serves the Transformer: `python -m bandmate_bench.timing.engines [--model FOLDER] [--json FILE]`.

Each candidate that is installed decodes with the same weights on one core: one song, and sixteen songs side by side,
after a context of CONTEXT tokens, without sampling. Reported are tokens per second of processor time, the median of
rounds in which every candidate takes its turn so that a busy machine disturbs all alike, and the largest difference of
a logit from transformers' in 32-bit floats. Without --model: random weights of the starter's shape.

Candidates need, beside the model's own requirements: torch, transformers, onnx, onnxruntime, onnxruntime-genai, gguf,
xllamacpp, openvino. Those that are missing are left out.
"""

import argparse
import contextlib
import importlib
import importlib.util
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bandmate_bench.timing.engines.base import STEPS, Candidate, ModelShape
from bandmate_bench.timing.figures import Figure

ROUNDS = 5

CANDIDATES: dict[str, tuple[str, tuple[str, ...]]] = {
    "OwnKernels": ("numpy_engines", ("llvmlite",)),
    "NumpyProducts": ("numpy_engines", ("numpy",)),
    "HuggingFace": ("torch_engines", ("torch", "transformers")),
    "CompiledTorch": ("torch_engines", ("torch", "transformers")),
    "OnnxRuntime": ("onnx_runtime", ("onnx", "onnxruntime")),
    "OnnxRuntime8Bit": ("onnx_runtime", ("onnx", "onnxruntime")),
    "OnnxGenAI": ("onnx_genai", ("onnx", "onnxruntime_genai")),
    "OpenVino": ("open_vino", ("onnx", "openvino")),
    "LlamaCpp": ("llama_cpp", ("gguf", "xllamacpp")),
    "LlamaCppF16": ("llama_cpp", ("gguf", "xllamacpp")),
    "LlamaCppBF16": ("llama_cpp", ("gguf", "xllamacpp")),
}
"""Class → its module here, and the packages that it needs."""


def open_candidates(folder: Path, names: Sequence[str]) -> list[Candidate]:
    """Load the model into every candidate that is installed (of the `names` classes, where any are named)."""
    shape = ModelShape.load(folder)
    candidates: list[Candidate] = []
    for name, (module, packages) in CANDIDATES.items():
        if (names and name not in names) or not all(map(importlib.util.find_spec, packages)):
            continue
        started = time.perf_counter()
        try:
            kind = getattr(importlib.import_module(f"bandmate_bench.timing.engines.{module}"), name)
            candidate: Candidate = kind(folder, shape)
            candidate.restart(1)
            candidate.step(1)
        except Exception as error:  # A candidate that cannot run the model is reported, not fatal.
            print(f"{name}: {type(error).__name__}: {str(error)[:300]}")
            continue
        candidate.seconds_to_load = time.perf_counter() - started
        candidates.append(candidate)
        print(f"{candidate.name} loaded", flush=True)
    return candidates


def tokens_per_second(candidate: Candidate, songs: int) -> float:
    """Tokens decoded per second of processor time, over STEPS tokens of each song."""
    candidate.restart(songs)
    calls = STEPS // candidate.steps_per_call
    began = time.process_time()
    for _ in range(calls):
        candidate.step(songs)
    return songs * STEPS / (time.process_time() - began)


def measure(folder: Path, names: Sequence[str]) -> list[dict[str, Any]]:
    """One row per candidate: speed with 1 and 16 songs, largest difference of a logit, seconds to load."""
    candidates = open_candidates(folder, names)
    prompt = np.random.default_rng(3).integers(1, ModelShape.load(folder).vocabulary, 100).tolist()
    reference = next((peer.logits(prompt) for peer in candidates if peer.name.endswith("forward only")), None)
    rates: dict[tuple[str, int], list[float]] = {}
    for _ in range(ROUNDS):
        for candidate in candidates:
            for songs in (1, 16):
                rates.setdefault((candidate.name, songs), []).append(tokens_per_second(candidate, songs))
    rows = []
    for candidate in candidates:
        logits = None if reference is None else candidate.logits(prompt)
        row: dict[str, Any] = {"engine": candidate.name}
        for key, songs in (("one", 1), ("sixteen", 16)):
            row[key] = round(statistics.median(rates[candidate.name, songs]))
        row["distance"] = None if logits is None else float(np.abs(np.asarray(logits) - reference).max())
        rows.append(row | {"seconds_to_load": round(candidate.seconds_to_load, 2), "note": candidate.note})
    return rows


@contextlib.contextmanager
def model_folder(path: Path | None) -> Iterator[Path]:
    """The given model, or a temporary one with random weights."""
    if path is not None:
        yield path
        return
    with tempfile.TemporaryDirectory() as scratch:
        importlib.import_module("bandmate_bench.timing.engines.torch_engines").save_random_model(Path(scratch))
        yield Path(scratch)


def figures() -> list[Figure]:
    """Our engine beside transformers."""
    if not all(map(importlib.util.find_spec, ("torch", "transformers"))):
        return []
    with model_folder(None) as folder:
        own, peer = measure(folder, ["OwnKernels", "HuggingFace"])
    command, unit = "python -m bandmate_bench.timing.engines", "tokens/s"
    return [
        Figure(name, own[key], unit, command, peer["engine"], peer[key], "processor time, no sampling")
        for name, key in (("one song", "one"), ("16 songs", "sixteen"))
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="A Transformer's folder. Without it: random weights.")
    parser.add_argument("--json", type=Path, help="Write the rows to this file too.")
    parser.add_argument("--only", nargs="*", default=[], choices=CANDIDATES)
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    if importlib.util.find_spec("torch"):
        importlib.import_module("torch").set_num_threads(1)
    with model_folder(options.model) as folder:
        rows = measure(folder, options.only)
    print("| engine | one song, tokens/s | 16 songs, tokens/s | largest logit difference | seconds to load | |")
    print("| --- | ---: | ---: | ---: | ---: | --- |")
    for row in rows:
        distance = "" if row["distance"] is None else f"{row['distance']:.1e}"
        cells = (row["engine"], row["one"], row["sixteen"], distance, row["seconds_to_load"], row["note"])
        print("| " + " | ".join(map(str, cells)) + " |")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))
