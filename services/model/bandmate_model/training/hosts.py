"""The hosts of a training job, and how they find each other.

Hosts are named by SageMaker's resourceconfig.json. Under torchrun, or where RANK and WORLD_SIZE are set as it sets
them, they are processes, and find each other at MASTER_ADDR and MASTER_PORT. The first host runs a small key-value
store (torch's TCPStore), unless torchrun already runs one. Every host waits until all names resolve and all hosts
have registered in the store: names may take a while to be known."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from torch._C._distributed_c10d import PrefixStore, Store, TCPStore

from bandmate_model.training.stop import Stop, Stopped

_POLL_SECONDS = 0.2
_CONNECT_SECONDS = 2.0


class HostLost(Exception):
    """Another host of the job did not register, left or stopped responding."""


@dataclass(frozen=True, slots=True)
class Resources:
    """The hosts of a job, and which of them this is. The first in the list is rank 0."""

    hosts: tuple[str, ...]
    current: str
    interface: str = ""
    address: str = ""
    """Address of the store; empty: the first host."""
    port: int = 0
    """Port of the store; 0: the setting hosts_port."""
    has_store: bool = False
    """Whether torchrun runs the store."""
    local_rank: int = 0
    """Number of this process on its machine; those of one machine share its folders and its GPUs."""
    machine: str = ""
    """Which machine of several this is; hosts in resourceconfig.json are one each."""
    attempt: str = "0"

    @property
    def rank(self) -> int:
        return self.hosts.index(self.current)

    @staticmethod
    def read(path: Path, environment: Mapping[str, str] = os.environ) -> Resources:
        """From torchrun's variables where they are set, else from resourceconfig.json; one host of no name without.

        Raises:
            ValueError: the variables or the file are not what torchrun or SageMaker writes.
        """
        if "RANK" in environment and "WORLD_SIZE" in environment:
            return _from_environment(environment)
        if not path.is_file():
            return Resources(("algo-1",), "algo-1")
        try:
            content = json.loads(path.read_text())
            hosts, current = tuple(str(host) for host in content["hosts"]), str(content["current_host"])
            interface = str(content.get("network_interface_name") or "")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"resourceconfig.json needs hosts and current_host: {error}") from error
        if current not in hosts or len(set(hosts)) != len(hosts):
            raise ValueError(f"resourceconfig.json: {current!r} has to be one of the hosts, each named once: {hosts}")
        return Resources(hosts, current, interface, machine=current)


def _from_environment(environment: Mapping[str, str]) -> Resources:
    """Raises ValueError."""
    try:
        rank, count = int(environment["RANK"]), int(environment["WORLD_SIZE"])
        local = int(environment.get("LOCAL_RANK", "0"))
        port = int(environment["MASTER_PORT"]) if count > 1 else 0
        address = environment["MASTER_ADDR"] if count > 1 else ""
    except (KeyError, ValueError) as error:
        raise ValueError(
            f"RANK, WORLD_SIZE, LOCAL_RANK and MASTER_PORT have to be numbers, and MASTER_ADDR a name: {error}"
        ) from error
    if not 0 <= rank < count or not 0 <= local < count:
        raise ValueError(f"RANK={rank} and LOCAL_RANK={local} have to lie below WORLD_SIZE={count}")
    names = tuple(f"process-{number}" for number in range(count))
    return Resources(
        names,
        names[rank],
        address=address,
        port=port,
        has_store=environment.get("TORCHELASTIC_USE_AGENT_STORE") == "True",
        local_rank=local,
        machine=environment.get("GROUP_RANK", str(rank - local)),
        attempt=environment.get("TORCHELASTIC_RESTART_COUNT", "0"),
    )


def open_shared_store(resources: Resources, port: int, seconds: float, stop: Stop) -> Store:
    """Wait until every host has registered; returns the store they share.

    Raises:
        HostLost: not all have come within `seconds`.
        Stopped: while waiting.
    """
    deadline = time.monotonic() + seconds
    first_host, port = resources.address or resources.hosts[0], resources.port or port
    hosts_store = resources.rank == 0 and not resources.has_store
    _choose_interface(resources.interface)
    for host in (resources.address,) if resources.address else resources.hosts:
        wait_for(lambda host=host: _resolves(host), f"the name {host} is not known", deadline, stop)  # type: ignore[misc]
    if not hosts_store:
        wait_for(lambda: _listens(first_host, port), f"{first_host} does not listen on port {port}", deadline, stop)
    count = len(resources.hosts)
    try:
        limit = timedelta(seconds=max(1.0, deadline - time.monotonic()))
        store = PrefixStore(
            f"training-{resources.attempt}",
            TCPStore(first_host, port, count, hosts_store, limit, wait_for_workers=False),
        )
        store.set(f"here/{resources.current}", "")
        for host in resources.hosts:
            wait_for(lambda host=host: store.check([f"here/{host}"]), f"{host} has not come", deadline, stop)  # type: ignore[misc]
    except RuntimeError as error:
        raise HostLost(f"the hosts of the job did not find each other: {first_line(error)}") from error
    return store


def first_line(error: Exception) -> str:
    """The first line of torch's message, without the addresses that follow."""
    return (str(error).splitlines() or [type(error).__name__])[0][:300]


def wait_for(condition: Callable[[], bool], reason: str, deadline: float, stop: Stop) -> None:
    """Poll until the condition holds.

    Raises:
        HostLost: the deadline (of time.monotonic) is over; the message ends with `reason`.
        Stopped: while waiting.
    """
    while not condition():
        if stop.raised:
            raise Stopped
        if time.monotonic() > deadline:
            raise HostLost(f"the hosts of the job did not find each other: {reason}")
        time.sleep(_POLL_SECONDS)


def _resolves(host: str) -> bool:
    try:
        return bool(socket.getaddrinfo(host, None))
    except OSError:
        return False


def _listens(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), _CONNECT_SECONDS):
            return True
    except OSError:
        return False


def _choose_interface(interface: str) -> None:
    """Set the network interface for gloo and NCCL, if it exists: in local runs the configured name may not."""
    if interface in {name for _, name in socket.if_nameindex()}:
        for variable in ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME"):
            os.environ.setdefault(variable, interface)
