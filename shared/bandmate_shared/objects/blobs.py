"""Content-addressed blobs, job artifacts and job manifests in an object store.

A blob lies under `blobs/<first two hex digits>/<sha256>`: the same bytes put twice are one object, and a worker whose
lease has expired can at worst write bytes that are already there.
"""

import hashlib
from pathlib import Path

from bandmate_shared.contracts.jobs import Artifact, Manifest
from bandmate_shared.errors import NotFound
from bandmate_shared.objects.base import AlreadyExists, Storage


def sha256_of(data: bytes | Path) -> str:
    """Hex SHA-256 of bytes or of a file's content."""
    if isinstance(data, bytes):
        return hashlib.sha256(data).hexdigest()
    with data.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def blob_key(sha256: str) -> str:
    """The key of the blob with this hash."""
    return f"blobs/{sha256[:2]}/{sha256}"


def put_blob(storage: Storage, data: bytes | Path) -> str:
    """Store bytes under their SHA-256 and return it; idempotent."""
    sha256 = sha256_of(data)
    try:
        storage.put(blob_key(sha256), data, if_absent=True)
    except AlreadyExists:
        pass
    return sha256


def put_artifact(storage: Storage, name: str, data: bytes | Path, media_type: str) -> Artifact:
    """Store a job's file as a blob and describe it."""
    size = len(data) if isinstance(data, bytes) else data.stat().st_size
    return Artifact(name=name, sha256=put_blob(storage, data), size=size, media_type=media_type)


def manifest_key(job_id: str) -> str:
    return f"jobs/{job_id}/manifest.json"


def put_manifest(storage: Storage, manifest: Manifest) -> Manifest:
    """Write a job's manifest once. Where an earlier attempt has written one, that one is returned."""
    key = manifest_key(manifest.job_id)
    try:
        storage.put(key, manifest.model_dump_json(indent=1).encode(), if_absent=True)
    except AlreadyExists:
        return Manifest.model_validate_json(storage.get(key))
    return manifest


def get_manifest(storage: Storage, job_id: str) -> Manifest | None:
    """A job's manifest, or None before it is written."""
    try:
        return Manifest.model_validate_json(storage.get(manifest_key(job_id)))
    except NotFound:
        return None
