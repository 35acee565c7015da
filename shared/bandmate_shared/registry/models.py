"""Reading the model registry out of the object store. Registering and promoting live in the train service.

    <space>models/<id>/manifest.json               written once; a model never changes
    <space>models/aliases/<alias>/<revision>.json  one ModelAlias a change; the highest revision is what the alias means

A model's files are blobs. `<space>` is the tenant's (storage.tenant_space); the unprefixed space is the shared
tenant's, whose models every tenant may use. A revision is written by a conditional put, so two changes of an alias at
the same moment cannot both win, on a directory as on S3.
"""

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from pydantic import ValidationError

from bandmate_shared.contracts.trainings import ModelAlias, ModelManifest
from bandmate_shared.errors import BandmateError, InvalidRequest, NotFound
from bandmate_shared.objects.base import Storage, tenant_space
from bandmate_shared.objects.blobs import blob_key, sha256_of

PRODUCTION = "production"
STARTER = "starter"
SHARED_TENANT = "local"
"""The tenant whose space has no prefix."""

_MANIFEST_COPY = "manifest.json"


class UnknownModel(InvalidRequest):
    """The request names a model that is not registered."""

    type = "unknown-model"
    title = "Model not found"


class CorruptModel(BandmateError):
    """A model's file is not what its manifest says."""

    type = "corrupt-model"
    title = "The model is damaged"


def resolve_model(storage: Storage, name: str | None = None, tenant: str = SHARED_TENANT) -> ModelManifest:
    """The model that a request means: an id or an alias; None means 'production', and without one 'starter'.

    A tenant's own models and aliases come before the shared ones. Raises UnknownModel.
    """
    for model_or_alias in (name,) if name is not None else (PRODUCTION, STARTER):
        for space_owner in _owners(tenant):
            alias = read_alias(storage, model_or_alias, space_owner)
            manifest = read_model(storage, alias.model if alias is not None else model_or_alias, tenant)
            if manifest is not None:
                return manifest
    if name is None:
        raise UnknownModel("there is no model in production and no starter model; train one: bandmate train")
    known = ", ".join(model.id for model in list_models(storage, tenant)) or "none"
    raise UnknownModel(f"there is no model {name!r}; registered: {known}")


def is_starter(storage: Storage, manifest: ModelManifest) -> bool:
    """Whether this is the model that the installation came with."""
    alias = read_alias(storage, STARTER)
    return alias is not None and alias.model == manifest.id


def list_models(storage: Storage, tenant: str = SHARED_TENANT) -> list[ModelManifest]:
    """Every model that the tenant may use, newest first."""
    manifests = {}
    for owner in reversed(_owners(tenant)):
        for key in storage.keys(f"{tenant_space(owner)}models/"):
            if key.endswith("/manifest.json"):
                manifest = ModelManifest.model_validate_json(storage.get(key))
                manifests[manifest.id] = manifest
    return sorted(manifests.values(), key=lambda model: (model.created, model.id), reverse=True)


def read_model(storage: Storage, model_id: str, tenant: str = SHARED_TENANT) -> ModelManifest | None:
    """The manifest of the tenant's model of that id, else the shared one of that id, else None."""
    for owner in _owners(tenant):
        try:
            return ModelManifest.model_validate_json(storage.get(manifest_key(model_id, owner)))
        except (NotFound, ValueError):
            continue  # ValueError: a name that is no storage key names no model either.
    return None


def read_alias(storage: Storage, alias: str, tenant: str = SHARED_TENANT) -> ModelAlias | None:
    """The alias in one tenant's space as it is now, or None."""
    return read_alias_revision(storage, alias, tenant)[1]


def read_alias_revision(storage: Storage, alias: str, tenant: str = SHARED_TENANT) -> tuple[int, ModelAlias | None]:
    """The number of an alias's newest revision and what it says; None when the alias is not set, or not any more."""
    try:
        revisions = list(storage.keys(alias_folder(alias, tenant)))
    except ValueError:  # A name that is no storage key is no alias either.
        return 0, None
    if not revisions:
        return 0, None
    newest = ModelAlias.model_validate_json(storage.get(revisions[-1]))
    return int(PurePosixPath(revisions[-1]).stem), newest if newest.model else None


def list_aliases(storage: Storage, tenant: str = SHARED_TENANT) -> list[ModelAlias]:
    """Every alias that counts for the tenant: its own, and the shared ones that it has not set itself."""
    aliases: dict[str, ModelAlias] = {}
    for owner in reversed(_owners(tenant)):
        for alias in _alias_names(storage, owner):
            current = read_alias(storage, alias, owner)
            if current is not None:
                aliases[alias] = current
    return [aliases[name] for name in sorted(aliases)]


def is_fetchable(storage: Storage, manifest: ModelManifest) -> bool:
    """Whether every file of the model is in the store, in its size."""
    try:
        return all(storage.size(blob_key(file.sha256)) == file.size for file in manifest.files)
    except NotFound:
        return False


def fetch_model(storage: Storage, manifest: ModelManifest, folder: Path) -> Path:
    """Put a model's files into `folder/<model id>/` and return that folder; at once if they are there already.

    Every file's hash is checked while it is new. The folder appears whole or not at all, also when several processes
    fetch the same model. Raises CorruptModel, NotFound, StorageFull.
    """
    target = folder / manifest.id
    if _is_complete(target, manifest):
        return target
    folder.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=folder, prefix=f".{manifest.id}-"))
    try:
        for file in manifest.files:
            storage.fetch(blob_key(file.sha256), partial / file.name)
            if sha256_of(partial / file.name) != file.sha256:
                raise CorruptModel(f"{file.name} of the model {manifest.id} does not have the hash in its manifest")
        (partial / _MANIFEST_COPY).write_text(manifest.model_dump_json(indent=1))
        _move_into_place(partial, target, manifest)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return target


def manifest_key(model_id: str, tenant: str = SHARED_TENANT) -> str:
    return f"{tenant_space(tenant)}models/{model_id}/manifest.json"


def alias_folder(alias: str, tenant: str = SHARED_TENANT) -> str:
    """The prefix of an alias's revisions, with the slash at its end."""
    return f"{tenant_space(tenant)}models/aliases/{alias}/"


def alias_revision_key(alias: str, revision: int, tenant: str = SHARED_TENANT) -> str:
    """Where a revision lies; the digits are many enough for names to sort as numbers do."""
    return f"{alias_folder(alias, tenant)}{revision:08d}.json"


def _owners(tenant: str) -> tuple[str, ...]:
    """The tenants whose spaces a tenant's lookups search, in this order."""
    return (tenant,) if tenant == SHARED_TENANT else (tenant, SHARED_TENANT)


def _alias_names(storage: Storage, owner: str) -> Iterator[str]:
    prefix = f"{tenant_space(owner)}models/aliases/"
    yield from sorted({key.removeprefix(prefix).split("/")[0] for key in storage.keys(prefix)})


def _is_complete(target: Path, manifest: ModelManifest) -> bool:
    """Whether this very model lies there: the manifest is moved in together with the files it was checked against."""
    try:
        stored = ModelManifest.model_validate(json.loads((target / _MANIFEST_COPY).read_text()))
    except (OSError, ValueError, ValidationError):
        return False
    same_files = {file.name: file.sha256 for file in stored.files} == {
        file.name: file.sha256 for file in manifest.files
    }
    return same_files and all(
        (target / file.name).is_file() and (target / file.name).stat().st_size == file.size for file in manifest.files
    )


def _move_into_place(partial: Path, target: Path, manifest: ModelManifest) -> None:
    while True:
        try:
            partial.rename(target)
            return
        except OSError:
            if _is_complete(target, manifest):
                return  # Another process was faster, and its copy is as good as ours.
            if not target.exists():
                raise
            damaged = Path(tempfile.mkdtemp(dir=target.parent, prefix=".damaged-"))
            try:
                target.rename(damaged / "model")
            except FileNotFoundError:
                pass  # Another process has just moved it away; the next round sees what it put there.
            shutil.rmtree(damaged, ignore_errors=True)
