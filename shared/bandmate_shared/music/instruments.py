"""Instruments as people name them: General MIDI's 128 names, everyday ones, 'drums'; and what each can play."""

import difflib
import re
from dataclasses import dataclass
from functools import cache

from bandmate_shared.music.gm import PROGRAM_NAMES


@dataclass(frozen=True, slots=True)
class Instrument:
    """A General MIDI program (0-based), or the drum kit."""

    name: str
    program: int
    is_drum: bool = False
    is_voice: bool = False


DRUMS = Instrument("Drums", 0, is_drum=True)

_EVERYDAY: dict[str, int] = {
    "piano": 0, "grand piano": 0, "acoustic piano": 0, "keyboard": 0, "keys": 0, "upright piano": 1,
    "electric piano": 4, "rhodes": 4, "wurlitzer": 4, "e piano": 4, "cembalo": 6, "clavinet": 7, "clav": 7,
    "bells": 14, "vibes": 11, "organ": 16, "hammond": 16, "hammond organ": 16, "pipe organ": 19,
    "harmonium": 20, "guitar": 25, "acoustic guitar": 25, "steel guitar": 25, "steel string guitar": 25,
    "nylon guitar": 24, "classical guitar": 24, "spanish guitar": 24, "ukulele": 24, "jazz guitar": 26,
    "electric guitar": 27, "clean guitar": 27, "overdrive guitar": 29, "distorted guitar": 30, "rock guitar": 30,
    "lead guitar": 29, "rhythm guitar": 27, "bass": 33, "bass guitar": 33, "electric bass": 33, "e bass": 33,
    "finger bass": 33, "pick bass": 34, "acoustic bass": 32, "upright bass": 32, "double bass": 32,
    "contrabass": 43, "slap bass": 36, "synth bass": 38, "violin": 40, "violins": 48, "viola": 41, "cello": 42,
    "violoncello": 42, "harp": 46, "strings": 48, "string section": 48, "orchestra strings": 48, "pizzicato": 45,
    "synth strings": 50, "choir": 52, "voice": 52, "vocals": 52, "voices": 52, "singer": 52, "chorus": 52, "oohs": 53,
    "trumpet": 56, "cornet": 56, "flugelhorn": 56, "trombone": 57, "tuba": 58, "horn": 60, "horns": 61, "brass": 61,
    "saxophone": 65, "sax": 65, "alto saxophone": 65, "soprano saxophone": 64, "tenor saxophone": 66,
    "baritone saxophone": 67, "cor anglais": 69, "flute": 73, "recorder": 74, "panpipes": 75, "tin whistle": 78,
    "whistle": 78, "synth": 80, "synth lead": 81, "lead": 81, "synthesizer": 81, "synthesiser": 81, "synth pad": 88,
    "pad": 88, "mandolin": 25, "accordion": 21, "bandoneon": 23, "harmonica": 22, "banjo": 105,
    "bagpipes": 109, "steelpan": 114, "steel drum": 114, "steel pan": 114,
}  # fmt: skip
"""Everyday names → programs. Where one name could mean several, the one heard most often."""

_DRUM_NAMES = frozenset({"drums", "drum", "drum kit", "drumkit", "drum set", "drumset", "percussion", "kit"})

_RANGES: tuple[tuple[int, int, int], ...] = (
    (7, 28, 96), (8, 60, 108), (9, 72, 103), (10, 60, 96), (11, 53, 89), (12, 45, 96), (13, 65, 103), (14, 60, 77),
    (15, 53, 86), (20, 36, 96), (23, 53, 89), (24, 40, 76), (31, 40, 84), (39, 28, 55), (40, 55, 96), (41, 48, 84),
    (42, 36, 72), (43, 28, 55), (44, 40, 88), (45, 40, 84), (46, 31, 96), (47, 40, 57), (51, 40, 88), (54, 52, 79),
    (55, 48, 84), (56, 54, 82), (57, 40, 70), (58, 29, 55), (59, 54, 82), (60, 41, 72), (63, 40, 82), (64, 56, 87),
    (65, 49, 80), (66, 44, 75), (67, 37, 68), (68, 58, 91), (69, 52, 81), (70, 34, 69), (71, 50, 86), (72, 74, 108),
    (73, 60, 91), (74, 60, 91), (79, 60, 91), (87, 48, 91), (103, 40, 88), (104, 48, 77), (105, 48, 79), (108, 48, 84),
    (109, 58, 77), (111, 55, 91), (119, 48, 84), (127, 48, 84),
)  # fmt: skip
"""(last program, lowest, highest pitch): where each plays well. After Adler, The Study of Orchestration."""

_ONE_NOTE = frozenset((*range(32, 40), *range(56, 61), *range(64, 80), 109, 111))
"""Basses and winds: one note at a time."""

_SQUEEZE = re.compile(r"[^a-z0-9+]+")


def parse_instrument(text: str) -> Instrument:
    """The instrument of that name, in whatever case and punctuation.

    Raises:
        ValueError: there is none; the message lists the nearest names.
    """
    asked = _squeezed(text)
    if asked in _DRUM_NAMES:
        return DRUMS
    program = _names().get(asked)
    if program is None and asked.endswith("s"):
        program = _names().get(asked[:-1])
    if program is None:
        raise ValueError(f"unknown instrument {text!r}; {_nearest(asked)}")
    return Instrument(PROGRAM_NAMES[program], program, is_voice=52 <= program <= 54)


def playing_range(program: int) -> tuple[int, int]:
    """Lowest and highest pitch at which the instrument sounds like itself."""
    return next((low, high) for last, low, high in _RANGES if program <= last)


def plays_one_note(program: int) -> bool:
    """Whether the instrument plays one note at a time."""
    return program in _ONE_NOTE


def _nearest(asked: str) -> str:
    known = [*_names(), *_DRUM_NAMES]
    near = difflib.get_close_matches(asked, known, n=4, cutoff=0.6)
    words = set(asked.split())
    near += [name for name in known if name not in near and words & set(name.split())][: 4 - len(near)]
    shown = list(dict.fromkeys(_shown(name) for name in near))
    if shown:
        return f"near it are {', '.join(shown)}"
    return "name a General MIDI instrument, such as 'Violin' or 'guitar', or 'drums'"


def _shown(name: str) -> str:
    return next((official for official in PROGRAM_NAMES if _squeezed(official) == name), name)


@cache
def _names() -> dict[str, int]:
    """Every name in its plainest form."""
    official = {_squeezed(name): program for program, name in enumerate(PROGRAM_NAMES)}
    return {**official, **_EVERYDAY}


def _squeezed(text: str) -> str:
    return _SQUEEZE.sub(" ", text.lower()).strip()
