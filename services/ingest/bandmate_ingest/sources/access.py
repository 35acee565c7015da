"""Access control for sources: everything the user can read in embedded mode, only allowed places in service mode.

A tenant of a service must not read the server's disk, nor every bucket that the service's role can read.
"""

import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlparse

from bandmate_shared.errors import InvalidRequest
from bandmate_shared.objects.base import Storage
from bandmate_shared.objects.uploads import Upload, keep

from bandmate_ingest.settings import IngestSettings


@dataclass(frozen=True)
class Access:
    """The rules for one tenant, and a folder for what is fetched (`scratch` is asked when there is something)."""

    settings: IngestSettings
    tenant: str = "local"
    storage: Storage | None = None
    scratch: Callable[[], Path] = lambda: Path(tempfile.gettempdir())

    def require_path(self, path: Path) -> None:
        """Raises InvalidRequest for a file or folder that this tenant may not have read."""
        if not path.is_absolute():
            raise InvalidRequest(f"{path} is relative to a folder the service does not know; give the whole path")
        if self.settings.mode == "embedded":
            return
        folder = self.settings.ingest_folder
        if folder is None or not path.resolve().is_relative_to(folder.resolve()):
            raise InvalidRequest(
                f"{path} is not below the folder this service reads from (BANDMATE_INGEST_FOLDER); "
                "upload your files, or name an S3 bucket"
            )

    def require_bucket(self, bucket: str, key: str) -> None:
        """Raises InvalidRequest for a bucket, or a part of one, that this tenant may not have read."""
        if self.settings.mode == "embedded":
            return
        requested_folder = _as_folder(key)
        for entry in self.settings.source_buckets.split(","):
            allowed, _, prefix = entry.strip().replace("{tenant}", self.tenant).partition("/")
            if bucket == allowed and requested_folder.startswith(_as_folder(prefix)):
                break
        else:
            raise InvalidRequest(
                f"s3://{bucket}/{key} is not in a bucket this service reads from (BANDMATE_SOURCE_BUCKETS)"
            )
        store = urlparse(self.settings.storage_url)
        storage_folder = _as_folder(store.path)
        if (
            store.scheme == "s3"
            and store.netloc == bucket
            and (requested_folder.startswith(storage_folder) or storage_folder.startswith(requested_folder))
        ):
            raise InvalidRequest(f"s3://{bucket}/{key} holds the platform's own store")

    def upload(self, upload_id: str) -> Upload:
        """The tenant's upload, checked and kept. Raises as `uploads.keep` does."""
        if self.storage is None:
            raise InvalidRequest("there are no uploads here")
        return keep(self.storage, self.tenant, upload_id, self.settings)

    @contextmanager
    def scratch_file(self) -> Iterator[Path]:
        """An unused path. The file there is removed afterwards; an open one can still be read."""
        path = self.scratch() / f"source-{uuid.uuid4().hex}"
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)


def _as_folder(key: str) -> str:
    """With one slash at its end, so that 'folk' is no beginning of 'folklore'; empty for the whole bucket."""
    return f"{key.strip('/')}/" if key.strip("/") else ""
