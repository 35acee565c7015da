"""Sevenths on the chords of a progression, the same on a degree throughout a song."""

import random
from dataclasses import dataclass

from bandmate_music.theory.keys import Mode

from bandmate_generate.harmony.vocabularies import Vocabulary

_SEVENTHS: dict[Mode, dict[str, tuple[str, ...]]] = {
    "major": {
        "I": ("Imaj7", "I"),
        "ii": ("ii7",),
        "iii": ("iii7",),
        "IV": ("IVmaj7", "IV"),
        "V": ("V7", "V7sus4"),
        "vi": ("vi7",),
        "bVII": ("bVII",),
        "II": ("II7",),
        "VI": ("VI7",),
    },
    "minor": {
        "i": ("i7",),
        "iv": ("iv7",),
        "v": ("v7",),
        "V": ("V7",),
        "bVI": ("bVImaj7",),
        "bVII": ("bVII", "bVII7"),
        "bIII": ("bIIImaj7", "bIII"),
    },
}


@dataclass(frozen=True, slots=True)
class Colouring:
    """Chord → chord with its seventh."""

    chords: dict[str, str]

    @staticmethod
    def drawn(vocabulary: Vocabulary, mode: Mode, rng: random.Random) -> "Colouring":
        """For styles with sevenths one for each degree; for others perhaps the dominant's."""
        if vocabulary.colour == "sevenths":
            return Colouring({chord: rng.choice(options) for chord, options in _SEVENTHS[mode].items()})
        return Colouring({"V": "V7", "II": "II7"} if rng.random() < vocabulary.dominant_seventh else {})


def coloured(text: str, colouring: Colouring) -> str:
    """The chord as the song has it."""
    chord, slash, bass = text.partition("/")
    return colouring.chords.get(chord, chord) + slash + bass
