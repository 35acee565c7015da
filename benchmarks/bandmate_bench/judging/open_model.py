"""The model that a benchmark judges: the starter, a folder, or one of the registry."""

from importlib.resources import as_file, files
from pathlib import Path

from bandmate_local.settings import local_settings
from bandmate_model.model_files import ModelUnusable
from bandmate_model.serving.loaded import LoadedModel
from bandmate_shared.errors import BandmateError
from bandmate_shared.objects.open import open_storage
from bandmate_shared.registry.models import fetch_model, resolve_model


class UnusableModel(BandmateError):
    """The model's files cannot be used by this version."""

    type = "unusable-model"
    title = "The model cannot be used"


def open_model(name: str | None) -> LoadedModel:
    """`name` is a model's folder, or its id or alias in the registry of the embedded platform; None is the starter.

    Raises:
        UnknownModel: there is no such model.
        UnusableModel: its files are missing, damaged, or of another version.
    """
    try:
        if name is None:
            with as_file(files("bandmate_model") / "starter") as folder:
                return LoadedModel.load(folder)
        if (Path(name) / "config.json").is_file():
            return LoadedModel.load(Path(name))
        settings = local_settings()
        storage = open_storage(settings.resolved_storage_url)
        return LoadedModel.load(fetch_model(storage, resolve_model(storage, name), settings.home / "models"))
    except ModelUnusable as error:
        raise UnusableModel(str(error)) from error
