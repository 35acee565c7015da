"""The device and precision of a training, and the detection of out-of-memory errors."""

from __future__ import annotations

import torch

_OUT_OF_MEMORY_TEXTS = ("DefaultCPUAllocator", "not enough memory", "can't allocate memory", "CUDA out of memory")


def find_device(name: str, local_rank: int = 0) -> torch.device:
    """The device of the option `device`; of several GPUs the one of this process's rank on its machine.

    Raises:
        ValueError: a GPU is asked for and absent.
    """
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "cpu" or (name == "auto" and not gpus):
        return torch.device("cpu")
    if not gpus:
        raise ValueError("device=cuda, and there is no GPU that torch can use; write device=auto or device=cpu")
    if local_rank >= gpus:
        raise ValueError(
            f"process {local_rank + 1} of this machine finds {gpus} GPU(s): start one process a GPU, or use the CPU"
        )
    return torch.device("cuda", local_rank)


def computes_in_bfloat16(precision: str, device: torch.device) -> bool:
    """Whether matrix products are taken in bfloat16: by the option `precision`, auto where the processor has it."""
    if precision != "auto":
        return precision == "bfloat16"
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_avx512_bf16_supported())


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out; torch says so on a processor with a RuntimeError like any other."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error) for text in _OUT_OF_MEMORY_TEXTS)
