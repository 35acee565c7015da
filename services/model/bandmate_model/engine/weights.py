"""Weights from model.safetensors, checked as they are taken; memory that begins on a cache line."""

from collections.abc import Set
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from safetensors import SafetensorError, deserialize

from bandmate_model.engine.base import Array
from bandmate_model.model_files import ModelUnusable

_LINE = 64


class Weights:
    """Tensors by name, as 32-bit floats. The caller states the shape of each tensor it takes."""

    def __init__(self, tensors: dict[str, Array], name: str, *, kind: str) -> None:
        self.kind = kind
        """The type that all tensors are stored as, BF16 or F16; F32 for anything else."""
        self._tensors = tensors
        self._name = name

    @staticmethod
    def load(folder: Path) -> "Weights":
        """From model.safetensors, of 16-bit (bfloat16 too) or 32-bit floats. Raises ModelUnusable."""
        path = folder / "model.safetensors"
        try:
            stored: list[tuple[str, dict[str, Any]]] = deserialize(path.read_bytes())  # type: ignore[no-untyped-call]
        except FileNotFoundError:
            raise ModelUnusable(f"the model folder {folder.name} holds no {path.name}") from None
        except (SafetensorError, OSError) as error:
            raise ModelUnusable(f"{path.name} of {folder.name} cannot be read: {error}") from error
        kinds = {str(entry["dtype"]) for _, entry in stored}
        kind = kinds.pop() if kinds in ({"BF16"}, {"F16"}) else "F32"
        return Weights({name: _floats(name, entry) for name, entry in stored}, folder.name, kind=kind)

    def take(self, name: str, *shape: int) -> Array:
        """Raises ModelUnusable: no such tensor, of another shape, or with values that are no numbers."""
        tensor = self._tensors.pop(name, None)
        if tensor is None:
            raise ModelUnusable(f"the weights of {self._name} lack {name}")
        if tensor.shape != shape:
            raise ModelUnusable(
                f"{name} of {self._name} has the shape {list(tensor.shape)}, config.json asks for {list(shape)}"
            )
        if not np.isfinite(tensor).all():
            raise ModelUnusable(f"{name} of {self._name} holds values that are no finite numbers")
        return tensor

    def optional(self, name: str, *shape: int) -> Array | None:
        """Raises ModelUnusable: of another shape."""
        return self.take(name, *shape) if name in self._tensors else None

    def finish(self, ignored: Set[str] = frozenset()) -> None:
        """Raises ModelUnusable: tensors were not taken, so the weights belong to another network."""
        unused = sorted(self._tensors.keys() - ignored)
        if unused:
            raise ModelUnusable(f"the weights of {self._name} hold {unused[0]}, which config.json's network has not")


class Aligned:
    """Arrays that begin on a cache line."""

    def zeros(self, shape: int | tuple[int, ...], kind: DTypeLike = np.float32) -> NDArray[Any]:
        """Pages come from the system when they are first written, so room that is never used costs nothing."""
        size = int(np.prod(shape)) * np.dtype(kind).itemsize
        raw = np.zeros(size + _LINE, np.uint8)
        start = -raw.ctypes.data % _LINE
        return raw[start : start + size].view(kind).reshape(shape)

    def copy(self, array: NDArray[Any]) -> NDArray[Any]:
        copied = self.zeros(array.shape, array.dtype)
        copied[...] = array
        return copied


def _floats(name: str, entry: dict[str, Any]) -> Array:
    """Raises ModelUnusable."""
    raw, kind = entry["data"], entry["dtype"]
    if kind == "BF16":
        floats = (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)
    elif kind in ("F16", "F32"):
        floats = np.frombuffer(raw, "<f2" if kind == "F16" else "<f4").astype(np.float32)
    else:
        raise ModelUnusable(f"{name} is stored as {kind}; weights are F32, F16 or BF16")
    return floats.reshape(entry["shape"])
