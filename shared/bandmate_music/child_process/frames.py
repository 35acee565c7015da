"""Length-prefixed messages on a pipe between a process and its child. Standard library only.

A frame is its kind (1 byte), the length of its payload (8 bytes, big-endian) and the payload.
"""

import struct
from typing import BinaryIO

HEADER = struct.Struct(">cQ")
MAX_FRAME_BYTES = 1 << 30
"""Longest payload that is accepted; more is not read, whatever the other side declares."""


class FrameTooLong(ValueError):
    """A frame that declares more bytes than are accepted."""


def frame_header(kind: bytes, length: int) -> bytes:
    """The bytes before a payload of this length."""
    return HEADER.pack(kind, length)


def parse_header(header: bytes, max_bytes: int = MAX_FRAME_BYTES) -> tuple[bytes, int]:
    """Kind and payload length. Raises FrameTooLong past `max_bytes`."""
    kind, length = HEADER.unpack(header)
    if length > max_bytes:
        raise FrameTooLong(f"a frame of {length:,} bytes; at most {max_bytes:,} are read")
    return kind, length


def write_frame(stream: BinaryIO, kind: bytes, payload: bytes = b"") -> None:
    """Write one frame to a blocking stream, and flush it."""
    stream.write(frame_header(kind, len(payload)))
    stream.write(payload)
    stream.flush()


def read_frame(stream: BinaryIO, max_bytes: int = MAX_FRAME_BYTES) -> tuple[bytes, bytes] | None:
    """Kind and payload of the next frame of a blocking stream; None at its end, also where it ends within a frame.

    Raises:
        FrameTooLong: the payload is longer than `max_bytes`.
    """
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    kind, length = parse_header(header, max_bytes)
    payload = stream.read(length)
    return (kind, payload) if len(payload) == length else None
