"""Which channels are rhythm parts: General MIDI's channel 10, and what GS, XG and GM2 messages make of others.

Sources: Roland SC-88 owner's manual (GS, "use for rhythm part", 40 1x 15), Yamaha XG specification (bank MSB 126 and
127, part mode 08 pp 07), General MIDI 2 (bank MSB 120).
"""

import re
from collections.abc import Iterator

RHYTHM_BANKS = frozenset((120, 126, 127))
"""Bank MSB: GM2 rhythm, XG sound-effect kits, XG drum kits."""
_GS_PART = re.compile(rb"\x41.\x42\x12\x40([\x10-\x1f])\x15(.)", re.DOTALL)
_XG_PART = re.compile(rb"\x43[\x10-\x1f]\x4c\x08([\x00-\x0f])\x07(.)", re.DOTALL)
_DRUM_NAME = re.compile(
    rb"""\b(drums?|drum\ ?(kit|set|track|machine)|(standard|rock|room|power|jazz|brush|pop|rap)(\ drum)?\ ?kit
    |percussions?|perc|schlagzeug|drumset|batterie|bater[^\s]{1,2}a|batteria|perkus[a-z]*|hi-?hats?|snare(\ drum)?
    |(bass|kick)\ ?drum|kick|cymbals?|toms?|trommeln?|trumm?or|slagverk|rumm?ut|b[^\s]{1,2}bny)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_PITCHED_NAME = re.compile(
    rb"steel ?drum|timpani|pauken|melodic|taiko|kalimba|xylo|vibra|marimba|glocken|synth", re.IGNORECASE
)
_LOWEST, _HIGHEST = 27, 87
"""The pitches of drums on a GM2 standard kit."""


def is_drum_name(name: bytes) -> bool:
    """Whether a track of this name plays drums, in the usual languages."""
    return _DRUM_NAME.search(name) is not None and _PITCHED_NAME.search(name) is None


def is_drum_pitch(pitch: int) -> bool:
    """Whether a standard drum kit has a drum there."""
    return _LOWEST <= pitch <= _HIGHEST


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
