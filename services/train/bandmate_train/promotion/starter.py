"""Register the starter model that ships with the platform, so that the first song needs no training."""

import hashlib
import json
from pathlib import Path
from typing import Any

from bandmate_shared.contracts.trainings import ModelManifest
from bandmate_shared.errors import NotFound
from bandmate_shared.objects.base import Storage
from bandmate_shared.objects.blobs import sha256_of
from bandmate_shared.registry.models import SHARED_TENANT, STARTER, is_fetchable, read_alias, read_model

from bandmate_train.models import WEIGHTS, code_version, register
from bandmate_train.promotion.gate import read_metrics
from bandmate_train.promotion.promote import promote

_ID_DIGITS = 12


def register_starter(storage: Storage, folder: Path) -> ModelManifest:
    """Register the model in `folder` for all tenants and set the alias 'starter' to it.

    The id is a hash of the files: a second start changes nothing, and the starter of a new release takes over the
    alias. Raises NotFound when the folder holds no model.
    """
    if not (folder / WEIGHTS).is_file():
        raise NotFound(f"there is no starter model in {folder}: {WEIGHTS} is missing")
    model_id = f"{STARTER}-{_identity(folder)[:_ID_DIGITS]}"
    manifest = read_model(storage, model_id, SHARED_TENANT)
    if manifest is None or not is_fetchable(storage, manifest):
        manifest = _register(storage, folder, model_id)
    alias = read_alias(storage, STARTER, SHARED_TENANT)
    if alias is None or alias.model != model_id:
        promote(storage, model_id, SHARED_TENANT, STARTER, force=True)
    return manifest


def _register(storage: Storage, folder: Path, model_id: str) -> ModelManifest:
    config: dict[str, Any] = json.loads((folder / "config.json").read_text())
    return register(
        storage,
        folder,
        model_id=model_id,
        architecture=str(config.get("architecture", "rnn")),
        dataset={"name": STARTER, "sha256": str(config.get("dataset_sha256", ""))},
        code_version=code_version(folder),
        hyperparameters=dict(config.get("hyperparameters", {})),
        metrics=read_metrics(folder, folder),
        job_id=None,
        tenant=SHARED_TENANT,
    )


def _identity(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        digest.update(f"{path.name} {sha256_of(path)}\n".encode())
    return digest.hexdigest()
