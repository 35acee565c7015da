"""Promote a model to an alias, and roll an alias back.

Without a promotion the starter model serves (for a tenant: the shared production model, if there is one). A first
promotion is compared with that model, and rolling it back unsets the alias.

Every change is a conditional put of the alias's next revision: whoever comes second at the same moment sees the first
one's change and decides again, so no change is lost on any store.
"""

from bandmate_shared.contracts.trainings import ModelAlias, ModelManifest
from bandmate_shared.errors import Conflict, NotFound, Unavailable
from bandmate_shared.objects.base import AlreadyExists, Storage
from bandmate_shared.registry.models import (
    PRODUCTION,
    SHARED_TENANT,
    STARTER,
    UnknownModel,
    alias_revision_key,
    read_alias,
    read_alias_revision,
    read_model,
    resolve_model,
)

from bandmate_train.promotion.compare import require_no_worse

_MAX_TRIES = 50


def promote(
    storage: Storage,
    model_id: str,
    tenant: str,
    alias: str = PRODUCTION,
    expected: str | None = None,
    *,
    force: bool = False,
) -> ModelAlias:
    """Let the alias name this model; its history keeps the model that it named before.

    Raises NotFound for an unknown model; Conflict when `expected` is given and is not the alias's current model; and
    without `force` WorseModel or IncomparableModel, against the model that serves now.
    """
    candidate = read_model(storage, model_id, tenant)
    if candidate is None:
        raise NotFound(f"there is no model {model_id!r}")
    for _ in range(_MAX_TRIES):
        revision, current = _current(storage, alias, tenant, expected)
        if current is not None and current.model == model_id:
            return current
        serving = _serving(storage, alias, current, tenant)
        if not force and serving is not None and serving.id != model_id:
            require_no_worse(serving, candidate)
        history = [*current.history, current.model] if current is not None else []
        changed = ModelAlias(alias=alias, model=model_id, history=history)
        if _write(storage, changed, revision + 1, tenant):
            return changed
    raise _contended(alias)


def roll_back(storage: Storage, tenant: str, alias: str = PRODUCTION, expected: str | None = None) -> ModelAlias:
    """Undo the alias's last promotion; undoing the first one of 'production' leaves the starter model to serve.

    Returns the alias with the model that serves from now on. Raises Conflict when no promotion is left to undo, or
    `expected` is given and is not the alias's current model.
    """
    for _ in range(_MAX_TRIES):
        revision, current = _current(storage, alias, tenant, expected)
        if current is None:
            raise Conflict(f"no model was promoted to {alias!r}; there is nothing to go back to")
        *earlier, previous = current.history or [""]
        default = _default_model(storage, tenant) if not previous and alias == PRODUCTION else None
        if not previous and default is None:
            raise Conflict(f"{alias!r} has named {current.model} from the start; there is nothing to go back to")
        changed = ModelAlias(alias=alias, model=previous, history=earlier)
        if _write(storage, changed, revision + 1, tenant):
            return changed.model_copy(update={"model": default.id}) if default is not None else changed
    raise _contended(alias)


def _serving(storage: Storage, alias: str, current: ModelAlias | None, tenant: str) -> ModelManifest | None:
    """The model whose place a promotion takes; None where there is none, or its manifest is gone."""
    if current is not None:
        return read_model(storage, current.model, tenant)
    return _default_model(storage, tenant) if alias == PRODUCTION else None


def _default_model(storage: Storage, tenant: str) -> ModelManifest | None:
    """The model that serves while a tenant has promoted none: the shared production model, else the starter."""
    shared = read_alias(storage, PRODUCTION, SHARED_TENANT) if tenant != SHARED_TENANT else None
    manifest = read_model(storage, shared.model, tenant) if shared is not None else None
    if manifest is not None:
        return manifest
    try:
        return resolve_model(storage, STARTER, tenant)
    except UnknownModel:
        return None


def _current(storage: Storage, alias: str, tenant: str, expected: str | None) -> tuple[int, ModelAlias | None]:
    revision, current = read_alias_revision(storage, alias, tenant)
    model = current.model if current is not None else None
    if expected is not None and expected != model:
        raise Conflict(f"the alias {alias!r} names {model or 'no model'} by now, not {expected}; nothing was changed")
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
