"""Parses instrument names (General MIDI's, everyday ones, 'drums') and gives each instrument's pitch range."""

import difflib
import re
from dataclasses import dataclass
from functools import cache

from bandmate_music.general_midi import PROGRAM_NAMES


@dataclass(frozen=True, slots=True)
class Instrument:
    """A General MIDI program (0-based), or the drum kit."""

    name: str
    program: int
    is_drum: bool = False
    is_voice: bool = False


DRUMS = Instrument("Drums", 0, is_drum=True)

_EVERYDAY = """
0: piano, grand piano, acoustic piano, keyboard, keys; 1: upright piano;
4: electric piano, rhodes, wurlitzer, e piano; 6: cembalo; 7: clavinet, clav; 11: vibes; 14: bells;
16: organ, hammond, hammond organ; 19: pipe organ; 20: harmonium; 21: accordion; 22: harmonica; 23: bandoneon;
24: nylon guitar, classical guitar, spanish guitar, ukulele;
25: guitar, acoustic guitar, steel guitar, steel string guitar, mandolin; 26: jazz guitar;
27: electric guitar, clean guitar, rhythm guitar; 29: overdrive guitar, lead guitar;
30: distorted guitar, rock guitar; 32: acoustic bass, upright bass, double bass;
33: bass, bass guitar, electric bass, e bass, finger bass; 34: pick bass; 36: slap bass; 38: synth bass;
40: violin; 41: viola; 42: cello, violoncello; 43: contrabass; 45: pizzicato; 46: harp;
48: violins, strings, string section, orchestra strings; 50: synth strings;
52: choir, voice, vocals, voices, singer, chorus; 53: oohs; 56: trumpet, cornet, flugelhorn; 57: trombone;
58: tuba; 60: horn; 61: horns, brass; 64: soprano saxophone; 65: saxophone, sax, alto saxophone;
66: tenor saxophone; 67: baritone saxophone; 69: cor anglais; 73: flute; 74: recorder; 75: panpipes;
78: tin whistle, whistle; 80: synth; 81: synth lead, lead, synthesizer, synthesiser; 88: synth pad, pad;
105: banjo; 109: bagpipes; 114: steelpan, steel drum, steel pan
"""
"""Programs and their everyday names. A name that could mean several stands with the one heard most often."""

_DRUM_NAMES = frozenset({"drums", "drum", "drum kit", "drumkit", "drum set", "drumset", "percussion", "kit"})

_RANGES_TEXT = """
7:28-96 8:60-108 9:72-103 10:60-96 11:53-89 12:45-96 13:65-103 14:60-77 15:53-86 20:36-96 23:53-89 24:40-76 31:40-84
39:28-55 40:55-96 41:48-84 42:36-72 43:28-55 44:40-88 45:40-84 46:31-96 47:40-57 51:40-88 54:52-79 55:48-84 56:54-82
57:40-70 58:29-55 59:54-82 60:41-72 63:40-82 64:56-87 65:49-80 66:44-75 67:37-68 68:58-91 69:52-81 70:34-69 71:50-86
72:74-108 73:60-91 74:60-91 79:60-91 87:48-91 103:40-88 104:48-77 105:48-79 108:48-84 109:58-77 111:55-91 119:48-84
127:48-84
"""
_RANGES = [tuple(map(int, re.split("[:-]", entry))) for entry in _RANGES_TEXT.split()]
"""(last program, lowest, highest pitch): where each plays well. After Adler, The Study of Orchestration."""

BASS_PROGRAMS = frozenset((*range(32, 40), 43, 58))
"""Basses, the contrabass and the tuba."""

VOICE_PROGRAMS = range(52, 55)
"""Choir aahs, voice oohs, synth voice."""

_ONE_NOTE = frozenset((*range(32, 40), *range(56, 61), *range(64, 80), 109, 111))
"""Basses and winds: one note at a time."""

_SQUEEZE = re.compile(r"[^a-z0-9+]+")


def parse_instrument(text: str) -> Instrument:
    """The instrument of that name, in whatever case and punctuation.

    Raises:
        ValueError: there is none; the message lists the nearest names.
    """
    key = _squeezed(text)
    if key in _DRUM_NAMES:
        return DRUMS
    program = _names().get(key)
    if program is None and key.endswith("s"):
        program = _names().get(key[:-1])
    if program is None:
        raise ValueError(f"unknown instrument {text!r}; {_nearest(key)}")
    return Instrument(PROGRAM_NAMES[program], program, is_voice=program in VOICE_PROGRAMS)


def other_names(program: int | None) -> list[str]:
    """The everyday names of a program, of the drums for None."""
    if program is None:
        return sorted(_DRUM_NAMES)
    own = _squeezed(PROGRAM_NAMES[program])
    return [name for name, named in _names().items() if named == program and name != own]


def instrument_names() -> tuple[str, ...]:
    """Every name by which an instrument may be called, in lower case, without effects such as rain and gunshots."""
    effects = {_squeezed(name) for name in (*PROGRAM_NAMES[96:104], *PROGRAM_NAMES[120:])}
    return tuple(name for name in (*_names(), *sorted(_DRUM_NAMES)) if name not in effects)


def playing_range(program: int) -> tuple[int, int]:
    """Lowest and highest pitch at which the instrument sounds like itself."""
    return next((low, high) for last, low, high in _RANGES if program <= last)


def plays_one_note(program: int) -> bool:
    """Whether the instrument plays one note at a time."""
    return program in _ONE_NOTE


def _nearest(key: str) -> str:
    known = [*_names(), *_DRUM_NAMES]
    near = difflib.get_close_matches(key, known, n=4, cutoff=0.6)
    words = set(key.split())
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
    entries = (entry.split(":") for entry in _EVERYDAY.replace("\n", " ").split(";"))
    everyday = {name.strip(): int(program) for program, names in entries for name in names.split(",")}
    return {**official, **everyday}


def _squeezed(text: str) -> str:
    return _SQUEEZE.sub(" ", text.lower()).strip()
