"""Read a SoundFont file (.sf2, .sf3) and cut out of it what a part needs: one preset, and the samples of its notes.

A General MIDI font is tens to hundreds of megabytes and takes seconds to decode, of which a song needs a few percent.
"""

import io
import mmap
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from bandmate_shared.errors import UnreadableFile

_RECORDS = {"phdr": 38, "pbag": 4, "pmod": 10, "pgen": 4, "inst": 22, "ibag": 4, "imod": 10, "igen": 4, "shdr": 46}
"""The lists of a font and the bytes of their records, in the order of the format."""
_KEY_RANGE, _VELOCITY_RANGE, _INSTRUMENT, _SAMPLE = 43, 44, 41, 53
_OGG = 0x10
"""The bit of a sample's type that says that it is compressed (.sf3)."""
_PADDING = 46
"""Zero samples that the format asks for behind each sample."""


@dataclass(frozen=True, slots=True)
class _Zone:
    """A range of keys and velocities: its generators and modulators as bytes, the instrument or sample it names."""

    keys: range
    velocities: range
    generators: bytes
    modulators: bytes
    target: int | None

    def has(self, notes: Iterable[tuple[int, int]]) -> bool:
        return any(pitch in self.keys and velocity in self.velocities for pitch, velocity in notes)


class SoundfontFile:
    """A font on disk, of which only the lists are in memory.

    Raises:
        UnreadableFile: it is not a SoundFont.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with path.open("rb") as file:
                self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self._samples, self._lists = _chunks(self._data)
            self._presets = {
                (bank, program): index
                for index in range(self._count("phdr") - 1)
                for program, bank in [struct.unpack_from("<HH", self._record("phdr", index), 20)]
            }
        except (OSError, ValueError, KeyError, struct.error) as error:
            raise UnreadableFile(f"{path} is not a soundfont that can be read: {error}") from error

    @property
    def presets(self) -> frozenset[tuple[int, int]]:
        """(bank, program) of each preset; bank 128 is the drums'."""
        return frozenset(self._presets)

    def preset(self, bank: int, program: int, notes: Iterable[tuple[int, int]]) -> bytes:
        """A SoundFont of this preset alone, uncompressed, with the samples that these (pitch, velocity) need.

        Raises:
            UnreadableFile: the font is damaged.
        """
        try:
            return self._cut_out(bank, program, sorted(set(notes)))
        except (ValueError, IndexError, struct.error, RuntimeError) as error:
            raise UnreadableFile(f"{self._path}: the preset {bank}:{program} cannot be read: {error}") from error

    def _cut_out(self, bank: int, program: int, notes: list[tuple[int, int]]) -> bytes:
        index = self._presets[bank, program]
        preset_zones = [zone for zone in self._zones("phdr", index, "p", _INSTRUMENT) if zone.has(notes)]
        instruments = sorted({zone.target for zone in preset_zones if zone.target is not None})
        zones = {
            number: [zone for zone in self._zones("inst", number, "i", _SAMPLE) if zone.has(notes)]
            for number in instruments
        }
        samples = sorted({zone.target for each in zones.values() for zone in each if zone.target is not None})
        sound, headers = self._sound(samples)
        lists = {name: bytearray() for name in _RECORDS}
        _add(lists, "p", self._record("phdr", index), 24, preset_zones, {n: i for i, n in enumerate(instruments)})
        for number in instruments:
            _add(lists, "i", self._record("inst", number), 20, zones[number], {n: i for i, n in enumerate(samples)})
        _end(lists, "p", b"EOP".ljust(24, b"\0"), bytes(12))
        _end(lists, "i", b"EOI".ljust(20, b"\0"), b"")
        lists["shdr"] += headers + b"EOS".ljust(46, b"\0")
        details = _chunk(b"ifil", struct.pack("<HH", 2, 1)) + _chunk(b"INAM", b"cut out\0")
        body = b"".join(_chunk(name.encode(), bytes(lists[name])) for name in _RECORDS)
        return _chunk(
            b"RIFF",
            b"sfbk"
            + _chunk(b"LIST", b"INFO" + details)
            + _chunk(b"LIST", b"sdta" + _chunk(b"smpl", sound))
            + _chunk(b"LIST", b"pdta" + body),
        )

    def _count(self, name: str) -> int:
        start, end = self._lists[name]
        return (end - start) // _RECORDS[name]

    def _record(self, name: str, index: int) -> bytes:
        size = _RECORDS[name]
        start, end = self._lists[name]
        at = start + index * size
        if not start <= at <= end - size:
            raise IndexError(f"there is no record {index} of {name}")
        return self._data[at : at + size]

    def _zones(self, owner: str, index: int, kind: str, target: int) -> list[_Zone]:
        """The zones of a preset or an instrument; one without a target holds for all of them."""
        at = 24 if owner == "phdr" else 20
        first, last = (struct.unpack_from("<H", self._record(owner, index + step), at)[0] for step in (0, 1))
        return [self._zone(kind, number, target) for number in range(first, last)]

    def _zone(self, kind: str, number: int, target: int) -> _Zone:
        (first, first_modulator), (last, last_modulator) = (
            struct.unpack("<HH", self._record(f"{kind}bag", number + step)) for step in (0, 1)
        )
        generators = [self._record(f"{kind}gen", item) for item in range(first, last)]
        modulators = [self._record(f"{kind}mod", item) for item in range(first_modulator, last_modulator)]
        amounts = dict(struct.unpack("<HH", generator) for generator in generators)
        keys, velocities = (
            range(amount & 255, (amount >> 8) + 1)
            for amount in (amounts.get(operator, 127 << 8) for operator in (_KEY_RANGE, _VELOCITY_RANGE))
        )
        return _Zone(keys, velocities, b"".join(generators), b"".join(modulators), amounts.get(target))

    def _sound(self, samples: list[int]) -> tuple[bytes, bytes]:
        """The samples one after the other, 16 bit, and their headers."""
        pieces, headers, position = [], [], 0
        for number in samples:
            header = bytearray(self._record("shdr", number))
            start, end, loop, loop_end, rate = struct.unpack_from("<5I", header, 20)
            kind = struct.unpack_from("<H", header, 44)[0]
            if kind & _OGG:
                sound, rate = _decoded(self._data[self._samples + start : self._samples + end])
            else:
                sound = self._data[self._samples + 2 * start : self._samples + 2 * end]
                loop, loop_end = loop - start, loop_end - start
            count = len(sound) // 2
            struct.pack_into("<5I", header, 20, position, position + count, position + loop, position + loop_end, rate)
            struct.pack_into("<HH", header, 42, 0, 1)  # No link: each channel is a zone of its own.
            pieces.append(sound + bytes(2 * _PADDING))
            headers.append(bytes(header))
            position += count + _PADDING
        return b"".join(pieces) or bytes(2 * _PADDING), b"".join(headers)


def _decoded(ogg: bytes) -> tuple[bytes, int]:
    """An Ogg Vorbis stream as 16-bit samples, and its rate."""
    samples, rate = soundfile.read(io.BytesIO(ogg), dtype="int16", always_2d=True)
    return np.ascontiguousarray(samples[:, 0]).astype("<i2").tobytes(), int(rate)


def _add(
    lists: dict[str, bytearray], kind: str, record: bytes, bag_at: int, zones: list[_Zone], numbers: dict[int, int]
) -> None:
    """Append a preset or instrument with its zones; what they name gets its new number."""
    changed = bytearray(record)
    struct.pack_into("<H", changed, bag_at, len(lists[f"{kind}bag"]) // 4)
    lists["phdr" if kind == "p" else "inst"] += changed
    for zone in zones:
        generators = zone.generators
        if zone.target is not None:  # It is the last generator of a zone.
            generators = generators[:-2] + struct.pack("<H", numbers[zone.target])
        lists[f"{kind}bag"] += struct.pack("<HH", len(lists[f"{kind}gen"]) // 4, len(lists[f"{kind}mod"]) // 10)
        lists[f"{kind}gen"] += generators
        lists[f"{kind}mod"] += zone.modulators


def _end(lists: dict[str, bytearray], kind: str, name: bytes, rest: bytes) -> None:
    """Append the records that end the lists of presets or instruments."""
    lists["phdr" if kind == "p" else "inst"] += name + struct.pack("<H", len(lists[f"{kind}bag"]) // 4) + rest
    lists[f"{kind}bag"] += struct.pack("<HH", len(lists[f"{kind}gen"]) // 4, len(lists[f"{kind}mod"]) // 10)
    lists[f"{kind}gen"] += bytes(4)
    lists[f"{kind}mod"] += bytes(10)


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) & 1)


def _chunks(data: mmap.mmap) -> tuple[int, dict[str, tuple[int, int]]]:
    """Where the samples begin, and (start, end) of each list.

    Raises:
        ValueError: it is not a SoundFont.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"sfbk":
        raise ValueError("it does not begin as one")
    samples, lists, position = None, {}, 12
    while position + 12 <= len(data):
        name, size = data[position : position + 4], struct.unpack_from("<I", data, position + 4)[0]
        if name == b"LIST" and data[position + 8 : position + 12] in (b"sdta", b"pdta"):
            position += 12  # Its chunks come next.
            continue
        if name == b"smpl":
            samples = position + 8
        elif name.decode("latin-1") in _RECORDS:
            lists[name.decode("latin-1")] = (position + 8, min(len(data), position + 8 + size))
        position += 8 + size
        if size & 1 and data[position : position + 4] != b"LIST":  # Some fonts leave the padding out.
            position += 1
    if samples is None or set(lists) != set(_RECORDS):
        raise ValueError("it lacks samples or lists")
    return samples, lists
