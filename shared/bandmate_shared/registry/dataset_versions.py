"""The newest version of each dataset, as a log of revisions like those of model aliases.

    datasets/<name>/<version>/…                 a version, its manifest.json written last
    datasets/<name>/latest/<revision>.json      {"version": …}; the highest revision counts

A revision is written by a conditional put, so of two jobs that built upon the same one only one can follow it, on a
directory as on S3. Homes of earlier releases have one `datasets/<name>/latest.json` instead: it counts as revision 0.
"""

import json
from pathlib import PurePosixPath

from bandmate_shared.errors import NotFound
from bandmate_shared.objects.base import AlreadyExists, Storage

_UNREVISED = "latest.json"


def latest_revision(storage: Storage, name: str, space: str = "") -> tuple[int, str | None]:
    """The newest revision's number and the version it names; (0, None) before there is one.

    `space` is a prefix with a slash at its end (storage.tenant_space). Raises ValueError for an invalid name.
    """
    folder = f"{space}datasets/{name}/"
    revisions = list(storage.keys(f"{folder}latest/"))
    if revisions:
        return int(PurePosixPath(revisions[-1]).stem), _version(storage.get(revisions[-1]))
    try:
        return 0, _version(storage.get(folder + _UNREVISED))
    except NotFound:
        return 0, None


def follow(storage: Storage, name: str, version: str, after: int) -> bool:
    """Make `version` the newest, as the one that follows revision `after`; False where another has followed it."""
    try:
        key = f"datasets/{name}/latest/{after + 1:08d}.json"
        storage.put(key, json.dumps({"version": version}).encode(), if_absent=True)
    except AlreadyExists:
        return False
    return True


def forget_version(storage: Storage, name: str, version: str, space: str = "") -> None:
    """Remove a version's files and every revision that names it, so that the newest of the others is the latest.

    The cleaned batches stay: other versions consist of them as well. Models keep the version's name in their lineage.
    """
    folder = f"{space}datasets/{name}/"
    for key in list(storage.keys(f"{folder}latest/")):
        if _version(storage.get(key)) == version:
            storage.delete(key)
    for key in list(storage.keys(f"{folder}{version}/")):
        storage.delete(key)


def dataset_names(storage: Storage, space: str = "") -> set[str]:
    """Names of the datasets below a prefix that have a newest version."""
    prefix = f"{space}datasets/"
    parts = (key.removeprefix(prefix).split("/") for key in storage.keys(prefix))
    return {part[0] for part in parts if len(part) >= 2 and part[1] in ("latest", _UNREVISED)}


def _version(data: bytes) -> str:
    return str(json.loads(data)["version"])
