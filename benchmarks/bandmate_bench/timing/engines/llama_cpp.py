"""llama.cpp, as its server serves a GGUF file."""

import tempfile
import threading
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import xllamacpp
from bandmate_model.engine.weights import Weights

from bandmate_bench.timing.engines.base import CONTEXT, STEPS, Candidate, ModelShape


class LlamaCpp(Candidate):
    note = "server with its own top-p sampling; prompts cached"
    steps_per_call = STEPS
    kind = "F32"

    def __init__(self, folder: Path, shape: ModelShape) -> None:
        self.name = f"llama.cpp, {self.kind}"
        self._scratch = tempfile.TemporaryDirectory()
        path = Path(self._scratch.name) / "model.gguf"
        write_gguf(folder, shape, path, self.kind)
        options = xllamacpp.CommonParams()
        options.model.path = str(path)
        options.n_ctx, options.n_parallel, options.warmup = 16 * 512, 16, False
        options.cpuparams.n_threads = options.cpuparams_batch.n_threads = 1
        self._server = xllamacpp.Server(options)

    def step(self, songs: int) -> None:
        threads = [threading.Thread(target=self._complete) for _ in range(songs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _complete(self) -> None:
        sampling = {"top_p": 0.95, "top_k": 0, "min_p": 0, "temperature": 1.0, "samplers": ["top_p", "temperature"]}
        length = {"n_predict": STEPS, "ignore_eos": True}
        self._server.handle_completions({"prompt": [7] * CONTEXT, "cache_prompt": True, **length, **sampling})


class LlamaCppF16(LlamaCpp):
    kind = "F16"


class LlamaCppBF16(LlamaCpp):
    kind = "BF16"


def write_gguf(folder: Path, shape: ModelShape, out: Path, kind: str) -> None:
    """Write the checkpoint as llama.cpp reads it, matrices as `kind`, with a vocabulary of made-up words."""
    weights = Weights.load(folder)
    writer = gguf.GGUFWriter(out, "llama")
    writer.add_context_length(shape.window)
    writer.add_embedding_length(shape.hidden)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.inner)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.key_heads)
    writer.add_layer_norm_rms_eps(shape.norm_epsilon)
    writer.add_rope_dimension_count(shape.head)
    writer.add_vocab_size(shape.vocabulary)
    _add_vocabulary(writer, shape.vocabulary)

    def add(name: str, array: Any) -> None:
        if array.ndim == 2 and kind == "BF16":
            bfloat16 = gguf.GGMLQuantizationType.BF16
            writer.add_tensor(name, gguf.quants.quantize(array, bfloat16), raw_dtype=bfloat16)
        else:
            writer.add_tensor(name, array.astype(np.float16) if array.ndim == 2 and kind == "F16" else array)

    def interleaved(array: Any, count: int) -> Any:
        """llama.cpp turns neighbouring pairs where the checkpoint turns halves."""
        halves = array.reshape(count, 2, shape.head // 2, shape.hidden)
        return halves.swapaxes(1, 2).reshape(count * shape.head, shape.hidden)

    add("token_embd.weight", weights.take("model.embed_tokens.weight", shape.vocabulary, shape.hidden))
    add("output_norm.weight", weights.take("model.norm.weight", shape.hidden))
    for layer in range(shape.layers):
        old, new = f"model.layers.{layer}", f"blk.{layer}"
        for letter, count in (("q", shape.heads), ("k", shape.key_heads)):
            array = weights.take(f"{old}.self_attn.{letter}_proj.weight", count * shape.head, shape.hidden)
            add(f"{new}.attn_{letter}.weight", interleaved(array, count))
        for target, source, size in (
            ("attn_v", "self_attn.v_proj", (shape.key_heads * shape.head, shape.hidden)),
            ("attn_output", "self_attn.o_proj", (shape.hidden, shape.heads * shape.head)),
            ("attn_norm", "input_layernorm", (shape.hidden,)),
            ("ffn_norm", "post_attention_layernorm", (shape.hidden,)),
            ("ffn_gate", "mlp.gate_proj", (shape.inner, shape.hidden)),
            ("ffn_up", "mlp.up_proj", (shape.inner, shape.hidden)),
            ("ffn_down", "mlp.down_proj", (shape.hidden, shape.inner)),
        ):
            add(f"{new}.{target}.weight", weights.take(f"{old}.{source}.weight", *size))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_vocabulary(writer: Any, size: int) -> None:
    words = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    kinds = gguf.TokenType
    writer.add_tokenizer_model("llama")
    writer.add_token_list([*words, *(f"w{number}" for number in range(size - 259))])
    writer.add_token_scores([0.0] * size)
    special = [kinds.UNKNOWN, *[kinds.CONTROL] * 2, *[kinds.BYTE] * 256]
    writer.add_token_types([*special, *[kinds.NORMAL] * (size - 259)])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
