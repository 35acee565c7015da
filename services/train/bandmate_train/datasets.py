"""Find a dataset in the object store and copy it to a folder that a trainer reads.

The ingest service writes `datasets/<name>/<version>/…`, `manifest.json` there last, and then a revision that
names the newest version (bandmate_shared.registry.dataset_versions); in the tenant's space where there is one.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bandmate_shared.errors import BandmateError, InvalidRequest, NotFound
from bandmate_shared.objects.base import Storage, tenant_space
from bandmate_shared.objects.blobs import sha256_of
from bandmate_shared.registry.dataset_versions import dataset_names, latest_revision

MANIFEST = "manifest.json"


class UnknownDataset(InvalidRequest):
    """The request names a dataset or a version that does not exist."""

    type = "unknown-dataset"
    title = "Dataset not found"


class CorruptDataset(BandmateError):
    """A file of the dataset is missing or does not have the hash in its manifest."""

    type = "corrupt-dataset"
    title = "Corrupt dataset"


@dataclass(frozen=True)
class DatasetVersion:
    """A version of a dataset in the store. `sha256` is the hash of its manifest, which identifies it in lineages."""

    name: str
    version: str
    sha256: str
    prefix: str
    files: dict[str, str]
    """Name → SHA-256."""

    @property
    def lineage(self) -> dict[str, str]:
        return {"name": self.name, "version": self.version, "sha256": self.sha256}


def find_dataset(storage: Storage, name: str, version: str | None, tenant: str) -> DatasetVersion:
    """The named version, or the newest; the tenant's own datasets before the shared ones. Raises UnknownDataset."""
    for space in dict.fromkeys((tenant_space(tenant), "")):
        dataset = _find_in(storage, space, name, version)
        if dataset is not None:
            return dataset
    known = ", ".join(list_datasets(storage, tenant)) or "none yet; make one: bandmate ingest FOLDER --name NAME"
    described = f"{name!r}" if version is None else f"{name!r} in version {version!r}"
    raise UnknownDataset(f"there is no dataset {described}; there are: {known}")


def list_datasets(storage: Storage, tenant: str) -> list[str]:
    """Names of the datasets that the tenant may train on."""
    names = set()
    for space in dict.fromkeys((tenant_space(tenant), "")):
        names |= dataset_names(storage, space)
    return sorted(names)


def materialise(storage: Storage, dataset: DatasetVersion, folder: Path) -> None:
    """Copy the dataset's files into a folder, each hash checked. Raises CorruptDataset, StorageFull."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, sha256 in {MANIFEST: dataset.sha256, **dataset.files}.items():
        try:
            storage.fetch(dataset.prefix + name, folder / name)
        except NotFound as error:
            raise CorruptDataset(f"the dataset {dataset.name} {dataset.version} lacks its file {name}") from error
        if sha256_of(folder / name) != sha256:
            raise CorruptDataset(f"{name} of the dataset {dataset.name} {dataset.version} has the wrong hash")


def _find_in(storage: Storage, space: str, name: str, version: str | None) -> DatasetVersion | None:
    prefix = f"{space}datasets/{name}/"
    try:
        if version is None:
            version = latest_revision(storage, name, space)[1]
            if version is None:
                return None
        data = storage.get(f"{prefix}{version}/{MANIFEST}")
    except (NotFound, ValueError):  # ValueError: not a valid storage key.
        return None
    manifest: dict[str, Any] = json.loads(data)
    files = {file: str(entry["sha256"]) for file, entry in manifest["files"].items()}
    return DatasetVersion(name, version, sha256_of(data), f"{prefix}{version}/", files)
