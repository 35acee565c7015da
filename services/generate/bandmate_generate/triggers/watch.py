"""Watch a folder: a file that is put there becomes a song job, as in a bucket's `incoming/`.

The folder is looked through every second. Notifications of the kernel would be quicker, and would miss everything that
another machine writes to a shared folder. A file is taken when its size and time have stood still for a while; then it
moves to `done/`, with the job's id in a file beside it, or to `failed/`, with the reason.

A file's content and options are its idempotency key: after a crash between submitting and moving, it is still one song.
"""

import hashlib
import json
import logging
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bandmate_shared.errors import BandmateError, LimitExceeded
from bandmate_shared.intake.incoming import options_name, read_options, role_of, song_request
from bandmate_shared.intake.song_submission import Check, as_song_request, is_temporary, submit_song
from bandmate_shared.runtime import Runtime

log = logging.getLogger(__name__)

DONE, FAILED = "done", "failed"
MAX_PAUSE_SECONDS = 10.0

Signature = tuple[int, int]
"""Size in bytes and modification time in ns."""


@dataclass(frozen=True, slots=True)
class _Seen:
    signature: Signature
    since: float
    """When it was first seen like this, on the monotonic clock."""


class FolderWatch:
    """Turns the files of a folder into song jobs. Several may watch the same folder."""

    def __init__(self, runtime: Runtime, folder: Path, check: Check, *, every: float, settle: float) -> None:
        """Look `every` so many seconds, and take files that have not changed for `settle` seconds."""
        self._runtime = runtime
        self._folder = folder
        self._check = check
        self._every = every
        self._settle = settle
        self._seen: dict[Path, _Seen] = {}

    def run(self, stop: threading.Event) -> None:
        """Watch until `stop` is set. Outlives the folder: a network share may go and come back."""
        pause = self._every
        while not stop.is_set():
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                self.poll()
                pause = self._every
            except OSError as error:
                pause = min(2 * pause, MAX_PAUSE_SECONDS)
                log.warning("the watched folder is tried again in %.0f s: %s", pause, error)
            except BandmateError as error:
                pause = min(2 * pause, MAX_PAUSE_SECONDS)
                log.warning("the watched folder's files wait %.0f s: %s", pause, error.detail)
            except Exception:
                pause = min(2 * pause, MAX_PAUSE_SECONDS)
                log.exception("the watched folder is tried again in %.0f s after an unexpected error", pause)
            stop.wait(pause)

    def poll(self) -> None:
        """One round: take what has settled, in the order of names.

        Raises OSError where the folder cannot be read, and a BandmateError that may pass: then the rest waits too.
        """
        now = time.monotonic()
        files = dict(self._files())
        self._seen = {path: self._last_change(path, signature, now) for path, signature in files.items()}
        for path in sorted(files):
            options = path.with_name(options_name(path.name))
            if self._has_settled(path, now) and (options not in files or self._has_settled(options, now)):
                self._take(path, files[path], options if options in files else None)

    def _files(self) -> Iterator[tuple[Path, Signature]]:
        """Plain files below the folder: no links, nothing in `done/` or `failed/`."""
        for parent, folders, names in os.walk(self._folder):
            top = Path(parent) == self._folder
            folders[:] = [name for name in folders if not name.startswith(".") and not (top and name in (DONE, FAILED))]
            for name in names:
                path = Path(parent, name)
                try:
                    if not path.is_symlink() and path.is_file():
                        status = path.stat()
                        yield path, (status.st_size, status.st_mtime_ns)
                except FileNotFoundError:  # Another watch took it.
                    pass

    def _last_change(self, path: Path, signature: Signature, now: float) -> _Seen:
        before = self._seen.get(path)
        return before if before is not None and before.signature == signature else _Seen(signature, now)

    def _has_settled(self, path: Path, now: float) -> bool:
        return now - self._seen[path].since >= self._settle

    def _take(self, path: Path, signature: Signature, options: Path | None) -> None:
        try:
            if role_of(path.name) in (None, "options"):
                return
            job_id = self._submit(path, signature[0], options)
        except BandmateError as error:
            if is_temporary(error):
                raise
            log.warning("%s becomes no song: %s", path.name, error.detail)
            self._archive(path, options, FAILED, ".txt", f"{error.title}: {error.detail}\n")
        except FileNotFoundError:
            pass
        else:
            log.info("%s is %s", path.name, job_id)
            self._archive(path, options, DONE, ".job", f"{job_id}\n")

    def _submit(self, path: Path, size: int, options: Path | None) -> str:
        limit = self._runtime.settings.max_file_bytes
        if size > limit:
            raise LimitExceeded(f"the file has {size:,} bytes; the limit is {limit:,} (BANDMATE_MAX_FILE_BYTES)")
        data = path.read_bytes()
        chosen = read_options(options.read_bytes(), options.name) if options is not None else {}
        key = hashlib.sha256(json.dumps([role_of(path.name), chosen], sort_keys=True).encode() + b"\0" + data)
        fields = song_request(path.name, data, chosen)
        return submit_song(self._runtime, as_song_request(fields), f"watch-{key.hexdigest()}", self._check).job.id

    def _archive(self, path: Path, options: Path | None, folder_name: str, suffix: str, note: str) -> None:
        """Move a handled file and its options to `done/` or `failed/`, with a note beside it on the outcome."""
        target = _free_name(self._folder / folder_name / path.relative_to(self._folder))
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            path.replace(target)
            if options is not None:
                options.replace(target.with_name(options_name(target.name)))
        except FileNotFoundError:  # Another watch was quicker; it has the same job.
            return
        target.with_name(target.name + suffix).write_text(note, encoding="utf-8")


def _free_name(path: Path) -> Path:
    """The path, or `name (2).mid` and so on where there is such a file already."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem} ({number}){path.suffix}")
    return free
