"""Cut an ONNX graph: give tensors in that it would compute, and read others out of its middle.

Works on the file's protocol-buffer bytes, since a cut needs only the names of nodes and tensors: the `onnx` package
(23 MB) is not needed, and weights are copied, never parsed. Field numbers are those of onnx.proto3.
"""

from collections.abc import Iterator, Sequence

_VARINT, _BYTES = 0, 2
_MODEL_GRAPH = 7
_NODE, _INITIALIZER, _INPUT, _OUTPUT, _VALUE_INFO = 1, 5, 11, 12, 13
_NODE_INPUT, _NODE_OUTPUT = 1, 2
_TENSOR_NAME, _VALUE_NAME = 8, 1
_FLOAT = 1


class NotAModel(ValueError):
    """The bytes are not an ONNX model, or lack a tensor that the cut names."""


def cut(model: bytes, outputs: Sequence[str], inputs: Sequence[str] = ()) -> bytes:
    """The model that computes the tensors `outputs` (float32), in that order, where those of `inputs` are given.

    What the outputs do not depend on is left out: nodes, weights and the model's own inputs. Raises NotAModel.
    """
    graph = _graph(model)
    nodes = [node for field, node in graph if field == _NODE]
    produced = {name for node in nodes for name in _names(node, _NODE_OUTPUT)}
    if missing := sorted({*outputs, *inputs} - produced):
        raise NotAModel(f"the model computes no tensor {', '.join(missing)}")
    needed, kept = set(outputs), []
    for node in reversed(nodes):
        results = set(_names(node, _NODE_OUTPUT)) - set(inputs)
        if needed & results:
            kept.append(node)
            needed |= set(_names(node, _NODE_INPUT))
    fields = [(_NODE, node) for node in reversed(kept)]
    for field, value in graph:
        name = _name(value, _TENSOR_NAME if field == _INITIALIZER else _VALUE_NAME)
        if field not in (_NODE, _OUTPUT, _VALUE_INFO) and (field not in (_INPUT, _INITIALIZER) or name in needed):
            fields.append((field, value))
    fields += [(_INPUT, _float_tensor(name)) for name in inputs]
    fields += [(_OUTPUT, _float_tensor(name)) for name in outputs]
    cut_graph = b"".join(_encoded(field, value) for field, value in fields)
    return b"".join(_encoded(field, cut_graph if field == _MODEL_GRAPH else value) for field, value in _fields(model))


def _graph(model: bytes) -> list[tuple[int, bytes]]:
    for field, value in _fields(model):
        if field == _MODEL_GRAPH and isinstance(value, bytes):
            return [(inner, part) for inner, part in _fields(value) if isinstance(part, bytes)]
    raise NotAModel("the file holds no graph")


def _float_tensor(name: str) -> bytes:
    """A ValueInfoProto: a float tensor of any shape."""
    return _encoded(1, name.encode()) + _encoded(2, _encoded(1, _encoded(1, _FLOAT)))


def _names(message: bytes, wanted: int) -> list[str]:
    return [value.decode() for field, value in _fields(message) if field == wanted and isinstance(value, bytes)]


def _name(message: bytes, wanted: int) -> str:
    """The first field of that number; '' where the message has none, or is no message (a name, a text)."""
    try:
        return next(iter(_names(message, wanted)), "")
    except (NotAModel, UnicodeDecodeError):
        return ""


def _fields(message: bytes) -> Iterator[tuple[int, bytes | int]]:
    """The fields of a protocol-buffer message: number, and its bytes or its integer."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        if key & 7 == _VARINT:
            value, at = _varint(message, at)
            yield key >> 3, value
            continue
        if key & 7 != _BYTES:
            raise NotAModel("the messages that a cut reads hold integers, texts and messages only")
        length, at = _varint(message, at)
        if at + length > len(message):
            raise NotAModel("the file is cut short")
        yield key >> 3, message[at : at + length]
        at += length


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(message) and shift < 64:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7
    raise NotAModel("the file is cut short")


def _encoded(field: int, value: bytes | int) -> bytes:
    if isinstance(value, int):
        return _number(field << 3 | _VARINT) + _number(value)
    return _number(field << 3 | _BYTES) + _number(len(value)) + value


def _number(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
