"""Register a trained model: its files, its lineage, and the name by which it is known.

`bandmate_shared.registry.models` describes the layout. A manifest is written last, by a conditional put.
"""

import json
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from bandmate_shared.contracts.trainings import ModelFile, ModelManifest
from bandmate_shared.errors import Conflict, InvalidRequest, NotFound
from bandmate_shared.objects.base import AlreadyExists, Storage
from bandmate_shared.objects.blobs import put_blob, sha256_of
from bandmate_shared.registry.models import PRODUCTION, STARTER, manifest_key

WEIGHTS = "model.safetensors"
RESERVED_NAMES = frozenset({"aliases", PRODUCTION, STARTER, "rollback"})


def register(
    storage: Storage,
    folder: Path,
    *,
    model_id: str,
    architecture: str,
    dataset: dict[str, str],
    code_version: str,
    hyperparameters: dict[str, Any],
    metrics: dict[str, float],
    job_id: str | None,
    tenant: str,
    initial: str | None = None,
) -> ModelManifest:
    """Put the files of a model folder into the store, then its manifest.

    A job that registers again gets the manifest that it wrote before. Raises Conflict when the id belongs to another
    model, InvalidRequest for a reserved id, StorageFull.
    """
    _reserve(storage, model_id, tenant, job_id)
    paths = sorted(path for path in folder.iterdir() if path.is_file())
    files = [ModelFile(name=path.name, sha256=put_blob(storage, path), size=path.stat().st_size) for path in paths]
    manifest = ModelManifest(
        id=model_id,
        architecture=architecture,
        sha256=sha256_of(folder / WEIGHTS),
        files=files,
        dataset=dataset,
        code_version=code_version,
        hyperparameters=hyperparameters,
        metrics=metrics,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        job_id=job_id,
        initial=initial,
    )
    try:
        storage.put(manifest_key(model_id, tenant), manifest.model_dump_json(indent=1).encode(), if_absent=True)
    except AlreadyExists:
        return ModelManifest.model_validate_json(storage.get(manifest_key(model_id, tenant)))
    return manifest


def refuse_taken(storage: Storage, model_id: str, tenant: str, job_id: str | None) -> None:
    """Raise Conflict when the id belongs to a model of another job, InvalidRequest when it is reserved.

    Ids are unique over all tenants, because model servers and local copies identify a model by its id alone.
    """
    refuse_reserved(model_id)
    try:
        owner = json.loads(storage.get(_name_key(model_id)))
    except NotFound:
        return
    if owner != _owner(tenant, job_id):
        raise Conflict(f"there is a model {model_id!r} already, and a model never changes; choose another name")


def refuse_reserved(model_id: str) -> None:
    """Raise InvalidRequest for a name that the registry or the API uses itself."""
    if model_id in RESERVED_NAMES:
        raise InvalidRequest(f"no model can be called {model_id!r}; that name has a meaning of its own")


def code_version(model: Path) -> str:
    """`bandmate-model <version>`: from the model's config.json, else the version installed here.

    The container that trained the model may have another version than this service.
    """
    try:
        recorded = json.loads((model / "config.json").read_text()).get("code_version")
    except (OSError, ValueError, AttributeError):
        recorded = None
    if isinstance(recorded, str) and recorded:
        return recorded
    for distribution in ("bandmate-model", "bandmate-train"):
        try:
            return f"{distribution} {metadata.version(distribution)}"
        except metadata.PackageNotFoundError:
            continue
    return "unknown"


def _reserve(storage: Storage, model_id: str, tenant: str, job_id: str | None) -> None:
    refuse_reserved(model_id)
    try:
        storage.put(_name_key(model_id), json.dumps(_owner(tenant, job_id)).encode(), if_absent=True)
    except AlreadyExists:
        refuse_taken(storage, model_id, tenant, job_id)


def _name_key(model_id: str) -> str:
    return f"model-names/{model_id}"


def _owner(tenant: str, job_id: str | None) -> dict[str, str | None]:
    return {"tenant": tenant, "job_id": job_id}
