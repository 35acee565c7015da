"""Export the Transformer as an ONNX graph with GroupQueryAttention and a cache updated in place."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from bandmate_model.engine.weights import Weights
from onnx import TensorProto, helper, numpy_helper

from bandmate_bench.timing.engines.base import ModelShape

_MICROSOFT = "com.microsoft"


class _Graph:
    """Nodes and constants of a graph under construction. Methods return the name of a node's first output."""

    def __init__(self, shape: ModelShape, weights: Weights, bits: int | None) -> None:
        self.shape, self.weights, self._bits = shape, weights, bits
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, array: Any) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(self, kind: str, inputs: list[str], outputs: list[str], domain: str = "", **options: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, outputs, domain=domain, **options))
        return outputs[0]

    def product(self, x: str, name: str, matrix: Any) -> str:
        """x @ matrix.T, with 32-bit floats or with 8-bit blocks of 32."""
        rows, columns = matrix.shape
        output = [name + ".y"]
        if self._bits is None:
            return self.node("MatMul", [x, self.constant(name, matrix.T)], output)
        blocks = matrix.reshape(rows, columns // 32, 32)
        scale = np.maximum(np.abs(blocks).max(axis=2), 1e-9) / 127
        integers = np.clip(np.rint(blocks / scale[:, :, None]) + 128, 0, 255).astype(np.uint8)
        scales = self.constant(name + ".scale", scale.astype(np.float32).reshape(-1))
        options = {"K": columns, "N": rows, "bits": 8, "block_size": 32, "accuracy_level": 4}
        return self.node("MatMulNBits", [x, self.constant(name, integers), scales], output, _MICROSOFT, **options)

    def norm(self, x: str, name: str) -> str:
        scale = self.constant(name, self.weights.take(name, self.shape.hidden))
        epsilon = self.shape.norm_epsilon
        return self.node("SimplifiedLayerNormalization", [x, scale], [name + ".y"], epsilon=epsilon, axis=-1)

    def attention(self, x: str, layer: int, shared: list[str], caches: tuple[list[str], list[str]]) -> str:
        """x plus what attention adds. `shared`: lengths, total, cosine and sine; `caches`: past and present names."""
        shape, name = self.shape, f"model.layers.{layer}"
        normed = self.norm(x, f"{name}.input_layernorm.weight")
        rows = {"q": shape.heads * shape.head, "k": shape.key_heads * shape.head, "v": shape.key_heads * shape.head}
        projected = [
            self.product(
                normed, f"{name}.{kind}", self.weights.take(f"{name}.self_attn.{kind}_proj.weight", size, shape.hidden)
            )
            for kind, size in rows.items()
        ]
        past, present = caches
        options = {"num_heads": shape.heads, "kv_num_heads": shape.key_heads, "do_rotary": 1}
        inputs, outputs = [*projected, *past, *shared], [f"{name}.mixed", *present]
        mixed = self.node("GroupQueryAttention", inputs, outputs, _MICROSOFT, **options)
        matrix = self.weights.take(f"{name}.self_attn.o_proj.weight", shape.hidden, shape.heads * shape.head)
        return self.node("Add", [x, self.product(mixed, f"{name}.o", matrix)], [f"{name}.attended"])

    def feedforward(self, x: str, layer: int) -> str:
        """x plus what the gated feed-forward network adds."""
        shape, name = self.shape, f"model.layers.{layer}"
        normed = self.norm(x, f"{name}.post_attention_layernorm.weight")
        gate, up = (
            self.product(
                normed, f"{name}.{kind}", self.weights.take(f"{name}.mlp.{kind}_proj.weight", shape.inner, shape.hidden)
            )
            for kind in ("gate", "up")
        )
        swish = self.node("Mul", [gate, self.node("Sigmoid", [gate], [f"{name}.sigmoid"])], [f"{name}.swish"])
        gated = self.node("Mul", [swish, up], [f"{name}.gated"])
        matrix = self.weights.take(f"{name}.mlp.down_proj.weight", shape.hidden, shape.inner)
        return self.node("Add", [x, self.product(gated, f"{name}.down", matrix)], [f"{name}.out"])


def write_onnx(folder: Path, shape: ModelShape, out: Path, *, bits: int | None) -> None:
    """Write the checkpoint in `folder` to `out`. `bits` 8: weights as MatMulNBits."""
    graph = _Graph(shape, Weights.load(folder), bits)
    node, constant = graph.node, graph.constant
    embedding = graph.weights.take("model.embed_tokens.weight", shape.vocabulary, shape.hidden)
    frequencies = 10_000.0 ** (-np.arange(0, shape.head, 2) / shape.head)
    angles = np.outer(np.arange(shape.window), frequencies).astype(np.float32)
    x = node("Gather", [constant("embedding", embedding), "input_ids"], ["embedded"])
    counted = node("ReduceSum", ["attention_mask", constant("axis", np.array([1]))], ["counted"], keepdims=0)
    before = node("Sub", [counted, constant("one", np.array(1))], ["before"])
    lengths = node("Cast", [before], ["lengths"], to=TensorProto.INT32)
    mask_shape = node("Shape", ["attention_mask"], ["shape"])
    total64 = node("Gather", [mask_shape, constant("second", np.array(1))], ["total64"])
    total = node("Cast", [total64], ["total"], to=TensorProto.INT32)
    shared = [lengths, total, constant("cosine", np.cos(angles)), constant("sine", np.sin(angles))]
    value_info = helper.make_tensor_value_info
    inputs = [
        value_info("input_ids", TensorProto.INT64, ["batch", "new"]),
        value_info("attention_mask", TensorProto.INT64, ["batch", "all"]),
    ]
    outputs = [value_info("logits", TensorProto.FLOAT, ["batch", "new", shape.vocabulary])]
    for layer in range(shape.layers):
        past, present = (
            [f"{prefix}.{layer}.{kind}" for kind in ("key", "value")] for prefix in ("past_key_values", "present")
        )
        for names, infos in ((past, inputs), (present, outputs)):
            size = ["batch", shape.key_heads, "room" + names[0][:4], shape.head]
            infos += [value_info(name, TensorProto.FLOAT, size) for name in names]
        x = graph.feedforward(graph.attention(x, layer, shared, (past, present)), layer)
    node("Identity", [graph.product(graph.norm(x, "model.norm.weight"), "head", embedding)], ["logits"])
    model_graph = helper.make_graph(graph.nodes, "decoder", inputs, outputs, graph.constants)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(_MICROSOFT, 1)]
    onnx.save(helper.make_model(model_graph, opset_imports=opsets, ir_version=10), out)
