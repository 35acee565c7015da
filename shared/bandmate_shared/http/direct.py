"""Whether clients exchange large files with the store themselves, past the API."""

from typing import TYPE_CHECKING

from bandmate_shared.runtime import Runtime

if TYPE_CHECKING:  # It needs boto3, which is there only where the store is S3.
    from bandmate_shared.presigned import Presigner


def open_presigner(runtime: Runtime) -> "Presigner | None":
    """None where files pass through the API: no public endpoint is set, or the store is not S3."""
    endpoint = runtime.settings.storage_public_endpoint
    if not endpoint:
        return None
    from bandmate_shared.presigned import Presigner
    from bandmate_shared.s3_storage import S3Storage

    return Presigner(runtime.storage, endpoint) if isinstance(runtime.storage, S3Storage) else None
