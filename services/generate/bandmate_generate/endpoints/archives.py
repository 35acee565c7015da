"""Publish registered models for SageMaker endpoints, as `sagemaker-models/<id>.tar.gz` beside the registry.

A multi-model endpoint has that prefix for its models, and loads the archive that a request names. A model never changes
and its id is never another's, so promoting and rolling back change nothing at the endpoint.
"""

import gzip
import tarfile
import tempfile
from pathlib import Path

from bandmate_shared.contracts.trainings import ModelManifest
from bandmate_shared.objects.base import AlreadyExists, Storage
from bandmate_shared.registry.models import fetch_model

PREFIX = "sagemaker-models"


def archive_name(model: ModelManifest) -> str:
    """The `TargetModel` of a request for this model."""
    return f"{model.id}.tar.gz"


def publish_archive(storage: Storage, model: ModelManifest, folder: Path) -> str:
    """Put the model's archive into the store if it is not there; its key. `folder` keeps fetched models.

    Raises CorruptModel, NotFound, StorageFull.
    """
    key = f"{PREFIX}/{archive_name(model)}"
    if storage.exists(key):
        return key
    fetched = fetch_model(storage, model, folder)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        archive = Path(scratch) / archive_name(model)
        _pack(fetched, [file.name for file in model.files], archive)
        try:
            storage.put(key, archive, if_absent=True)
        except AlreadyExists:
            pass  # Another worker was faster, with the same bytes.
    return key


def _pack(folder: Path, names: list[str], archive: Path) -> None:
    """Write a reproducible archive: no times, no owners, files sorted by name."""
    with (
        archive.open("wb") as raw,
        gzip.GzipFile("", "wb", 6, raw, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for name in sorted(names):
            member = tarfile.TarInfo(name)
            member.size, member.mode = (folder / name).stat().st_size, 0o644
            with (folder / name).open("rb") as file:
                tar.addfile(member, file)
