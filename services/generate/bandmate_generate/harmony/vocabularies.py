"""The harmony of each style: which chords it has, how they are coloured, how its phrases end.

A vocabulary either weighs the chords of popular songs (`bar_model`) or has phrases of its own
(`data/written_phrases.tsv`); the blues has its twelve bars (`blues`).
"""

from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Literal

from bandmate_music.theory.keys import Mode

Ending = Literal["home", "half", "open"]
Colour = Literal["triads", "sevenths"]

_SIMPLE = {"I": 1.0, "IV": 1.0, "V": 1.0, "vi": 0.7, "ii": 0.6, "iii": 0.15, "bVII": 0.1}
_SIMPLE_MINOR = {"i": 1.0, "iv": 1.0, "V": 1.2, "v": 0.4, "bVII": 0.6, "bIII": 0.5, "bVI": 0.6}
_POP = {
    "I": 1.0,
    "IV": 1.0,
    "V": 1.0,
    "vi": 1.0,
    "ii": 0.9,
    "iii": 0.4,
    "bVII": 0.3,
    "iv": 0.3,
    "II": 0.2,
    "III": 0.2,
    "VI": 0.15,
    "bVI": 0.1,
}
_POP_MINOR = {"i": 1.0, "iv": 1.1, "V": 1.2, "v": 0.4, "bVI": 0.9, "bVII": 0.9, "bIII": 0.5}
_ROCK = {"I": 1.0, "IV": 1.0, "V": 1.0, "bVII": 0.9, "vi": 0.7, "ii": 0.5, "bIII": 0.4, "bVI": 0.4, "II": 0.2}
_ROCK_MINOR = {"i": 1.0, "bVII": 1.0, "bVI": 1.0, "iv": 1.0, "v": 0.5, "V": 1.0, "bIII": 0.5}
_SOUL = {
    "I": 1.0,
    "IV": 1.0,
    "V": 0.9,
    "vi": 1.0,
    "ii": 1.3,
    "iii": 0.9,
    "bVII": 0.4,
    "iv": 0.3,
    "II": 0.3,
    "VI": 0.2,
    "III": 0.2,
}

_HYMN = {"I": 1.0, "IV": 1.0, "V": 1.0, "vi": 1.0, "ii": 1.0, "iii": 0.7, "II": 0.7, "VI": 0.4, "III": 0.4}

_HYMN_HOME = ("I V | I", "IV V | I", "ii V | I", "vi V | I", "V | I")
_HYMN_HALF = ("I | V", "ii | V", "I IV | V", "V II | V", "vi II | V")
_MAJOR_HOME = ("V | I", "IV | I", "IV V | I")
_MAJOR_HALF = ("IV | V", "ii | V", "I | V", "vi | V")
_MINOR_HOME = ("V | i", "iv | i", "iv V | i", "bVI V | i")
_MINOR_HALF = ("iv | V", "bVI | V", "i | V")
_ROCK_HOME = ("V | I", "IV | I", "bVII IV | I", "IV V | I")
_ROCK_MINOR_HOME = ("V | i", "bVI bVII | i", "bVII | i", "iv V | i")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """`weights`: mode → chord → how readily it is taken, for chords of popular songs; empty where the style has
    phrases of its own. `static` is how readily a bar of the same chord follows; `two_chords` weighs bars of two.
    `endings`: mode and ending → the last two bars of a phrase. `table` names the counts that bars are drawn from.
    `walking` is how readily a chord gives its third to the bass where the bass then walks by steps."""

    name: str
    weights: dict[Mode, dict[str, float]] = field(default_factory=dict)
    static: float = 0.5
    two_chords: float = 0.5
    colour: Colour = "triads"
    dominant_seventh: float = 0.0
    endings: dict[tuple[Mode, Ending], tuple[str, ...]] = field(default_factory=dict)
    table: str = "chord"
    walking: float = 0.0

    def has_own_phrases(self, mode: Mode) -> bool:
        """Whether its phrases are written out, rather than drawn bar by bar."""
        return mode not in self.weights

    def weight(self, bar: str, mode: Mode) -> float:
        """How readily a bar of chords is taken; 0 where the style lacks one of them."""
        chords = bar.split()
        weights = self.weights[mode]
        value = 1.0 if len(chords) == 1 else self.two_chords
        for chord in chords:
            value *= weights.get(chord, 0.0)
        return value


def _of_songs(
    name: str,
    major: dict[str, float],
    minor: dict[str, float],
    *,
    static: float,
    two_chords: float,
    colour: Colour = "triads",
    dominant_seventh: float = 0.0,
    walking: float = 0.0,
    home: tuple[str, ...] = _MAJOR_HOME,
    minor_home: tuple[str, ...] = _MINOR_HOME,
) -> Vocabulary:
    endings: dict[tuple[Mode, Ending], tuple[str, ...]] = {
        ("major", "home"): home,
        ("major", "half"): _MAJOR_HALF,
        ("minor", "home"): minor_home,
        ("minor", "half"): _MINOR_HALF,
    }
    return Vocabulary(
        name, {"major": major, "minor": minor}, static, two_chords, colour, dominant_seventh, endings, walking=walking
    )


_VOCABULARIES = {
    vocabulary.name: vocabulary
    for vocabulary in (
        _of_songs("pop", _POP, _POP_MINOR, static=0.35, two_chords=0.8, walking=0.4),
        _of_songs(
            "rock",
            _ROCK,
            _ROCK_MINOR,
            static=0.45,
            two_chords=0.9,
            home=_ROCK_HOME,
            minor_home=_ROCK_MINOR_HOME,
        ),
        _of_songs("folk", _SIMPLE, _SIMPLE_MINOR, static=0.4, two_chords=0.3, dominant_seventh=0.3, walking=0.2),
        _of_songs(
            "country",
            {**_SIMPLE, "II": 0.3, "vi": 0.4, "iii": 0.0},
            _SIMPLE_MINOR,
            static=0.6,
            two_chords=0.15,
            dominant_seventh=0.7,
        ),
        _of_songs("soul", _SOUL, _POP_MINOR, static=0.35, two_chords=1.0, colour="sevenths", walking=0.3),
        _of_songs("disco", _SOUL, _POP_MINOR, static=0.35, two_chords=0.4, colour="sevenths"),
        Vocabulary(
            "hymn",
            {"major": _HYMN},
            static=0.5,
            two_chords=1.5,
            dominant_seventh=0.4,
            endings={("major", "home"): _HYMN_HOME, ("major", "half"): _HYMN_HALF},
            table="hymn",
            walking=0.7,
        ),
        *(Vocabulary(name) for name in ("jazz", "bossa", "funk", "reggae", "art", "march", "blues")),
    )
}
_OTHER_NAMES = {"chorale": "hymn", "ballad": "pop", "punk": "rock"}


def vocabulary(name: str) -> Vocabulary:
    """The vocabulary of that name.

    Raises:
        KeyError: there is none; the style table is wrong.
    """
    return _VOCABULARIES[_OTHER_NAMES.get(name, name)]


def vocabulary_names() -> tuple[str, ...]:
    """All names that `vocabulary` knows."""
    return (*_VOCABULARIES, *_OTHER_NAMES)


@cache
def written_phrases(name: str, mode: Mode, place: str) -> tuple[tuple[str, ...], ...]:
    """The phrases of a vocabulary that has its own, each four bars."""
    text = (files("bandmate_generate") / "data" / "written_phrases.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    return tuple(
        tuple(phrase.strip().split(" | "))
        for row_name, row_mode, row_place, phrases in rows
        if (row_name, row_mode, row_place) == (name, mode, place)
        for phrase in phrases.split(" ; ")
    )
