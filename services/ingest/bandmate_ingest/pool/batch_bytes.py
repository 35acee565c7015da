"""Batches as bytes, for the pipe to a cleaning process and for the object store. No pickle is involved.

Layout: a count, then each length, as 8-byte big-endian integers, then the bytes themselves.
"""

import struct
from collections.abc import Sequence

import pyarrow as pa

from bandmate_ingest.cleaning.batch import CleanedBatch, RawFile

_MAX_FRAMES = 1_000_000


def pack(frames: Sequence[bytes]) -> bytes:
    """Several byte strings as one."""
    header = struct.pack(f">{len(frames) + 1}Q", len(frames), *(len(frame) for frame in frames))
    return b"".join([header, *frames])


def unpack(data: bytes) -> list[bytes]:
    """The byte strings of `pack`. Raises ValueError when the data is cut short or padded."""
    if len(data) < 8:
        raise ValueError("no frame count")
    (count,) = struct.unpack_from(">Q", data)
    position = 8 + 8 * count
    if count > _MAX_FRAMES or len(data) < position:
        raise ValueError("the frame lengths are cut short")
    frames = []
    for length in struct.unpack_from(f">{count}Q", data, 8):
        frames.append(data[position : position + length])
        position += length
    if position != len(data):
        raise ValueError(f"{len(data)} bytes where the frame lengths say {position}")
    return frames


def pack_files(items: Sequence[RawFile]) -> bytes:
    """A batch of raw files: names and contents in turn."""
    return pack([part for item in items for part in (item.name.encode(), item.data)])


def unpack_files(data: bytes) -> list[RawFile]:
    """The files of `pack_files`."""
    frames = unpack(data)
    return [RawFile(name.decode(), content) for name, content in zip(frames[::2], frames[1::2], strict=True)]


def pack_batch(batch: CleanedBatch) -> bytes:
    """A cleaned batch as four Arrow IPC streams."""
    return pack([_stream(table) for table in (batch.files, batch.parts, batch.measures, batch.notes)])


def unpack_batch(data: bytes) -> CleanedBatch:
    """Raises ValueError or pyarrow.ArrowInvalid for damaged data."""
    files, parts, measures, notes = (pa.ipc.open_stream(frame).read_all() for frame in unpack(data))
    return CleanedBatch(files, parts, measures, notes)


def _stream(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return bytes(sink.getvalue())
