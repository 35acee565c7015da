"""What is done to each part before it is mixed: equaliser, compressor, saturation; by its role and instrument."""

from dataclasses import dataclass

from bandmate_generate.audio.equaliser import Bell, Cut, Equaliser, Shelf
from bandmate_generate.planning.styles import StylePart


@dataclass(frozen=True, slots=True)
class Strip:
    """`depth` is how far below a part's loud level its compressor begins, in dB; times in seconds.

    `drive` is the gain in dB into a soft clipper, None for none.
    """

    equaliser: Equaliser
    ratio: float = 1.5
    depth: float = 4.0
    attack: float = 0.02
    release: float = 0.15
    drive: float | None = None


_KEYS, _GUITARS, _DISTORTED, _STRINGS, _WINDS = range(8), range(24, 29), (29, 30), range(40, 56), range(56, 80)
_LOWEST_CUT_HZ, _HIGHEST_CUT_HZ = 30.0, 120.0


def strip_of(part: StylePart) -> Strip:
    """The strip of a part."""
    if part.is_drum or part.role == "drums":
        return Strip(
            (Cut(30.0), Bell(380.0, -2.5), Bell(3500.0, 1.5), Shelf(9000.0, 2.0)), 2.5, 7.0, attack=0.012, release=0.1
        )
    if part.role == "bass":
        return Strip((Cut(32.0, 7000.0), Bell(260.0, -2.0), Bell(900.0, 1.5)), 3.0, 8.0, attack=0.02, release=0.16)
    cut = min(_HIGHEST_CUT_HZ, max(_LOWEST_CUT_HZ, 0.7 * 440.0 * 2.0 ** ((part.low - 69) / 12.0)))
    tone = _tone(part.program)
    if part.program in _DISTORTED:  # A cabinet: nothing lies above its speaker.
        return Strip((Cut(max(cut, 75.0), 5200.0), Cut(None, 7000.0), *tone), 1.8, 5.0, drive=9.0)
    if part.role == "melody":
        return Strip((Cut(cut), *tone, Bell(3000.0, 1.5)), 2.0, 6.0, attack=0.015, release=0.18)
    return Strip((Cut(cut), *tone), 1.8 if part.program in (*_KEYS, *_GUITARS) else 1.4)


def _tone(program: int) -> Equaliser:
    if program in _KEYS:
        return (Bell(300.0, -1.5), Shelf(5000.0, 1.5))
    if program in _GUITARS:
        return (Bell(220.0, -2.0), Shelf(6000.0, 2.0))
    if program in _DISTORTED:
        return (Bell(400.0, -1.5), Bell(2500.0, 2.0))
    if program in _STRINGS:
        return (Shelf(6000.0, -1.0),)
    return (Bell(3000.0, 1.0),) if program in _WINDS else ()
