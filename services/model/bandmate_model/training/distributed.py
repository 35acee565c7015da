"""Data-parallel training on several hosts, or in several processes.

The batch of a step is the same as on one host: `streams` lanes, of which each host reads its own. Losses and gradients
are sums over all hosts divided by the whole batch's weight, so N hosts train the same model as one would, up to
rounding (and dropout, which each host draws for itself). The first host alone writes checkpoints, metrics and the
model. Decisions to stop or to end are made by all hosts in the same step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import nn
from torch._C._distributed_c10d import Store

from bandmate_model.settings import ModelSettings
from bandmate_model.training.hosts import HostLost, Resources, first_line, open_shared_store, wait_for
from bandmate_model.training.stop import Stop

T = TypeVar("T")

_EXIT_SECONDS = 10.0
_DONE, _FAILED = "done", "failed"


class Hosts(Protocol):
    """Collective operations of the training loop. All hosts call the same methods in the same order.

    Every method may raise HostLost.
    """

    @property
    def rank(self) -> int: ...

    @property
    def is_first(self) -> bool: ...

    def lanes(self, streams: int) -> slice:
        """The lanes of a batch that this host trains on."""
        ...

    def owns(self, number: int) -> bool:
        """Whether the work item with that number is this host's."""
        ...

    def any(self, flag: bool) -> bool:
        """Whether the flag is set on any host."""
        ...

    def broadcast_scalar(self, value: float) -> float:
        """The first host's value, on all hosts."""
        ...

    def sum(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The sum over the hosts, on all hosts."""
        ...

    def broadcast_weights(self, network: nn.Module) -> None:
        """Copy the first host's weights to all."""
        ...

    def once_per_machine(self, work: Callable[[], T], stop: Stop) -> T:
        """The result of `work`, on all. Of the processes of one machine one runs it before the others, which then use
        its files. Raises Stopped, and whatever `work` raises."""
        ...

    def all_reduce_gradients(self, network: nn.Module) -> None:
        """Replace every gradient by its sum over the hosts."""
        ...

    def copy_from_first(self, path: Path, copy: Path) -> Path:
        """Path of the first host's file: `path` there, `copy` on the others. A missing file is missing on all."""
        ...

    def wait_for_first(self) -> None:
        """Wait until the first host calls this too: until it has written the model."""
        ...


class OneHost:
    """A run on one host: every operation is the identity."""

    rank = 0
    is_first = True

    def lanes(self, streams: int) -> slice:
        return slice(0, streams)

    def owns(self, number: int) -> bool:  # noqa: ARG002
        return True

    def any(self, flag: bool) -> bool:
        return flag

    def broadcast_scalar(self, value: float) -> float:
        return value

    def sum(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return values

    def broadcast_weights(self, network: nn.Module) -> None:
        pass

    def once_per_machine(self, work: Callable[[], T], stop: Stop) -> T:  # noqa: ARG002
        return work()

    def all_reduce_gradients(self, network: nn.Module) -> None:
        pass

    def copy_from_first(self, path: Path, copy: Path) -> Path:  # noqa: ARG002
        return path

    def wait_for_first(self) -> None:
        pass


class ManyHosts:
    """Hosts joined by torch.distributed: gloo for tensors in main memory, NCCL for those on a GPU."""

    def __init__(self, resources: Resources, store: Store, silence_seconds: float) -> None:
        self._resources = resources
        self.rank, self._count = resources.rank, len(resources.hosts)
        self._store = store
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        with self._translating_errors():
            timeout = timedelta(seconds=silence_seconds)
            dist.init_process_group(backend, store=store, rank=self.rank, world_size=self._count, timeout=timeout)

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    def lanes(self, streams: int) -> slice:
        bounds = [streams * rank // self._count for rank in (self.rank, self.rank + 1)]
        return slice(*bounds)

    def owns(self, number: int) -> bool:
        return number % self._count == self.rank

    def any(self, flag: bool) -> bool:
        return bool(self.sum(np.array([float(flag)]))[0] > 0)

    def broadcast_scalar(self, value: float) -> float:
        return float(self.sum(np.array([value if self.is_first else 0.0]))[0])

    def sum(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        total = torch.from_numpy(np.array(values, dtype=np.float64))
        with self._translating_errors():
            dist.all_reduce(total)
        return total.numpy()

    def broadcast_weights(self, network: nn.Module) -> None:
        with self._translating_errors(), torch.no_grad():
            for tensor in network.state_dict().values():
                dist.broadcast(tensor, 0)

    def once_per_machine(self, work: Callable[[], T], stop: Stop) -> T:
        key = f"prepared/{self._resources.machine}"
        if self._resources.local_rank:
            with self._translating_errors():
                wait_for(lambda: bool(self._store.check([key])), "", math.inf, stop)
                if self._store.get(key).decode() == _FAILED:
                    raise HostLost(f"{self._resources.current} ends: another process of its machine could not begin")
            return work()
        try:
            result = work()
        except BaseException:
            self._store.set(key, _FAILED)
            raise
        self._store.set(key, _DONE)
        return result

    def all_reduce_gradients(self, network: nn.Module) -> None:
        for parameter in network.parameters():
            if parameter.grad is None:  # A part that this host's lanes do not use; the others may.
                parameter.grad = torch.zeros_like(parameter)
        gradients = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        with self._translating_errors():
            dist.all_reduce(flat)
        for gradient, part in zip(
            gradients, torch.split(flat, [gradient.numel() for gradient in gradients]), strict=True
        ):
            gradient.copy_(part.view_as(gradient))

    def copy_from_first(self, path: Path, copy: Path) -> Path:
        content = path.read_bytes() if self.is_first and path.is_file() else b""
        size = int(self.broadcast_scalar(float(len(content))))
        data = (
            torch.frombuffer(bytearray(content), dtype=torch.uint8) if content else torch.zeros(size, dtype=torch.uint8)
        )
        if size:
            with self._translating_errors():
                dist.broadcast(data, 0)
        if self.is_first:
            return path
        copy.unlink(missing_ok=True)
        if size:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(data.numpy().tobytes())
        return copy

    def wait_for_first(self) -> None:
        keys = [f"seen/{host}" for host in self._resources.hosts[1:]]
        if self.is_first:
            self._store.set("done", "")
            try:  # The store runs in this process, which must stay until the others have read it.
                self._store.wait(keys, timedelta(seconds=_EXIT_SECONDS))
            except RuntimeError:
                pass
            return
        with self._translating_errors():
            # Writing the model may take long. If the first host dies, its store is gone and the wait ends at once.
            self._store.wait(["done"], timedelta(days=1))
            self._store.set(f"seen/{self._resources.current}", "")

    @contextmanager
    def _translating_errors(self) -> Iterator[None]:
        """Turn torch's errors into HostLost, which names the hosts."""
        try:
            yield
        except RuntimeError as error:
            hosts = ", ".join(self._resources.hosts)
            raise HostLost(
                f"{self._resources.current} lost another host of the job ({hosts}): it ended, or was silent for too "
                f"long; its own failure says why. {first_line(error)}"
            ) from error


def destroy_group() -> None:
    """End gloo's threads after a run that ended well. One that is still at work while the interpreter ends would abort
    the process."""
    if dist.is_initialized():
        dist.destroy_process_group()


def join_hosts(resources: Resources, settings: ModelSettings, streams: int, stop: Stop) -> Hosts:
    """Wait for all hosts of the job and join them.

    Raises:
        ValueError: more hosts than lanes.
        HostLost: not all have come in time.
        Stopped: while waiting.
    """
    count = len(resources.hosts)
    if count == 1:
        return OneHost()
    if streams < count:
        kind = "processes" if resources.address else "hosts"
        raise ValueError(f"streams={streams} cannot be shared by {count} {kind}: each needs one at least")
    store = open_shared_store(resources, settings.hosts_port, settings.hosts_start_seconds, stop)
    return ManyHosts(resources, store, settings.hosts_silence_seconds)
