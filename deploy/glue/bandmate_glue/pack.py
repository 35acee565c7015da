"""Pack many small files before Spark reads them: `python -m bandmate_glue.pack --name lakh --sources s3://…`.

Opening a small object takes far longer than reading it, and Spark would list and open a million of them. The packer
reads each once and writes packs of some 64 MiB. It puts files in batches just as the ingest service does (each content
once, in the order of the sources), so that cleaning a batch gives the very bytes that the service would have stored.
"""

import argparse
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

from bandmate_ingest.sources.collect import collect
from bandmate_ingest.sources.files import SourceFile
from bandmate_ingest.sources.space import Space
from bandmate_music.limits import Limits
from bandmate_shared.contracts.datasets import SplitSource
from bandmate_shared.errors import BandmateError
from bandmate_shared.objects.base import Storage, tenant_space
from bandmate_shared.objects.open import open_storage
from bandmate_shared.settings import SharedSettings

from bandmate_glue.packs import Offered, PackRun, PackWriter, add_run, offered_bytes, put_pack, read_packed

PACK_BYTES = 64 << 20
BATCH_FILES = 64
"""The ingest service's default (BANDMATE_INGEST_BATCH_FILES); with another number the batches differ, the dataset does
not."""


class _Run:
    """A run in progress: collects files into batches, and batches into packs."""

    def __init__(self, storage: Storage, name: str, number: int, batch_files: int, pack_bytes: int) -> None:
        self._storage, self._name, self._number = storage, name, number
        self._batch_files, self._pack_bytes = batch_files, pack_bytes
        self._writer = PackWriter(number)
        self._waiting: list[tuple[Offered, bytes]] = []
        self._packs: list[str] = []
        self._batches = self._files = self._bytes = 0

    def add(self, offered: Offered, data: bytes) -> None:
        self._waiting.append((offered, data))
        if len(self._waiting) == self._batch_files:
            self._end_batch()
            if self._writer.size >= self._pack_bytes:
                self._end_pack()

    def finish(self, offered: Sequence[Offered], splits: SplitSource, *, relabels: bool) -> PackRun:
        """Write what is left and the list of files; the run does not count before `add_run`."""
        self._end_batch()
        self._end_pack()
        key = put_pack(self._storage, self._name, offered_bytes(offered), "offered")
        return PackRun(self._number, self._packs, key, self._batches, self._files, self._bytes, splits, relabels)

    def _end_batch(self) -> None:
        if self._waiting:
            self._writer.add(self._batches, self._waiting)
            self._batches += 1
            self._files += len(self._waiting)
            self._bytes += sum(len(data) for _, data in self._waiting)
            self._waiting.clear()

    def _end_pack(self) -> None:
        if not self._writer.is_empty:
            self._packs.append(put_pack(self._storage, self._name, self._writer.finish(), "data"))
            self._writer = PackWriter(self._number)


def pack(
    storage: Storage,
    name: str,
    sources: Sequence[str],
    style: str | None,
    limits: Limits,
    *,
    splits: SplitSource = "folders",
    batch_files: int = BATCH_FILES,
    pack_bytes: int = PACK_BYTES,
) -> PackRun | None:
    """Add the files of the sources that are new to the packs of a name; None when none is.

    With a `style` those that are known are given it too, without being packed again.

    A run that dies leaves packs that nothing names, and the next run finds them by their hash.

    Raises:
        InvalidRequest, NotFound, UnreadableFile, LimitExceeded: a source that cannot be read at all.
        Overtaken: another packer wrote under the same name meanwhile.
        Unavailable: S3 did not answer.
    """
    earlier = read_packed(storage, name)
    known = {(file.name, file.sha256): file.style for file in earlier.inventory}
    contents = {file.sha256 for file in earlier.inventory}
    run = _Run(storage, name, len(earlier.runs) + 1, batch_files, pack_bytes)
    offered_files: list[Offered] = []
    for file in (file for source in sources for file in collect(source, style, limits)):
        offered, data = _read(file)
        offered_files.append(offered)
        if offered.sha256 and offered.sha256 not in contents:
            contents.add(offered.sha256)
            run.add(offered, data)
    if not any(file.sha256 and _is_news(file, known, relabel=style is not None) for file in offered_files):
        return None
    pack_run = run.finish(offered_files, splits, relabels=style is not None)
    add_run(storage, name, pack_run)
    return pack_run


def _is_news(file: Offered, known: Mapping[tuple[str, str], str], *, relabel: bool) -> bool:
    """Whether a file, or with `relabel` its style, is not among those known by name and content."""
    style = known.get((file.name, file.sha256))
    return style is None or (relabel and style != file.style)


def _read(file: SourceFile) -> tuple[Offered, bytes]:
    try:
        data = file.read()
    except (OSError, BandmateError) as error:
        if isinstance(error, BandmateError) and error.retryable:
            raise  # A temporary error, which is not the file's fault.
        detail = error.detail if isinstance(error, BandmateError) else (error.strerror or str(error))
        return Offered(file.name, file.style, detail=detail), b""
    return Offered(file.name, file.style, hashlib.sha256(data).hexdigest()), data


def main() -> None:
    parser = argparse.ArgumentParser(description="Pack many small files before Spark cleans them.")
    parser.add_argument("--storage", required=True, help="The object store, as BANDMATE_STORAGE_URL has it.")
    parser.add_argument("--name", required=True, help="Under which the packs lie; the same name adds to them.")
    parser.add_argument("--sources", required=True, nargs="+", help="Folders, zips, s3:// prefixes.")
    parser.add_argument("--style", help="Label of every piece; without it, the name of the folder it lies in.")
    parser.add_argument(
        "--splits",
        choices=get_args(SplitSource),
        default="folders",
        help="What decides on splits: folders called train, valid and test where there are some, or a hash alone.",
    )
    parser.add_argument("--tenant", default="local")
    arguments = parser.parse_args()
    storage = Space(open_storage(arguments.storage), tenant_space(arguments.tenant))
    limits = SharedSettings().file_limits
    sources = [source if ":" in source else str(Path(source).absolute()) for source in arguments.sources]
    run = pack(storage, arguments.name, sources, arguments.style, limits, splits=arguments.splits)
    if run is None:
        print("Nothing new.")  # noqa: T201
    else:
        print(f"Run {run.number}: {run.files} files, {run.bytes} bytes in {len(run.packs)} pack(s).")  # noqa: T201


if __name__ == "__main__":
    main()
