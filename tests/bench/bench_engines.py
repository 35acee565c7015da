"""Which engine serves the Transformer: `python -m tests.bench.bench_engines [--model FOLDER] [--json FILE]`.

Each candidate that is installed decodes with the same weights on one core: one song, and sixteen songs side by side,
after a context of CONTEXT tokens, without sampling; and says how far its logits are from transformers' in 32-bit
floats. Figures are tokens a second of processor time, the median of rounds in which every candidate takes its turn, so
that a busy machine disturbs all alike. Without --model: random weights of the starter's shape.

Candidates need, beside the model's own requirements: torch, transformers, onnx, onnxruntime, onnxruntime-genai, gguf,
xllamacpp, openvino. Those that are missing are left out.
"""

import argparse
import contextlib
import importlib.util
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.figures import Figure

CONTEXT = 256
STEPS = 40
ROUNDS = 5
SHAPE = {
    "hidden_size": 256,
    "intermediate_size": 640,
    "num_hidden_layers": 6,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
}


@dataclass
class Candidate:
    """`step(songs)` decodes one token of each song; `restart(songs)` goes back to CONTEXT tokens."""

    name: str
    restart: Callable[[int], None]
    step: Callable[[int], None]
    logits: Callable[[list[int]], Any] | None
    """After a prompt."""
    note: str = ""
    seconds_to_load: float = 0.0
    steps_a_call: int = 1


def random_model(folder: Path) -> None:
    """Random weights in the starter's shape, stored as bfloat16."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=704, max_position_embeddings=1024, tie_word_embeddings=True, initializer_range=0.05, **SHAPE
    )
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)


def ours(folder: Path, config: dict[str, Any]) -> Candidate:
    from bandmate_model.engine import Feed, open_engine

    engine = open_engine(folder, config | {"architecture": "transformer"})
    slots = [engine.open() for _ in range(16)]

    def restart(songs: int) -> None:
        engine.feed([(slot, Feed([7] * CONTEXT, 0)) for slot in slots[:songs]])

    def step(songs: int) -> None:
        engine.feed([(slot, Feed([7])) for slot in slots[:songs]])

    return Candidate(
        "own kernels (llvmlite)", restart, step, lambda prompt: engine.feed([(slots[0], Feed(prompt, 0))])[0]
    )


def _torch_candidate(
    name: str, forward: Callable[..., Any], make_cache: Callable[[int], Any], note: str = ""
) -> Candidate:
    import torch

    held: dict[str, Any] = {}

    def run(songs: int, tokens: list[list[int]], start: int) -> Any:
        with torch.inference_mode():
            place = torch.arange(start, start + len(tokens[0]))
            return forward(
                input_ids=torch.tensor(tokens), past_key_values=held["cache"], use_cache=True, logits_to_keep=1,
                position_ids=place[None].expand(songs, -1),
            ).logits[:, -1]  # fmt: skip

    def restart(songs: int) -> None:
        held["cache"] = make_cache(songs)
        run(songs, [[7] * CONTEXT] * songs, 0)
        held["length"] = CONTEXT

    def step(songs: int) -> None:
        run(songs, [[7]] * songs, held["length"])
        held["length"] += 1

    def logits(prompt: list[int]) -> Any:
        held["cache"] = make_cache(1)
        return run(1, [prompt], 0)[0].numpy()

    return Candidate(name, restart, step, logits, note)


def hugging_face(folder: Path, config: dict[str, Any]) -> Candidate:
    import torch
    from transformers import DynamicCache, LlamaForCausalLM

    model = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    return _torch_candidate("transformers, eager, forward only", model, lambda _: DynamicCache())


def compiled_torch(folder: Path, config: dict[str, Any]) -> Candidate:
    import torch
    from transformers import LlamaForCausalLM, StaticCache

    model = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    forward = torch.compile(model.forward, dynamic=False)
    length = CONTEXT + STEPS * 2
    return _torch_candidate(
        "transformers, torch.compile", forward, lambda _: StaticCache(config=model.config, max_cache_len=length),
        "needs a C++ compiler",
    )  # fmt: skip


def numpy_products(folder: Path, config: dict[str, Any]) -> Candidate:
    """Only the matrix products, in 32-bit floats: what numpy could do at most."""
    random = np.random.default_rng(1)
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    shapes = [(3 * hidden, hidden), (hidden, hidden), (2 * inner, hidden), (hidden, inner)] * config[
        "num_hidden_layers"
    ]
    matrices = [random.standard_normal(shape, dtype=np.float32) for shape in [*shapes, (config["vocab_size"], hidden)]]
    inputs = {size: random.standard_normal((size, 16), dtype=np.float32) for size in (hidden, inner)}
    one = {size: np.ascontiguousarray(array[:, 0]) for size, array in inputs.items()}

    def step(songs: int) -> None:
        for matrix in matrices:
            _ = matrix @ (one if songs == 1 else inputs)[matrix.shape[1]]

    return Candidate("numpy, matrix products alone", lambda _: None, step, None, "an upper bound; no attention")


def onnx_graph(folder: Path, config: dict[str, Any], out: Path, *, bits: int | None) -> None:
    """The decoder with GroupQueryAttention and a cache in place; `bits` 8: weights as MatMulNBits."""
    import onnx
    from bandmate_model.engine.weights import Weights
    from onnx import TensorProto, helper, numpy_helper

    weights = Weights.load(folder)
    hidden, inner, vocabulary = config["hidden_size"], config["intermediate_size"], config["vocab_size"]
    heads, key_heads, head = (
        config["num_attention_heads"],
        config["num_key_value_heads"],
        hidden // config["num_attention_heads"],
    )
    window = config["max_position_embeddings"]
    nodes: list[Any] = []
    constants: list[Any] = []

    def constant(name: str, array: Any) -> str:
        constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(kind: str, inputs: list[str], outputs: list[str], domain: str = "", **options: Any) -> str:
        nodes.append(helper.make_node(kind, inputs, outputs, domain=domain, **options))
        return outputs[0]

    def product(x: str, name: str, matrix: Any) -> str:
        rows, columns = matrix.shape
        if bits is None:
            return node("MatMul", [x, constant(name, matrix.T)], [name + ".y"])
        blocks = matrix.reshape(rows, columns // 32, 32)
        scale = np.maximum(np.abs(blocks).max(axis=2), 1e-9) / 127
        whole = np.clip(np.rint(blocks / scale[:, :, None]) + 128, 0, 255).astype(np.uint8)
        inputs = [x, constant(name, whole), constant(name + ".scale", scale.astype(np.float32).reshape(-1))]
        return node(
            "MatMulNBits",
            inputs,
            [name + ".y"],
            "com.microsoft",
            K=columns,
            N=rows,
            bits=8,
            block_size=32,
            accuracy_level=4,
        )

    def norm(x: str, name: str) -> str:
        scale = constant(name, weights.take(name, hidden))
        return node("SimplifiedLayerNormalization", [x, scale], [name + ".y"], epsilon=config["rms_norm_eps"], axis=-1)

    embedding = weights.take("model.embed_tokens.weight", vocabulary, hidden)
    angles = np.outer(np.arange(window), 10_000.0 ** (-np.arange(0, head, 2) / head)).astype(np.float32)
    cosine, sine = constant("cosine", np.cos(angles)), constant("sine", np.sin(angles))
    x = node("Gather", [constant("embedding", embedding), "input_ids"], ["embedded"])
    counted = node("ReduceSum", ["attention_mask", constant("axis", np.array([1]))], ["counted"], keepdims=0)
    before = node("Sub", [counted, constant("one", np.array(1))], ["before"])
    lengths = node("Cast", [before], ["lengths"], to=TensorProto.INT32)
    shape = node("Shape", ["attention_mask"], ["shape"])
    total64 = node("Gather", [shape, constant("second", np.array(1))], ["total64"])
    total = node("Cast", [total64], ["total"], to=TensorProto.INT32)
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "new"])
    mask = helper.make_tensor_value_info("attention_mask", TensorProto.INT64, ["batch", "all"])
    inputs, outputs = (
        [ids, mask],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", "new", vocabulary])],
    )
    for layer in range(config["num_hidden_layers"]):
        name = f"model.layers.{layer}"
        normed = norm(x, f"{name}.input_layernorm.weight")
        rows = {"q": heads * head, "k": key_heads * head, "v": key_heads * head}
        q, k, v = (
            product(normed, f"{name}.{kind}", weights.take(f"{name}.self_attn.{kind}_proj.weight", size, hidden))
            for kind, size in rows.items()
        )
        past, present = (
            [f"{when}.{layer}.{kind}" for kind in ("key", "value")] for when in ("past_key_values", "present")
        )
        for names, infos in ((past, inputs), (present, outputs)):
            infos += [
                helper.make_tensor_value_info(
                    each, TensorProto.FLOAT, ["batch", key_heads, "room" + names[0][:4], head]
                )
                for each in names
            ]
        mixed = node(
            "GroupQueryAttention", [q, k, v, *past, lengths, total, cosine, sine], [f"{name}.mixed", *present],
            "com.microsoft", num_heads=heads, kv_num_heads=key_heads, do_rotary=1,
        )  # fmt: skip
        o = product(mixed, f"{name}.o", weights.take(f"{name}.self_attn.o_proj.weight", hidden, heads * head))
        x = node("Add", [x, o], [f"{name}.attended"])
        normed = norm(x, f"{name}.post_attention_layernorm.weight")
        gate, up = (
            product(normed, f"{name}.{kind}", weights.take(f"{name}.mlp.{kind}_proj.weight", inner, hidden))
            for kind in ("gate", "up")
        )
        swish = node("Mul", [gate, node("Sigmoid", [gate], [f"{name}.sigmoid"])], [f"{name}.swish"])
        gated = node("Mul", [swish, up], [f"{name}.gated"])
        down = product(gated, f"{name}.down", weights.take(f"{name}.mlp.down_proj.weight", hidden, inner))
        x = node("Add", [x, down], [f"{name}.out"])
    last = product(norm(x, "model.norm.weight"), "head", embedding)
    node("Identity", [last], ["logits"])
    graph = helper.make_graph(nodes, "decoder", inputs, outputs, constants)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)], ir_version=10
    )
    onnx.save(model, out)


def onnx_runtime(folder: Path, config: dict[str, Any], *, bits: int | None) -> Candidate:
    import onnxruntime

    with tempfile.TemporaryDirectory() as scratch:
        onnx_graph(folder, config, Path(scratch) / "model.onnx", bits=bits)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(
            Path(scratch) / "model.onnx", options, providers=["CPUExecutionProvider"]
        )
    head = config["hidden_size"] // config["num_attention_heads"]
    held: dict[str, Any] = {}

    def empty(songs: int) -> None:
        shape = (songs, config["num_key_value_heads"], config["max_position_embeddings"], head)
        held["caches"] = {
            f"{layer}.{kind}": onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros(shape, np.float32))
            for layer in range(config["num_hidden_layers"]) for kind in ("key", "value")
        }  # fmt: skip
        held["length"] = 0

    def run(tokens: Any) -> Any:
        held["length"] += tokens.shape[1]
        binding = session.io_binding()
        binding.bind_cpu_input("input_ids", tokens)
        binding.bind_cpu_input("attention_mask", np.ones((len(tokens), held["length"]), np.int64))
        for name, cache in held["caches"].items():
            binding.bind_ortvalue_input(f"past_key_values.{name}", cache)
            binding.bind_ortvalue_output(f"present.{name}", cache)
        binding.bind_output("logits")
        session.run_with_iobinding(binding)
        return binding.get_outputs()[-1].numpy()

    def restart(songs: int) -> None:
        empty(songs)
        run(np.full((songs, CONTEXT), 7, np.int64))

    def step(songs: int) -> None:
        run(np.full((songs, 1), 7, np.int64))

    def logits(prompt: list[int]) -> Any:
        empty(1)
        return run(np.array([prompt], np.int64))[0, -1]

    name = "ONNX Runtime, 32-bit floats" if bits is None else "ONNX Runtime, 8-bit blocks"
    return Candidate(name, restart, step, logits, "GroupQueryAttention, cache in place")


def onnx_genai(folder: Path, config: dict[str, Any]) -> Candidate:
    import onnxruntime_genai as genai

    scratch = tempfile.TemporaryDirectory()
    onnx_graph(folder, config, Path(scratch.name) / "model.onnx", bits=None)
    names = {"key": "key_names", "value": "value_names"}
    decoder = {
        "filename": "model.onnx", "head_size": config["hidden_size"] // config["num_attention_heads"],
        "hidden_size": config["hidden_size"], "num_attention_heads": config["num_attention_heads"],
        "num_hidden_layers": config["num_hidden_layers"], "num_key_value_heads": config["num_key_value_heads"],
        "session_options": {"provider_options": [], "intra_op_num_threads": 1, "inter_op_num_threads": 1},
        "inputs": {"input_ids": "input_ids", "attention_mask": "attention_mask"}
        | {f"past_{key}": f"past_key_values.%d.{kind}" for kind, key in names.items()},
        "outputs": {"logits": "logits"} | {f"present_{key}": f"present.%d.{kind}" for kind, key in names.items()},
    }  # fmt: skip
    described = {
        "model": {
            "type": "llama", "bos_token_id": 1, "eos_token_id": 703, "pad_token_id": 0, "decoder": decoder,
            "vocab_size": config["vocab_size"], "context_length": config["max_position_embeddings"],
        },
        "search": {"max_length": config["max_position_embeddings"], "past_present_share_buffer": True},
    }  # fmt: skip
    (Path(scratch.name) / "genai_config.json").write_text(json.dumps(described))
    model = genai.Model(scratch.name)
    held: dict[str, Any] = {"scratch": scratch}

    def start(tokens: list[list[int]]) -> None:
        options = genai.GeneratorParams(model)
        options.set_search_options(
            max_length=CONTEXT + 3 * STEPS,
            batch_size=len(tokens),
            do_sample=True,
            top_p=0.95,
            past_present_share_buffer=True,
        )
        held["generator"] = genai.Generator(model, options)
        held["generator"].append_tokens(np.array(tokens, np.int32))

    def logits(prompt: list[int]) -> Any:
        start([prompt])
        return held["generator"].get_logits()[0, -1]

    return Candidate(
        "ONNX Runtime GenAI, 32-bit floats", lambda songs: start([[7] * CONTEXT] * songs),
        lambda _: held["generator"].generate_next_token(), logits, "with its own top-p sampling",
    )  # fmt: skip


def open_vino(folder: Path, config: dict[str, Any]) -> Candidate:
    import openvino

    core = openvino.Core()
    with tempfile.TemporaryDirectory() as scratch:
        onnx_graph(folder, config, Path(scratch) / "model.onnx", bits=None)
        model = core.read_model(Path(scratch) / "model.onnx")
        settings = {"INFERENCE_NUM_THREADS": "1", "INFERENCE_PRECISION_HINT": "f32"}
        request = core.compile_model(model, "CPU", settings).create_infer_request()
    head = config["hidden_size"] // config["num_attention_heads"]
    held: dict[str, Any] = {}

    def run(tokens: Any) -> Any:
        held["length"] += tokens.shape[1]
        request.infer({
            "input_ids": tokens, "attention_mask": np.ones((len(tokens), held["length"]), np.int64), **held["caches"],
        })  # fmt: skip
        held["caches"] = {
            f"past_key_values.{name}": np.array(request.get_tensor(f"present.{name}").data) for name in held["names"]
        }
        return np.array(request.get_tensor("logits").data)

    def empty(songs: int) -> None:
        held["names"] = [f"{layer}.{kind}" for layer in range(config["num_hidden_layers"]) for kind in ("key", "value")]
        held["length"] = 0
        shape = (songs, config["num_key_value_heads"], config["max_position_embeddings"], head)
        held["caches"] = {f"past_key_values.{name}": np.zeros(shape, np.float32) for name in held["names"]}

    def restart(songs: int) -> None:
        empty(songs)
        run(np.full((songs, CONTEXT), 7, np.int64))

    def logits(prompt: list[int]) -> Any:
        empty(1)
        return run(np.array([prompt], np.int64))[0, -1]

    return Candidate("OpenVINO, 32-bit floats", restart, lambda songs: run(np.full((songs, 1), 7, np.int64)), logits)


def gguf_file(folder: Path, config: dict[str, Any], out: Path, kind: str) -> None:
    """The checkpoint as llama.cpp reads it, with a vocabulary of made-up words."""
    import gguf
    from bandmate_model.engine.weights import Weights

    weights = Weights.load(folder)
    hidden, inner, heads = config["hidden_size"], config["intermediate_size"], config["num_attention_heads"]
    key_heads, vocabulary = config["num_key_value_heads"], config["vocab_size"]
    head = hidden // heads
    writer = gguf.GGUFWriter(out, "llama")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(hidden)
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(inner)
    writer.add_head_count(heads)
    writer.add_head_count_kv(key_heads)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_dimension_count(head)
    writer.add_vocab_size(vocabulary)
    special = ["<unk>", "<s>", "</s>"]
    words = [
        *special,
        *(f"<0x{byte:02X}>" for byte in range(256)),
        *(f"w{number}" for number in range(vocabulary - 259)),
    ]
    types = [gguf.TokenType.UNKNOWN, *[gguf.TokenType.CONTROL] * 2, *[gguf.TokenType.BYTE] * 256]
    writer.add_tokenizer_model("llama")
    writer.add_token_list(words)
    writer.add_token_scores([0.0] * vocabulary)
    writer.add_token_types([*types, *[gguf.TokenType.NORMAL] * (vocabulary - 259)])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)

    def add(name: str, array: Any) -> None:
        if array.ndim == 2 and kind == "BF16":
            writer.add_tensor(
                name,
                gguf.quants.quantize(array, gguf.GGMLQuantizationType.BF16),
                raw_dtype=gguf.GGMLQuantizationType.BF16,
            )
        else:
            writer.add_tensor(name, array.astype(np.float16) if array.ndim == 2 and kind == "F16" else array)

    def interleaved(array: Any, count: int) -> Any:
        """llama.cpp turns neighbouring pairs where the layout turns halves."""
        return array.reshape(count, 2, head // 2, hidden).swapaxes(1, 2).reshape(count * head, hidden)

    add("token_embd.weight", weights.take("model.embed_tokens.weight", vocabulary, hidden))
    add("output_norm.weight", weights.take("model.norm.weight", hidden))
    for layer in range(config["num_hidden_layers"]):
        old, new = f"model.layers.{layer}", f"blk.{layer}"
        for kind_, count in (("q", heads), ("k", key_heads)):
            array = weights.take(f"{old}.self_attn.{kind_}_proj.weight", count * head, hidden)
            add(f"{new}.attn_{kind_}.weight", interleaved(array, count))
        add(f"{new}.attn_v.weight", weights.take(f"{old}.self_attn.v_proj.weight", key_heads * head, hidden))
        add(f"{new}.attn_output.weight", weights.take(f"{old}.self_attn.o_proj.weight", hidden, heads * head))
        add(f"{new}.attn_norm.weight", weights.take(f"{old}.input_layernorm.weight", hidden))
        add(f"{new}.ffn_norm.weight", weights.take(f"{old}.post_attention_layernorm.weight", hidden))
        for name in ("gate", "up"):
            add(f"{new}.ffn_{name}.weight", weights.take(f"{old}.mlp.{name}_proj.weight", inner, hidden))
        add(f"{new}.ffn_down.weight", weights.take(f"{old}.mlp.down_proj.weight", hidden, inner))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def llama_cpp(folder: Path, config: dict[str, Any], *, kind: str) -> Candidate:
    import threading

    import xllamacpp

    scratch = tempfile.TemporaryDirectory()
    path = Path(scratch.name) / "model.gguf"
    gguf_file(folder, config, path, kind)
    options = xllamacpp.CommonParams()
    options.model.path = str(path)
    options.n_ctx, options.n_parallel, options.warmup = 16 * 512, 16, False
    options.cpuparams.n_threads = options.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(options)

    def one(prompt: list[int]) -> None:
        server.handle_completions({
            "prompt": prompt, "n_predict": STEPS, "top_p": 0.95, "top_k": 0, "min_p": 0, "ignore_eos": True,
            "cache_prompt": True, "temperature": 1.0, "samplers": ["top_p", "temperature"],
        })  # fmt: skip

    def step(songs: int) -> None:
        threads = [threading.Thread(target=one, args=([7] * CONTEXT,)) for _ in range(songs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    candidate = Candidate(
        f"llama.cpp, {kind}", lambda _: None, step, None, "server with its own top-p sampling; prompts cached",
    )  # fmt: skip
    candidate.steps_a_call = STEPS
    return candidate


CANDIDATES: list[tuple[tuple[str, ...], Callable[..., Candidate], dict[str, Any]]] = [
    (("llvmlite",), ours, {}),
    (("numpy",), numpy_products, {}),
    (("torch", "transformers"), hugging_face, {}),
    (("torch", "transformers"), compiled_torch, {}),
    (("onnx", "onnxruntime"), onnx_runtime, {"bits": None}),
    (("onnx", "onnxruntime"), onnx_runtime, {"bits": 8}),
    (("onnx", "onnxruntime_genai"), onnx_genai, {}),
    (("onnx", "openvino"), open_vino, {}),
    (("gguf", "xllamacpp"), llama_cpp, {"kind": "F32"}),
    (("gguf", "xllamacpp"), llama_cpp, {"kind": "F16"}),
    (("gguf", "xllamacpp"), llama_cpp, {"kind": "BF16"}),
]


def measure(folder: Path, wanted: list[str]) -> list[dict[str, Any]]:
    """A row a candidate: tokens a second of processor time with 1 and 16 songs, distance of logits, seconds to load."""
    config = json.loads((folder / "config.json").read_text())
    candidates: list[Candidate] = []
    for modules, make, options in CANDIDATES:
        if (wanted and make.__name__ not in wanted) or not all(importlib.util.find_spec(name) for name in modules):
            continue
        started = time.perf_counter()
        try:
            candidate = make(folder, config, **options)
            candidate.restart(1)
            candidate.step(1)
        except Exception as error:  # A candidate that cannot run the model is a row as well.
            print(f"{make.__name__} {options}: {type(error).__name__}: {str(error)[:300]}")
            continue
        candidate.seconds_to_load = time.perf_counter() - started
        candidates.append(candidate)
        print(f"{candidate.name} loaded", flush=True)
    prompt = np.random.default_rng(3).integers(1, config["vocab_size"], 100).tolist()
    reference = next((each.logits(prompt) for each in candidates if each.name.endswith("forward only")), None)
    rates: dict[tuple[str, int], list[float]] = {}
    for _ in range(ROUNDS):
        for candidate in candidates:
            for songs in (1, 16):
                candidate.restart(songs)
                calls = 1 if candidate.steps_a_call > 1 else STEPS
                began = time.process_time()
                for _ in range(calls):
                    candidate.step(songs)
                spent = time.process_time() - began
                rates.setdefault((candidate.name, songs), []).append(songs * calls * candidate.steps_a_call / spent)
    rows = []
    for candidate in candidates:
        distance = None
        if candidate.logits is not None and reference is not None:
            distance = float(np.abs(np.asarray(candidate.logits(prompt)) - reference).max())
        one, sixteen = (statistics.median(rates[candidate.name, songs]) for songs in (1, 16))
        rows.append({
            "engine": candidate.name, "one": round(one), "sixteen": round(sixteen), "distance": distance,
            "seconds_to_load": round(candidate.seconds_to_load, 2), "note": candidate.note,
        })  # fmt: skip
    return rows


@contextlib.contextmanager
def model_folder(given: Path | None) -> Iterator[Path]:
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory() as scratch:
        random_model(Path(scratch))
        yield Path(scratch)


def figures() -> list[Figure]:
    """Our engine beside transformers, for `make bench`."""
    if not all(importlib.util.find_spec(name) for name in ("torch", "transformers")):
        return []
    with model_folder(None) as folder:
        mine, theirs = measure(folder, ["ours", "hugging_face"])
    command, unit = "python -m tests.bench.bench_engines", "tokens/s"
    return [
        Figure(name, mine[key], unit, command, theirs["engine"], theirs[key], "processor time, no sampling")
        for name, key in (("one song", "one"), ("16 songs", "sixteen"))
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", nargs="*", default=[])
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    if importlib.util.find_spec("torch"):
        import torch

        torch.set_num_threads(1)
    with model_folder(options.model) as folder:
        rows = measure(folder, options.only)
    print("| engine | one song, tokens/s | 16 songs, tokens/s | furthest logit | seconds to load | |")
    print("| --- | ---: | ---: | ---: | ---: | --- |")
    for row in rows:
        distance = "" if row["distance"] is None else f"{row['distance']:.1e}"
        cells = (row["engine"], row["one"], row["sixteen"], distance, row["seconds_to_load"], row["note"])
        print("| " + " | ".join(str(cell) for cell in cells) + " |")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
