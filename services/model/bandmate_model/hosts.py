"""The hosts of a training job, as SageMaker's resourceconfig.json names them, and how they find each other.

The first host keeps a small key-value store (torch's TCPStore). Every host waits until all names resolve, and until all
have come to the store. Without a network of their own beforehand, names may take a while to be known.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from torch._C._distributed_c10d import PrefixStore, Store, TCPStore

from bandmate_model.stop import Stop, Stopped

_POLL_SECONDS = 0.2
_CONNECT_SECONDS = 2.0


class HostLost(Exception):
    """Another host of the job did not come, went away or fell silent."""


@dataclass(frozen=True, slots=True)
class Resources:
    """resourceconfig.json: who takes part, and who this is. The first host in the list leads."""

    hosts: tuple[str, ...]
    current: str
    interface: str = ""

    @property
    def rank(self) -> int:
        return self.hosts.index(self.current)

    @staticmethod
    def read(path: Path) -> Resources:
        """One host of no name where there is no such file.

        Raises:
            ValueError: the file is not what SageMaker writes.
        """
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
        return Resources(hosts, current, interface)


def meet(resources: Resources, port: int, seconds: float, stop: Stop) -> Store:
    """Wait until every host is there; the store they share.

    Raises:
        HostLost: not all have come within `seconds`.
        Stopped: while waiting.
    """
    deadline = time.monotonic() + seconds
    first = resources.hosts[0]
    _speak_through(resources.interface)
    for host in resources.hosts:
        _wait(lambda host=host: _resolves(host), f"the name {host} is not known", deadline, stop)  # type: ignore[misc]
    if resources.rank > 0:
        _wait(lambda: _listens(first, port), f"{first} does not listen on port {port}", deadline, stop)
    count = len(resources.hosts)
    try:
        limit = timedelta(seconds=max(1.0, deadline - time.monotonic()))
        store = TCPStore(first, port, count, resources.rank == 0, limit, wait_for_workers=False)
        store.set(f"here/{resources.current}", "")
        for host in resources.hosts:
            _wait(lambda host=host: store.check([f"here/{host}"]), f"{host} has not come", deadline, stop)  # type: ignore[misc]
    except RuntimeError as error:
        raise HostLost(f"the hosts of the job did not find each other: {first_line(error)}") from error
    return PrefixStore("training", store)


def first_line(error: Exception) -> str:
    """Without the pages of addresses that follow in torch's messages."""
    return (str(error).splitlines() or [type(error).__name__])[0][:300]


def _wait(condition: Callable[[], bool], otherwise: str, deadline: float, stop: Stop) -> None:
    while not condition():
        if stop.raised:
            raise Stopped
        if time.monotonic() > deadline:
            raise HostLost(f"the hosts of the job did not find each other: {otherwise}")
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


def _speak_through(interface: str) -> None:
    """Name the network interface to gloo and NCCL, if there is one of that name: local runs make names up."""
    if interface in {name for _, name in socket.if_nameindex()}:
        for variable in ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME"):
            os.environ.setdefault(variable, interface)
