"""The instruments that a sentence asks for, and what they make of the style's band.

"for violin and piano", "solo piano", "just a guitar"   exactly those play
"with strings", "a guitar song"                         the style's band and those; without a style those alone
"no drums"                                              the style's band without them
"""

from dataclasses import dataclass, field

from bandmate_music.general_midi import PROGRAM_NAMES
from bandmate_music.instruments import parse_instrument
from bandmate_shared.contracts.wishes import MAX_TRACKS

from bandmate_generate.interpret.numbers import number_before
from bandmate_generate.interpret.sentence import Sentence
from bandmate_generate.planning.styles import Style

_FAMILIES: dict[str, frozenset[int]] = {
    "piano": frozenset(range(8)),
    "organ": frozenset(range(16, 21)),
    "guitar": frozenset(range(24, 32)),
    "bass": frozenset(range(32, 40)),
    "strings": frozenset((*range(40, 46), *range(48, 52))),
    "brass": frozenset(range(56, 64)),
    "saxophone": frozenset(range(64, 68)),
    "synth": frozenset((*range(80, 96), 50, 51, 62, 63)),
}
"""Programs that a general name leaves out: 'no guitar' is none of any kind."""
ALREADY = {
    "guitar": _FAMILIES["guitar"],
    "electric guitar": frozenset(range(26, 31)),
    "bass": _FAMILIES["bass"],
    "saxophone": _FAMILIES["saxophone"],
}
"""Programs that already are what a general name asks for."""
_ONE_OF = {"violins": "violin", "horns": "horn"}
"""What each of several is: 'two violins' are not two sections of strings."""
_MAX_COUNT = 4
_REACHES = {"removed": 2, "exactly": 1}
"""Unknown words that may stand before the instrument: 'no very loud drums', 'for the school choir'."""


@dataclass(slots=True)
class Instruments:
    """What is to play: `exactly` alone, or beside others, `added` to a band and `removed` from it, in order."""

    exactly: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.exactly or self.added or self.removed)


def read_instruments(sentence: Sentence) -> Instruments:
    """The instruments named in the sentence, taken as `instruments`."""
    found = Instruments()
    intent, reach, introduction = "added", 0, None
    before: list[tuple[int, str]] = []
    for index in range(len(sentence)):
        if sentence.is_mark(index):
            has_named = bool(before) and (introduction is None or before[-1][0] > introduction)
            keeps = intent in ("exactly", "added") and sentence.plain(index) == "," and has_named
            intent, introduction = (intent, introduction) if keeps else ("added", None)
        elif sentence.has(index, "only") and before and not _names_follow(sentence, index):
            if sentence.has(index, "section") and introduction is not None:  # "with a guitar solo"
                continue
            found.exactly += [name for at, name in before if name in found.added]
            found.added = [name for name in found.added if name not in found.exactly]
            sentence.take([index], "instruments")
            before = []
        elif (change := _intent(sentence, index)) is not None:
            intent, reach, introduction = change, 0, index
        elif (name := _name(sentence, index, intent)) is not None:
            if name in ("bass", "voice") and sentence.plain(index - 1) in ("sing", "sung"):
                continue
            first, count = _count(sentence, index)
            reach = 0
            name = _ONE_OF.get(name, name) if first < index else name
            getattr(found, intent).extend([name] * count)
            before.append((index, name))
            sentence.take(_phrase(sentence, introduction, first, index), "instruments")
        elif not sentence.has(index, "filler", "and", "number", "very") and not _is_singer(sentence, index):
            reach += 1
            if reach > _REACHES.get(intent, 0):
                intent, introduction, before = "added", None, []
    return found


def _intent(sentence: Sentence, index: int) -> str | None:
    if sentence.has(index, "no"):
        return "removed"
    if sentence.has(index, "only", "for"):
        return "exactly"
    return "added" if sentence.has(index, "with") else None


def _names_follow(sentence: Sentence, index: int) -> bool:
    """Whether an 'only' belongs to what comes after it: 'only guitar', not 'guitar only'."""
    after = sentence.skip(index + 1, "filler", "number")
    return sentence.has(after, "instrument")


def _name(sentence: Sentence, index: int, intent: str) -> str | None:
    """The instrument named there; a kind of singer counts among the instruments where exactly those play."""
    name = sentence.meaning(index, "instrument")
    if name is None and intent == "exactly" and sentence.has(index, "voice") and not sentence.has(index, "only"):
        return "voice"
    return name


def _is_singer(sentence: Sentence, index: int) -> bool:
    return sentence.has(index, "voice")


def _count(sentence: Sentence, index: int) -> tuple[int, int]:
    """The first index of the number before the instrument, and how many of it play."""
    number = number_before(sentence, index)
    if number is None or not number[0].is_integer() or not 1 <= number[0] <= _MAX_COUNT:
        return index, 1
    return number[1], int(number[0])


def _phrase(sentence: Sentence, introduction: int | None, first: int, index: int) -> list[int]:
    """The items of the phrase; a singer keeps those that say which voice sings."""
    items = list(range(first, index + 1))
    if introduction is not None:
        items.append(introduction)
    return [at for at in items if not (sentence.has(at, "voice") and not sentence.has(at, "instrument"))]


def line_up(found: Instruments, style: Style | None, *, sung: bool, default: Style) -> list[str]:
    """The names of all instruments that play. `style` None: none was asked for; `default` then has the band."""
    if found.exactly:
        names = [*found.exactly, *(name for name in found.added if name not in found.exactly)]
    elif style is None and found.added:
        names = list(found.added)
    else:
        names = _with_added(band_names(style or default, sung=sung), found.added)
    names = [name for name in names if not any(_is_of(name, removed) for removed in found.removed)]
    if sung and names and not any(parse_instrument(name).is_voice for name in names):
        names.insert(0, "voice")
    return names[:MAX_TRACKS]


def band_names(style: Style, *, sung: bool) -> list[str]:
    """The instruments of the style's own band; a singer's line is played by its lead where there are no words."""
    names = []
    for part in style.parts:
        if part.is_drum:
            names.append("drums")
        elif sung and (part.is_voice or part.role == "melody"):
            names.append("voice")
        else:
            names.append(PROGRAM_NAMES[part.lead[1] if part.lead is not None else part.program])
    return names


def _with_added(band: list[str], added: list[str]) -> list[str]:
    names = list(band)
    for name in added:
        wanted = ALREADY.get(name)
        if name in names or any(_program(other) in (wanted or {_program(name)}) for other in names):
            continue
        names.append(name)
    return names


def _program(name: str) -> int:
    instrument = parse_instrument(name)
    return -1 if instrument.is_drum else instrument.program


def _is_of(name: str, removed: str) -> bool:
    return _program(name) in _FAMILIES.get(removed, {_program(removed)})
