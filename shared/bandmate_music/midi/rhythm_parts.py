"""Which channels are rhythm parts: General MIDI's channel 10, and what GS, XG and GM2 messages make of others.

Sources: Roland SC-88 owner's manual (GS, "use for rhythm part", 40 1x 15), Yamaha XG specification (bank MSB 126 and
127, part mode 08 pp 07), General MIDI 2 (bank MSB 120 for rhythm, 121 for melody).
"""

import re
from collections.abc import Iterator
from typing import Literal

System = Literal["", "gm", "gm2", "gs", "xg"]
"""What a file says it is made for; "" where it says nothing."""
RHYTHM_BANKS = frozenset((120, 126, 127))
"""Bank MSB: GM2 rhythm, XG sound-effect kits, XG drum kits."""
MELODY_BANK = 121
"""Bank MSB of GM2's melodic sounds, on channel 10 too."""
_RHYTHM_BANKS_OF: dict[System, frozenset[int]] = {
    "": RHYTHM_BANKS,
    "gm": RHYTHM_BANKS,
    "gm2": frozenset((120,)),
    "gs": frozenset(),  # There 126 and 127 hold the sounds of the MT-32.
    "xg": frozenset((126, 127)),
}
_RESETS: tuple[tuple[System, re.Pattern[bytes]], ...] = (
    ("gm", re.compile(rb"\x7e.\x09\x01", re.DOTALL)),
    ("gm2", re.compile(rb"\x7e.\x09\x03", re.DOTALL)),
    ("gs", re.compile(rb"\x41.\x42\x12[\x00\x40]\x00\x7f[\x00\x01]", re.DOTALL)),
    ("xg", re.compile(rb"\x43[\x10-\x1f]\x4c\x00\x00\x7e\x00", re.DOTALL)),
)
_GS_PART = re.compile(rb"\x41.\x42\x12\x40([\x10-\x1f])\x15(.)", re.DOTALL)
_XG_PART = re.compile(rb"\x43[\x10-\x1f]\x4c\x08([\x00-\x0f])\x07(.)", re.DOTALL)


def changes_rhythm_part(message: bytes) -> bool:
    """Whether a system-exclusive message makes a channel a rhythm part that is none, or the other way round."""
    return any(is_rhythm != (channel == 9) for channel, is_rhythm in rhythm_changes(message))


def rhythm_changes(message: bytes) -> Iterator[tuple[int, bool]]:
    """Channel (0-15) and whether it is a rhythm part from now on, for each part that the message speaks of."""
    for part, mode in _GS_PART.findall(message):
        block = part[0] & 15
        yield (9 if block == 0 else block - 1 if block < 10 else block), mode[0] > 0
    for part, mode in _XG_PART.findall(message):
        yield part[0], mode[0] > 0


def reset_to(message: bytes) -> System:
    """The system that a system-exclusive message resets all channels to; "" where it does no such thing."""
    return next((system for system, pattern in _RESETS if pattern.search(message)), "")


def is_rhythm_bank(bank: int, channel: int, system: System) -> bool:
    """Whether a channel that plays from a bank (MSB) is a rhythm part."""
    if channel == 9:
        return bank != MELODY_BANK or system in ("gs", "xg")
    return bank in _RHYTHM_BANKS_OF[system]
