"""Broken, misleading and unusual MIDI files, built byte by byte, each with the expected behaviour of a reader.

reject: a clean error. tolerate: it must load. either: it ends promptly, one way or the other.
"""

import gzip
import random
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class HostileFile:
    name: str
    expect: Literal["reject", "tolerate", "either"]
    data: bytes
    notes: int | None = None
    """The number of notes that must load, where it is certain."""


END = b"\x00\xff\x2f\x00"
NOTE = b"\x00\x90\x3c\x40\x83\x60\x80\x3c\x40"
"""A quarter note at 480 ticks a quarter."""
FOUR = NOTE * 4


def quantity(value: int) -> bytes:
    groups = [value & 127]
    while value := value >> 7:
        groups.append(value & 127 | 128)
    return bytes(reversed(groups))


def chunk(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack(">I", len(content)) + content


def track(events: bytes, end: bytes = END) -> bytes:
    return chunk(b"MTrk", events + end)


def midi(*tracks: bytes, midi_format: int = 1, division: int = 480, declared: int | None = None) -> bytes:
    count = len(tracks) if declared is None else declared
    return chunk(b"MThd", struct.pack(">HHH", midi_format, count, division)) + b"".join(tracks)


def header(length: int, content: bytes) -> bytes:
    return b"MThd" + struct.pack(">I", length) + content + track(NOTE)


def meta(kind: int, payload: bytes, delta: int = 0) -> bytes:
    return quantity(delta) + bytes([0xFF, kind]) + quantity(len(payload)) + payload


def rmid(content: bytes, form: bytes = b"RMID", length: int | None = None) -> bytes:
    data = b"data" + struct.pack("<I", len(content) if length is None else length) + content
    return b"RIFF" + struct.pack("<I", len(data) + 4) + form + data


def valid(notes: int = 40) -> bytes:
    """Two tracks with a title, a tempo and `notes` notes."""
    conductor = track(meta(3, b"Control") + meta(0x51, b"\x07\xa1\x20") + meta(0x58, b"\x04\x02\x18\x08"))
    return midi(conductor, track(meta(3, b"Piano") + b"\x00\xc0\x00" + NOTE * notes))


def hostile_files() -> Iterator[HostileFile]:
    yield from _not_midi()
    yield from _headers()
    yield from _chunks()
    yield from _events()
    yield from _metas()
    yield from _floods()
    yield HostileFile("valid", "tolerate", valid(), 40)


def _not_midi() -> Iterator[HostileFile]:
    for name, data in {
        "empty": b"",
        "one byte": b"M",
        "JPEG": b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(80),
        "PNG": b"\x89PNG\r\n\x1a\n" + bytes(80),
        "PDF": b"%PDF-1.7\n" + bytes(80),
        "HTML": b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
        "JSON": b'{"error": "not found"}',
        "gzip": gzip.compress(valid()),
        "zlib": zlib.compress(valid()),
        "zip": b"PK\x03\x04" + bytes(40),
        "WAV": rmid(bytes(32), form=b"WAVE"),
        "Ogg": b"OggS" + bytes(60),
        "MP3": b"ID3\x04" + bytes(60),
        "MIDI 2.0 clip": b"SMF2CLIP" + bytes(16),
        "zeros": bytes(65536),
        "random": random.Random(7).randbytes(65536),
        "lower-case magic": b"mthd" + valid()[4:],
        "RIFF MIDI without data": b"RIFF\x04\x00\x00\x00RMID",
        "text": b"these are not the notes you are looking for\n",
    }.items():
        yield HostileFile(name, "reject", data)


def _headers() -> Iterator[HostileFile]:
    body = struct.pack(">HHH", 0, 1, 480)
    for length in (0, 4, 5):
        yield HostileFile(f"header of {length} bytes", "reject", header(length, body[:length]))
    for length in (7, 8, 64):
        yield HostileFile(f"header of {length} bytes", "tolerate", header(length, body + bytes(length - 6)), 1)
    yield HostileFile("little-endian header", "reject", header(0x06000000, body))
    yield HostileFile("header of 4 GiB", "reject", header(0xFFFFFFFF, body))
    for division in (1, 24, 96, 10080, 32767):
        yield HostileFile(f"division {division}", "tolerate", midi(track(FOUR), division=division), 4)
    yield HostileFile("division 0", "reject", midi(track(FOUR), division=0))
    for frames in (24, 25, 29, 30):
        data = midi(track(FOUR), division=(256 - frames) << 8 | 40)
        yield HostileFile(f"SMPTE {frames} frames", "tolerate", data, 4)
    yield HostileFile("SMPTE 0 ticks", "reject", midi(track(FOUR), division=0xE700))
    yield HostileFile("SMPTE 77 frames", "reject", midi(track(FOUR), division=(256 - 77) << 8 | 40))
    for declared in (0, 2, 65535):
        yield HostileFile(f"{declared} tracks declared, 1 there", "tolerate", midi(track(NOTE), declared=declared), 1)
    yield HostileFile("1 track declared, 2 there", "tolerate", midi(track(NOTE), track(NOTE), declared=1), 2)
    yield HostileFile("format 0 of 2 tracks", "tolerate", midi(track(NOTE), track(NOTE), midi_format=0), 2)
    yield HostileFile("format 2", "reject", midi(track(NOTE), track(NOTE), midi_format=2))
    yield HostileFile("format 2 of one track", "tolerate", midi(track(NOTE), midi_format=2), 1)
    yield HostileFile("format 7", "reject", midi(track(NOTE), midi_format=7))
    yield HostileFile("header only", "reject", midi(declared=1))
    yield HostileFile("two headers", "tolerate", valid()[:14] + valid(), 40)


def _chunks() -> Iterator[HostileFile]:
    yield HostileFile("alien chunk first", "tolerate", midi(chunk(b"XFIH", b"hello"), track(NOTE), declared=1), 1)
    yield HostileFile("alien chunk between", "tolerate", midi(track(NOTE), chunk(b"\0\1\2\3", b""), track(NOTE)), 2)
    yield HostileFile("bytes after the last track", "tolerate", valid() + random.Random(3).randbytes(1000), 40)
    yield HostileFile("one byte after the last track", "tolerate", valid() + b"\x00", 40)
    yield HostileFile("empty track", "tolerate", midi(chunk(b"MTrk", b""), track(NOTE)), 1)
    yield HostileFile("no end of track", "tolerate", midi(track(FOUR, end=b"")), 4)
    yield HostileFile("no notes", "tolerate", midi(track(b"")), 0)
    yield HostileFile("track of 4 GiB", "tolerate", midi(b"MTrk\xff\xff\xff\xff" + FOUR), 4)
    yield HostileFile("track longer than the file", "tolerate", midi(b"MTrk\x00\x00\x01\x00" + FOUR), 4)
    yield HostileFile("track shorter than its events", "tolerate", midi(b"MTrk\x00\x00\x00\x04" + FOUR + END), 4)
    yield HostileFile(
        "track that takes the next for its own", "tolerate", midi(b"MTrk\x00\x00\x01\x00" + FOUR + END + track(FOUR)), 8
    )
    yield HostileFile("events after the end of track", "either", midi(track(NOTE + END + NOTE)))
    yield HostileFile("RIFF", "tolerate", rmid(valid()), 40)
    yield HostileFile("RIFF of 4 GiB", "tolerate", rmid(valid(), length=0xFFFFFFFF), 40)
    whole = valid()
    for cut in range(1, len(whole), 7):
        yield HostileFile(f"cut at {cut}", "reject" if cut < 22 else "either", whole[:cut])


def _events() -> Iterator[HostileFile]:
    yield HostileFile(
        "running status", "tolerate", midi(track(b"\x00\x90\x3c\x40\x60\x3c\x00\x00\x3e\x40\x60\x3e\x00")), 2
    )
    yield HostileFile("running status with none set", "reject", midi(track(b"\x00\x3c\x40")))
    yield HostileFile("note that never ends", "tolerate", midi(track(NOTE + b"\x00\x90\x40\x40")), 2)
    yield HostileFile("end without a note", "tolerate", midi(track(b"\x00\x80\x3c\x40" + NOTE)), 1)
    yield HostileFile("note of no length", "tolerate", midi(track(b"\x00\x90\x3c\x40\x00\x80\x3c\x40")), 1)
    yield HostileFile(
        "same note twice at once", "tolerate", midi(track(b"\x00\x90\x3c\x40" * 2 + b"\x60\x80\x3c\x40" * 2)), 2
    )
    yield HostileFile("pitch 188", "tolerate", midi(track(b"\x00\x90\xbc\x40")), 1)
    yield HostileFile("velocity 200", "tolerate", midi(track(b"\x00\x90\x3c\xc8\x60\x80\x3c\x40")), 1)
    yield HostileFile("program 168", "tolerate", midi(track(b"\x00\xc0\xa8" + NOTE)), 1)
    yield HostileFile("controller 200", "tolerate", midi(track(b"\x00\xb0\x07\xc8" + NOTE)), 1)
    yield HostileFile("real-time bytes", "tolerate", midi(track(b"\x00\xf8" + NOTE + b"\x00\xfe")), 1)
    yield HostileFile("undefined status", "either", midi(track(b"\x00\xf4" + NOTE)))
    yield HostileFile("sysex", "tolerate", midi(track(b"\x00\xf0\x05\x43\x12\x00\x07\xf7" + NOTE)), 1)
    yield HostileFile("sysex without its end", "tolerate", midi(track(b"\x00\xf0\x03\x43\x12\x00" + NOTE)), 1)
    yield HostileFile(
        "sysex in packets", "tolerate", midi(track(b"\x00\xf0\x02\x43\x12\x10\xf7\x02\x00\xf7" + NOTE)), 1
    )
    yield HostileFile("sysex of 256 MiB", "either", midi(track(b"\x00\xf0\xff\xff\xff\x7f" + NOTE)))
    yield HostileFile("sysex past the end", "either", midi(track(b"\x00\xf0\x7f\x43", end=b"")))
    yield HostileFile("delta of five bytes", "either", midi(track(b"\x81\x80\x80\x80" + NOTE)))
    yield HostileFile("delta in more bytes than needed", "tolerate", midi(track(b"\x80\x80" + NOTE)), 1)
    yield HostileFile("delta cut off", "either", midi(track(NOTE + b"\x83", end=b"")))
    longest = quantity(2**28 - 1)
    yield HostileFile("a piece of 77 hours", "reject", midi(track(longest + b"\x90\x3c\x40\x60\x80\x3c\x40")))
    yield HostileFile("a piece of centuries", "reject", midi(track((longest + NOTE[1:]) * 5), division=1))
    around = (longest + b"\x90\x3c\x40" + longest + b"\x80\x3c\x40") * 10
    yield HostileFile("ticks past 32 bits", "reject", midi(track(around)))
    yield HostileFile(
        "ticks once around 32 bits", "reject", midi(track((longest + b"\xb0\x07\x40") * 16 + quantity(16) + NOTE[1:]))
    )
    slow = (quantity(2**21 - 1) + b"\xb0\x07\x40") * 2100 + NOTE
    yield HostileFile("ticks around 32 bits in small steps", "reject", midi(track(slow)))

    yield HostileFile("67 million bars in 268 seconds", "reject", long_in_few_bytes())
    yield HostileFile("24 million bars at the finest resolution", "reject", long_in_few_bytes(32767, beats=1, power=4))
    yield HostileFile("16 million quarters in bars of 64 whole notes", "reject", long_in_few_bytes(16, beats=64))


def long_in_few_bytes(division: int = 1, *, beats: int = 4, power: int = 0) -> bytes:
    """A piece of 2^28 ticks, and of a few minutes: a microsecond a quarter note."""
    changes = meta(0x51, b"\x00\x00\x01") + meta(0x58, bytes([beats, power, 24, 8]))
    far = b"".join(quantity(2**28 - 1) + b"\x90\x3c\x40\x01\x80\x3c\x40" for _ in range(7 if division > 10**4 else 1))
    return midi(track(changes), track(far), division=division)


def _metas() -> Iterator[HostileFile]:
    for name, kind, payload in (
        ("tempo of 1 us", 0x51, b"\x00\x00\x01"),
        ("tempo of 0 us", 0x51, b"\x00\x00\x00"),
        ("slowest tempo", 0x51, b"\xff\xff\xff"),
        ("tempo of 2 bytes", 0x51, b"\x07\xa1"),
        ("tempo of 4 bytes", 0x51, b"\x07\xa1\x20\x00"),
        ("metre 0/1", 0x58, b"\x00\x00\x18\x08"),
        ("metre over 2^255", 0x58, b"\x04\xff\x18\x08"),
        ("metre 255/1", 0x58, b"\xff\x00\x18\x08"),
        ("metre of 2 bytes", 0x58, b"\x04\x02"),
        ("key of 100 sharps", 0x59, b"\x64\x00"),
        ("key of an unknown mode", 0x59, b"\x00\x07"),
        ("key of 1 byte", 0x59, b"\x00"),
        ("name in Latin 1", 0x03, "Flöte".encode("latin-1")),
        ("name in Shift JIS", 0x03, "ピアノ".encode("shift-jis")),
        ("name with zeros", 0x03, b"Pi\x00ano"),
        ("lyric in Latin 1", 0x05, "où".encode("latin-1")),
        ("empty name", 0x03, b""),
        ("long name", 0x03, b"n" * 100_000),
        ("port", 0x21, b"\xff"),
        ("sequencer specific", 0x7F, bytes(300)),
        ("unknown", 0x6A, b"\x01\x02\x03"),
    ):
        yield HostileFile(
            name, "either" if "bytes" in name or "byte" in name else "tolerate", midi(track(meta(kind, payload) + NOTE))
        )
    yield HostileFile("text of 256 MiB", "either", midi(track(b"\x00\xff\x01\xff\xff\xff\x7f" + NOTE)))
    yield HostileFile(
        "running status after a text", "either", midi(track(b"\x00\x90\x3c\x40" + meta(1, b"x") + b"\x60\x3c\x00"))
    )


def _floods() -> Iterator[HostileFile]:
    yield HostileFile("200,000 notes", "tolerate", midi(track(b"\x00\x90\x3c\x40\x01\x80\x3c\x40" * 200_000)), 200_000)
    yield HostileFile("260,000 notes", "reject", midi(track(b"\x00\x90\x3c\x40\x01\x80\x3c\x40" * 260_000)))
    yield HostileFile("100,000 tempi", "either", midi(track(meta(0x51, b"\x07\xa1\x20", 1) * 100_000 + NOTE)))
    yield HostileFile("300,000 tempi", "reject", midi(track(meta(0x51, b"\x07\xa1\x20", 1) * 300_000 + NOTE)))
    yield HostileFile("2 MB of text", "either", midi(track(meta(1, b"t" * 125) * 16_000)))
    yield HostileFile("300,000 lyrics", "reject", midi(track(NOTE + meta(5, b"la", 1) * 300_000)))
    yield HostileFile("200,000 controllers", "tolerate", midi(track(b"\x01\xb0\x07\x40" * 200_000 + NOTE)), 1)
    yield HostileFile("200,000 pitch bends", "tolerate", midi(track(b"\x01\xe0\x00\x40" * 200_000 + NOTE)), 1)
    yield HostileFile(
        "100,000 notes at once", "either", midi(track(b"\x00\x90\x3c\x40" * 100_000 + b"\x01\x80\x3c\x40" * 100_000))
    )
    yield HostileFile("65,535 tracks", "reject", midi(*[track(b"")] * 65_535))
    changes = [(channel, program) for channel in range(16) for program in range(128)]
    played = [bytes([0, 0xC0 | c, p, 0, 0x90 | c, 60, 64, 1, 0x80 | c, 60, 0]) for c, p in changes]
    yield HostileFile("2,048 instruments in one track", "reject", midi(track(b"".join(played))))
    yield HostileFile("9 MB", "reject", midi(track(b"\x01\xb0\x07\x40" * 2_250_000)))
