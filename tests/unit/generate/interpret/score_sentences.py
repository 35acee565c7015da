"""Score the interpreter on sentences with what each of their fields should be.

A line of a file is `sentence => field=value; field=value`. A tempo may be a range, `with`, `without` and `exactly` are
instruments that must, must not, and alone may play, `ignored` words that must be named as not understood.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bandmate_generate.interpret.instruments import ALREADY
from bandmate_generate.interpret.interpret import MOOD_MODES, MOOD_SPEEDS, interpret
from bandmate_music.instruments import parse_instrument
from bandmate_shared.contracts.songs import Interpretation

SENTENCES = Path(__file__).parent / "sentences"
_INSTRUMENT_FIELDS = ("with", "without", "exactly")
_NOT_FIELDS = frozenset({"text", "performance", "takes", "style"})
"""Fields of every request; a style or a number of takes counts where it is not the usual one."""


@dataclass
class Score:
    """How many expected fields came out right, and each that did not or that nobody asked for."""

    right: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        return self.right / (self.right + len(self.faults))


def cases(folder: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Each sentence of a folder's files, with its expected fields."""
    for file in sorted((SENTENCES / folder).glob("*.txt")):
        for line in file.read_text(encoding="utf-8").splitlines():
            text, _, fields = line.partition(" => ")
            pairs = (part.strip().partition("=") for part in fields.split(";") if part.strip())
            yield text, {name: value for name, _, value in pairs}


def score(folder: str) -> Score:
    """The score over all sentences of a folder."""
    total = Score()
    for text, expected in cases(folder):
        found = interpret(text, can_write_words=False)
        for name, value in expected.items():
            if _is_right(name, value, found):
                total.right += 1
            else:
                total.faults.append(f"{text}: {name}={value}, found {_found(found)}")
        total.faults += [f"{text}: invented {name}" for name in _invented(expected, found)]
    return total


def _found(interpretation: Interpretation) -> str:
    understood = {entry.field: entry.value for entry in interpretation.understood}
    return f"{understood}, ignored {interpretation.ignored}"


def _is_right(name: str, value: str, found: Interpretation) -> bool:
    request = found.request
    programs = [_program(instrument) for instrument in request.instruments or ()]
    match name:
        case "with":
            return all(ALREADY.get(name, {_program(name)}) & set(programs) for name in value.split(","))
        case "without":
            return request.instruments is not None and not {_program(name) for name in value.split(",")} & set(programs)
        case "exactly":
            return set(programs) == {_program(wanted) for wanted in value.split(",")}
        case "sections":
            return [section.name for section in request.sections or ()] == value.split(",")
        case "mood":
            return [u.value for u in found.understood if u.field == "mood"] == value.split(",")
        case "about":
            return any(u.field == "about" and u.value == value for u in found.understood)
        case "wordless":
            return any(u.field == "lyrics" and u.value is None for u in found.understood)
        case "ignored":
            return all(any(word in phrase for phrase in found.ignored) for word in value.split(","))
        case "tempo":
            low, _, high = value.partition("-")
            return request.tempo is not None and float(low) <= request.tempo <= float(high or low)
        case _:
            return str(getattr(request, name)) in (value, f"{value}.0")


def _invented(expected: dict[str, str], found: Interpretation) -> list[str]:
    """Fields of the request that nothing in the sentence asks for, nor a mood or a length stands for."""
    moods = expected.get("mood", "").split(",")
    allowed = {*expected, *_NOT_FIELDS}
    allowed |= {"mode"} if any(mood in MOOD_MODES for mood in moods) else set()
    allowed |= {"tempo"} if any(mood in MOOD_SPEEDS for mood in moods) else set()
    allowed |= {"bars"} if "seconds" in expected else set()
    allowed |= {"instruments"} if any(name in expected for name in _INSTRUMENT_FIELDS) else set()
    fields: dict[str, Any] = found.request.model_dump(exclude_none=True)
    invented = [name for name in fields if name not in allowed]
    if "style" not in expected and found.request.style != "song":
        invented.append("style")
    if "takes" not in expected and found.request.takes != 1:
        invented.append("takes")
    topics = [u for u in found.understood if u.field == "about"]
    return invented + (["about"] if topics and "about" not in expected else [])


def _program(name: str) -> int:
    instrument = parse_instrument(name)
    return -1 if instrument.is_drum else instrument.program
