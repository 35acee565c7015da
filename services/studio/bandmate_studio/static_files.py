"""The page's files in memory: media type, ETag, and a compressed copy where that is smaller."""

import gzip
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources.abc import Traversable

_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
}
"""What the page consists of; files of other types are not served."""

_PRELOADS = b"<!-- preloads -->"
_MIN_SAVED_BYTES = 100


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file as it is sent. `gzipped` is None where compression saves too little."""

    body: bytes
    gzipped: bytes | None
    media_type: str
    etag: str


def load_static_files(folder: Traversable, prefix: str) -> dict[str, StaticFile]:
    """Path below the folder → file.

    `index.html` gets a link for each script in the place of its preload comment: the browser then fetches all modules
    at once, instead of the imports of one after the other. `prefix` is the URL below which the files are served.
    """
    contents = dict(_walk(folder, ""))
    scripts = sorted(path for path in contents if path.endswith((".js", ".mjs")))
    links = "\n".join(f'<link rel="modulepreload" href="{prefix}{path}">' for path in scripts)
    contents["index.html"] = contents["index.html"].replace(_PRELOADS, links.encode())
    return {path: _static_file(path, body) for path, body in contents.items()}


def _walk(folder: Traversable, path: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        name = f"{path}{entry.name}"
        if entry.is_dir():
            yield from _walk(entry, f"{name}/")
        elif _suffix(name) in _MEDIA_TYPES:
            yield name, entry.read_bytes()


def _static_file(path: str, body: bytes) -> StaticFile:
    compressed = gzip.compress(body, 9, mtime=0)
    return StaticFile(
        body,
        compressed if len(compressed) + _MIN_SAVED_BYTES < len(body) else None,
        _MEDIA_TYPES[_suffix(path)],
        f'"{hashlib.sha256(body).hexdigest()[:32]}"',
    )


def _suffix(path: str) -> str:
    return path[path.rfind(".") :]
