"""Routes of the train service: `/v1/trainings` and `/v1/models`."""

from bandmate_shared.contracts.trainings import (
    AliasChange,
    ModelAlias,
    ModelList,
    ModelManifest,
    ModelView,
    TrainingRequest,
)
from bandmate_shared.errors import NotFound
from bandmate_shared.http.authentication import Tenant
from bandmate_shared.http.job_routes import job_router
from bandmate_shared.registry.models import list_aliases, list_models, read_model, resolve_model
from bandmate_shared.runtime import Runtime
from fastapi import APIRouter

from bandmate_train.datasets import find_dataset
from bandmate_train.models import refuse_reserved
from bandmate_train.promotion.promote import promote, roll_back
from bandmate_train.promotion.starter import register_starter
from bandmate_train.settings import train_settings
from bandmate_train.trainers.base import as_hyperparameters


def routers(runtime: Runtime) -> list[APIRouter]:
    """The routes of trainings and models."""

    def check(request: TrainingRequest, tenant: str) -> TrainingRequest:
        find_dataset(runtime.storage, request.dataset, request.dataset_version, tenant)
        as_hyperparameters(request.hyperparameters)
        if request.initial is not None:
            resolve_model(runtime.storage, request.initial, tenant)
        if request.name is not None:
            refuse_reserved(request.name)
        return request

    trainings = job_router(runtime, "trainings", ["training"], TrainingRequest, check=check)
    return [trainings, models_router(runtime)]


def prepare(runtime: Runtime) -> None:
    """Register the starter model when the service starts. Raises NotFound when its folder holds none."""
    folder = train_settings().starter
    if folder is not None:
        register_starter(runtime.storage, folder)


def models_router(runtime: Runtime) -> APIRouter:
    """The model registry: list, show, promote, roll back."""
    router = APIRouter(prefix="/v1/models", tags=["models"])
    storage = runtime.storage

    @router.get("", summary="Models, newest first")
    def index(tenant: Tenant) -> ModelList:
        aliases = _aliases_by_model(tenant)
        return ModelList(items=[_view(model, aliases) for model in list_models(storage, tenant)])

    @router.post("/rollback", summary="Undo the last promotion of an alias")
    def rollback(tenant: Tenant, body: AliasChange | None = None) -> ModelAlias:
        change = body or AliasChange()
        return roll_back(storage, tenant, change.alias, change.expected)

    @router.get("/{model_id}", summary="One model, with its lineage")
    def show(tenant: Tenant, model_id: str) -> ModelView:
        model = read_model(storage, model_id, tenant)
        if model is None:
            raise NotFound(f"there is no model {model_id!r}")
        return _view(model, _aliases_by_model(tenant))

    @router.post("/{model_id}/promote", summary="Promote the model to an alias, by default 'production'")
    def promote_model(tenant: Tenant, model_id: str, body: AliasChange | None = None) -> ModelAlias:
        change = body or AliasChange()
        return promote(storage, model_id, tenant, change.alias, change.expected, force=change.force)

    def _aliases_by_model(tenant: str) -> dict[str, list[str]]:
        names: dict[str, list[str]] = {}
        for alias in list_aliases(storage, tenant):
            names.setdefault(alias.model, []).append(alias.alias)
        return names

    return router


def _view(model: ModelManifest, aliases: dict[str, list[str]]) -> ModelView:
    return ModelView(**model.model_dump(), aliases=aliases.get(model.id, []))
