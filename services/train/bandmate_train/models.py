"""Writing the model registry: register, promote, roll back. registry.py in the shared package says how it is laid out.

Every change is a conditional put of a new object: a manifest, or the next revision of an alias. Whoever comes second
at the same moment sees the first one's change and decides again, so no change is lost on any store.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bandmate_shared.contracts.trainings import ModelAlias, ModelFile, ModelManifest
from bandmate_shared.errors import Conflict, InvalidRequest, NotFound, Unavailable
from bandmate_shared.registry import (
    PRODUCTION,
    STARTER,
    alias_revision_key,
    manifest_key,
    read_alias_revision,
    read_model,
)
from bandmate_shared.storage import AlreadyExists, Storage, put_blob, sha256_of

from bandmate_train.promotion import require_no_worse

WEIGHTS = "model.safetensors"
RESERVED_NAMES = frozenset({"aliases", PRODUCTION, STARTER, "rollback"})
_MAX_TRIES = 50


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
    """Put a model folder's files into the store, and last of all its manifest.

    The same job registering again gets what it registered before. Raises Conflict when the id is another model's,
    InvalidRequest for a reserved id, StorageFull.
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
    """Raise Conflict when the id is the model's of another job, InvalidRequest when it is nobody's to take.

    Ids are unique over all tenants: model servers and local copies know a model by its id alone.
    """
    refuse_reserved(model_id)
    try:
        owner = json.loads(storage.get(_name_key(model_id)))
    except NotFound:
        return
    if owner != _owner(tenant, job_id):
        raise Conflict(f"there is a model {model_id!r} already, and a model never changes; choose another name")


def refuse_reserved(model_id: str) -> None:
    """Raise InvalidRequest for a name that the registry or the API uses for something else."""
    if model_id in RESERVED_NAMES:
        raise InvalidRequest(f"no model can be called {model_id!r}; that name has a meaning of its own")


def promote(
    storage: Storage,
    model_id: str,
    tenant: str,
    alias: str = PRODUCTION,
    expected: str | None = None,
    *,
    force: bool = False,
) -> ModelAlias:
    """Let the alias mean this model from now on; it remembers what it meant.

    Raises NotFound when there is no such model, Conflict when `expected` is given and not what it means now, and unless
    forced WorseModel when this one is measurably worse than what it means now.
    """
    candidate = read_model(storage, model_id, tenant)
    if candidate is None:
        raise NotFound(f"there is no model {model_id!r}")
    for _ in range(_MAX_TRIES):
        revision, current = _current(storage, alias, tenant, expected)
        if current is not None and current.model == model_id:
            return current
        present = read_model(storage, current.model, tenant) if current is not None else None
        if present is not None and not force:
            require_no_worse(present, candidate)
        history = [*current.history, current.model] if current is not None else []
        changed = ModelAlias(alias=alias, model=model_id, history=history)
        if _write(storage, changed, revision + 1, tenant):
            return changed
    raise _contended(alias)


def roll_back(storage: Storage, tenant: str, alias: str = PRODUCTION, expected: str | None = None) -> ModelAlias:
    """Let the alias mean what it meant before its last promotion.

    Raises Conflict when there is nothing before, or `expected` is given and not what it means now.
    """
    for _ in range(_MAX_TRIES):
        revision, current = _current(storage, alias, tenant, expected)
        if current is None or not current.history:
            meant = "never meant a model" if current is None else f"has meant {current.model} from the start"
            raise Conflict(f"the alias {alias!r} {meant}; there is nothing to go back to")
        *earlier, previous = current.history
        changed = ModelAlias(alias=alias, model=previous, history=earlier)
        if _write(storage, changed, revision + 1, tenant):
            return changed
    raise _contended(alias)


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


def _current(storage: Storage, alias: str, tenant: str, expected: str | None) -> tuple[int, ModelAlias | None]:
    revision, current = read_alias_revision(storage, alias, tenant)
    meaning = current.model if current is not None else None
    if expected is not None and expected != meaning:
        raise Conflict(f"the alias {alias!r} means {meaning or 'no model'} by now, not {expected}; nothing was changed")
    return revision, current


def _write(storage: Storage, changed: ModelAlias, revision: int, tenant: str) -> bool:
    """False when someone else has written this revision first."""
    key = alias_revision_key(changed.alias, revision, tenant)
    try:
        storage.put(key, changed.model_dump_json(indent=1).encode(), if_absent=True)
    except AlreadyExists:
        return False
    return True


def _contended(alias: str) -> Unavailable:
    return Unavailable(f"the alias {alias!r} is being changed by many at once; try again")
