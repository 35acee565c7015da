"""Tells instruments, singers and drums by the names that people give to tracks and parts, in the usual languages.

`instruments` parses what a request asks for; this reads names as they stand in files: "E-Bass", "Violine 2", "Ténor",
"Ударные", "ドラム". Of several words in a name the earliest line of
`instrument_names.txt` holds: "Bass Clarinet" is no bass.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files
from itertools import chain
from typing import Literal, NamedTuple

Kind = Literal["instrument", "drums", "register", "singer", "voice", "bass"]
_ABBREVIATIONS = (
    "fl:73 ob:68 cl:71 klar:71 fg:70 bn:70 bsn:70 hn:60 hrn:60 cor:60 tpt:56 trp:56 tp:56 trpt:56 tbn:57 trb:57 pos:57 "
    "tba:58 vl:40 vln:40 vn:40 vno:40 va:41 vla:41 vc:42 vlc:42 vcl:42 cb:43 kb:43 db:43 pno:0 pf:0 klav:0 kl:0 git:25 "
    "gt:25 org:19 hp:46 hrf:46 dr:drums drs:drums hh:drums bd:drums sd:drums"
)
"""What a name of one short word means."""
_ASCII = str.maketrans({"ł": "l", "ø": "o", "æ": "ae", "œ": "oe", "đ": "d", "ð": "d", "ı": "i", "þ": "th"})
_BREAK = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[^\W\d_])(?=\d)")
_SEPARATORS = re.compile(r"[\W_]+")
_WIDE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
_BESIDE_TEXT = "low high hi lo open closed hand main top bottom left right solo track part line the l r i ii iii iv"
_BESIDE = frozenset(_BESIDE_TEXT.split())
"""Words that leave a name what it is."""
_SINGER_PROGRAM, _BASS_PROGRAM = 52, 33
_TEXT = files(__package__).joinpath("instrument_names.txt").read_text(encoding="utf-8")
"""Read with the module: files are read in processes that can open none."""


@dataclass(frozen=True, slots=True)
class NamedInstrument:
    """What a name says. `kind` "register" is a singer by register, "voice" one or any part, "bass" sung or played.

    `program`: of General MIDI, 0 for drums.
    """

    kind: Kind
    program: int

    @property
    def is_singer(self) -> bool:
        return self.kind in ("register", "singer", "voice")


def is_drum_name(name: str) -> bool:
    """Whether a track of this name plays drums."""
    found = named_instrument(name) if name else None
    return found is not None and found.kind == "drums"


@lru_cache(maxsize=4096)
def named_instrument(name: str) -> NamedInstrument | None:
    """What a track or a part of this name is; None where the name does not say."""
    plain = _plain(name[:128])
    words = plain.split()
    found = min(_matches(plain, words), default=None)
    if found is not None:
        return _named(found.meaning)
    core = [word for word in words if not word.isdigit() and word not in _BESIDE]
    short = _short_names().get(core[0]) if len(core) == 1 else None
    return None if short is None else _named(short)


def _named(meaning: str) -> NamedInstrument:
    match meaning:
        case "drums":
            return NamedInstrument("drums", 0)
        case "register" | "singer" | "voice":
            return NamedInstrument(meaning, _SINGER_PROGRAM)
        case "bass":
            return NamedInstrument("bass", _BASS_PROGRAM)
        case _:
            return NamedInstrument("instrument", int(meaning))


def _plain(name: str) -> str:
    """Words in lower case without accents, with one space between: 'E-Bass_2' → 'e bass 2', 'HiHat' → 'hi hat'."""
    if not name.isascii():
        name = unicodedata.normalize("NFKC", name)
    return _SEPARATORS.sub(" ", _without_accents(_BREAK.sub(" ", name).casefold())).strip()


def _without_accents(text: str) -> str:
    """Only the accents of alphabets go: the marks of kana are letters."""
    if text.isascii():
        return text
    kept = (char for char in unicodedata.normalize("NFD", text) if not "\u0300" <= char <= "\u036f")
    return unicodedata.normalize("NFC", "".join(kept)).translate(_ASCII)


class _Entry(NamedTuple):
    """A word or several of the table, by its place in it."""

    place: int
    meaning: str
    words: tuple[str, ...]


@dataclass(slots=True)
class _Table:
    """The table by how its entries are looked up."""

    exact: dict[str, _Entry] = field(default_factory=dict)
    prefixes: dict[str, _Entry] = field(default_factory=dict)
    suffixes: dict[str, _Entry] = field(default_factory=dict)
    inside: list[_Entry] = field(default_factory=list)
    wide: list[_Entry] = field(default_factory=list)
    """In scripts that put no spaces between words."""
    phrases: dict[str, list[_Entry]] = field(default_factory=dict)
    """By the two letters that the first word begins with."""
    names: dict[int, list[_Entry]] = field(default_factory=dict)
    """Those that count as the whole name, by their number of words."""


def _matches(plain: str, words: Sequence[str]) -> Iterator[_Entry]:
    table = _table()
    for number, word in enumerate(words):
        if word in table.exact:
            yield table.exact[word]
        for cut in range(1, len(word) + 1):
            if word[:cut] in table.prefixes:
                yield table.prefixes[word[:cut]]
            if word[-cut:] in table.suffixes:
                yield table.suffixes[word[-cut:]]
        yield from (entry for entry in table.inside if entry.words[0].strip("*") in word)
        for entry in (*table.phrases.get(word[:2], ()), *(table.phrases.get("#", ()) if word.isdigit() else ())):
            there = words[number : number + len(entry.words)]
            if len(there) == len(entry.words) and all(map(_fits, there, entry.words)):
                yield entry
    if _WIDE.search(plain):
        yield from (entry for entry in table.wide if entry.words[0] in plain)
    core = [word for word in words if not word.isdigit() and word not in _BESIDE]
    yield from (entry for entry in table.names.get(len(core), ()) if all(map(_fits, core, entry.words)))


def _fits(word: str, pattern: str) -> bool:
    if pattern == "#":
        return word.isdigit()
    return word.startswith(pattern[:-1]) if pattern.endswith("*") else word == pattern


@cache
def _table() -> _Table:
    table = _Table()
    place = 0
    for line in _without_accents(_TEXT).splitlines():
        if line.startswith("#"):
            continue
        meaning, listed = line.split(":", 1)
        for words in chain.from_iterable(_choices(words.strip()) for words in listed.split(",")):
            place += 1
            _add(table, _Entry(place, meaning.rstrip("="), tuple(words.split())), whole=meaning.endswith("="))
    return table


def _add(table: _Table, entry: _Entry, *, whole: bool) -> None:
    first = entry.words[0]
    if whole:
        table.names.setdefault(len(entry.words), []).append(entry)
    elif len(entry.words) > 1:
        table.phrases.setdefault(first[:2].rstrip("*"), []).append(entry)
    elif _WIDE.search(first):
        table.wide.append(entry)
    elif first.startswith("*") and first.endswith("*"):
        table.inside.append(entry)
    else:
        index = table.suffixes if first.startswith("*") else table.prefixes if first.endswith("*") else table.exact
        index.setdefault(first.strip("*"), entry)


def _choices(words: str) -> list[str]:
    """The words with each of the choices in their brackets: '(el|e) bass' → 'el bass', 'e bass'."""
    before, bracket, rest = words.partition("(")
    if not bracket:
        return [words]
    choices, _, behind = rest.partition(")")
    return [each for choice in choices.split("|") for each in _choices(f"{before}{choice}{behind}")]


@cache
def _short_names() -> dict[str, str]:
    return dict(entry.split(":", 1) for entry in _ABBREVIATIONS.split())
