"""Reads and checks `sizes.toml`: everything that differs between installations."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from bandmate_aws.names import SERVICES, Service

FILE = Path(__file__).parents[1] / "sizes.toml"

GPU = "gpu"
"""The section that describes a worker with a GPU."""

Hardware = Literal["cpu", "gpu"]
Endpoint = Literal["none", "realtime", "async"]


@dataclass(frozen=True)
class Worker:
    """Workers of one service. `tasks`: fewest and most; `cores` in vCPU and `memory` in MiB are one task's."""

    tasks: tuple[int, int]
    cores: float
    memory: int
    hardware: Hardware = "cpu"

    @property
    def cpu_units(self) -> int:
        """ECS counts a vCPU as 1024."""
        return int(self.cores * 1024)


@dataclass(frozen=True)
class Database:
    """`instance`: RDS class without `db.`; `storage` in GiB."""

    instance: str
    storage: int
    multi_az: bool
    backup_days: int


@dataclass(frozen=True)
class Size:
    """One section of `sizes.toml`."""

    name: str
    region: str
    zones: int
    nat_gateways: int
    private_endpoints: bool
    keep_data: bool
    log_days: int
    api_tasks: tuple[int, int]
    intake_tasks: int
    spot_share: float
    speech_engine: Literal["auto", "hibari", "espeak", "polly"]
    tenant: str
    """The tenant of songs requested by messages, files and schedules; its key is made at deployment."""
    sagemaker_endpoint: Endpoint
    glue_workers: int
    database: Database
    workers: Mapping[Service, Worker]

    @property
    def uses_gpus(self) -> bool:
        return any(worker.hardware == "gpu" for worker in self.workers.values())

    def with_endpoint(self, endpoint: Endpoint) -> "Size":
        """The same with a SageMaker endpoint in the place of the model beside the worker."""
        return replace(self, sagemaker_endpoint=endpoint)

    def with_gpus(self, file: Path = FILE) -> "Size":
        """The same with a GPU for each generate worker, for models that need one; the starter model does not."""
        table = tomllib.loads(file.read_text())[GPU]
        worker = Worker(**(table | {"tasks": _range(f"[{GPU}] tasks", table["tasks"])}))
        return replace(self, workers={**self.workers, "generate": worker})


def read_size(name: str, file: Path = FILE) -> Size:
    """One size by its name. Raises ValueError for a name or a field that is not known, or one that is missing."""
    sections = tomllib.loads(file.read_text())
    if name not in sections or name == GPU:
        raise ValueError(f"there is no size {name!r} in {file.name}; it has: {', '.join(size_names(file))}")
    section: dict[str, Any] = dict(sections[name])
    known = {field.name for field in fields(Size)} - {"name"}
    if section.keys() != known:
        raise ValueError(f"[{name}] in {file.name}: {sorted(section.keys() ^ known)} missing or not known")
    workers = {service: _worker(name, service, section["workers"]) for service in SERVICES}
    section |= {"workers": workers, "database": Database(**section["database"])}
    section["api_tasks"] = _range(f"[{name}] api_tasks", section["api_tasks"])
    if not 0 <= section["spot_share"] <= 1:
        raise ValueError(f"[{name}] spot_share is a share, from 0 to 1")
    return Size(name=name, **section)


def size_names(file: Path = FILE) -> list[str]:
    return [name for name in tomllib.loads(file.read_text()) if name != GPU]


def _worker(size: str, service: str, table: Mapping[str, Any]) -> Worker:
    values = dict(table[service])
    values["tasks"] = _range(f"[{size}.workers] {service}", values["tasks"])
    worker = Worker(**values)
    if worker.hardware == "gpu" and service != "generate":
        raise ValueError(f"[{size}.workers] {service}: only generate has a model beside it that can use a GPU")
    return worker


def _range(setting: str, values: list[int]) -> tuple[int, int]:
    min_tasks, max_tasks = values
    if not 0 <= min_tasks <= max_tasks:
        raise ValueError(f"{setting}: the fewest tasks, then the most")
    return min_tasks, max_tasks
