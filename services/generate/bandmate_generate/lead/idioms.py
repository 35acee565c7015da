"""The idioms that a tune may be composed in: what its rhythm and its intervals are like."""

from collections.abc import Sequence
from dataclasses import dataclass

from bandmate_music.theory.keys import Key
from bandmate_music.theory.metrical_grid import QUARTER
from bandmate_shared.errors import InvalidRequest

from bandmate_generate.lead.chords import ChordTrack
from bandmate_generate.lead.notes import LeadNote


@dataclass(frozen=True, slots=True)
class Idiom:
    """A row of the idiom table.

    `tables` weighs the counted collections (`hymn`, `folk`, `art`) against each other. `melisma` is the share of
    syllables sung on several notes in a slow song, `fast_melisma` in a fast one. `syncopation` is added to that of the
    style's feel. `pentatonic` is the cost, in hundredths of a nat, of a degree outside the pentatonic scale, `leaps`
    that of an interval over a fourth, `subdivision` that of a beat divided into sixteenths. `density` is how many notes
    an instrument plays a second at 100 quarters a minute. `blue_notes`: see `with_blue_notes`.
    """

    tables: tuple[tuple[str, int], ...]
    melisma: float = 0.07
    fast_melisma: float = 0.01
    syncopation: float = 0.0
    pentatonic: int = 0
    leaps: int = 0
    subdivision: int = 50
    density: float = 1.9
    blue_notes: bool = False


IDIOMS: dict[str, Idiom] = {
    "pop": Idiom((("folk", 2), ("art", 2)), syncopation=0.2, pentatonic=35),
    "rock": Idiom((("folk", 2), ("art", 1)), syncopation=0.25, pentatonic=60, density=2.1),
    "punk": Idiom((("folk", 2), ("hymn", 1)), syncopation=0.15, pentatonic=50, density=2.1),
    "folk": Idiom((("folk", 3), ("hymn", 1)), pentatonic=25),
    "country": Idiom((("folk", 3), ("art", 1)), syncopation=0.15, pentatonic=45),
    "hymn": Idiom((("hymn", 1),), melisma=0.06, fast_melisma=0.04, subdivision=120, density=1.5),
    "ballad": Idiom((("art", 2), ("folk", 1)), melisma=0.08, fast_melisma=0.04, syncopation=0.1, pentatonic=25),
    "art": Idiom((("art", 3), ("folk", 1)), melisma=0.08, fast_melisma=0.05),
    "jazz": Idiom((("art", 2), ("folk", 1)), syncopation=0.35, leaps=-20, density=2.2),
    "blues": Idiom((("folk", 1), ("art", 1)), syncopation=0.3, pentatonic=80, melisma=0.09, blue_notes=True),
    "soul": Idiom((("art", 2), ("folk", 1)), syncopation=0.35, pentatonic=50, melisma=0.1, fast_melisma=0.03),
    "funk": Idiom((("folk", 1), ("art", 1)), syncopation=0.45, pentatonic=60, subdivision=-20, density=2.3),
    "dance": Idiom((("folk", 1), ("art", 1)), syncopation=0.35, pentatonic=50, density=2.1),
    "reggae": Idiom((("folk", 1), ("art", 1)), syncopation=0.35, pentatonic=50),
    "latin": Idiom((("art", 1), ("folk", 1)), syncopation=0.5, density=2.1),
    "march": Idiom((("hymn", 1), ("folk", 2)), leaps=-20, density=1.9),
    "waltz": Idiom((("folk", 2), ("art", 1)), density=1.8),
}


def find_idiom(name: str) -> Idiom:
    """The idiom of that name.

    Raises:
        InvalidRequest: there is none; the message lists those there are.
    """
    try:
        return IDIOMS[name]
    except KeyError:
        raise InvalidRequest(f"there is no idiom {name!r} for a tune; there are {', '.join(IDIOMS)}") from None


def with_blue_notes(notes: Sequence[LeadNote], key: Key, chords: ChordTrack) -> list[LeadNote]:
    """The tune with blue notes in a major key: the third and the seventh a semitone lower where the chord has the lower
    one (the seventh of IV7, that of I7), and a short third that falls.

    A seventh of the dominant and one that leads up to the tonic stay, and so does a third of the chord that is held.
    """
    if key.mode != "major":
        return list(notes)
    third, seventh = (key.tonic + 4) % 12, (key.tonic + 11) % 12
    changed = []
    for note, following in zip(notes, [*notes[1:], None], strict=True):
        chord = chords.under(note.onset, note.duration)
        tones = frozenset(chord.pitch_classes) if chord else frozenset[int]()
        is_blue = (
            note.pitch % 12 in (third, seventh) and note.pitch % 12 not in tones and (note.pitch - 1) % 12 in tones
        )
        falls = following is not None and following.pitch < note.pitch
        if note.pitch % 12 == third and note.duration < QUARTER and falls:
            is_blue = True
        if following is not None and following.pitch - note.pitch == 1 and note.pitch % 12 == seventh:
            is_blue = False
        changed.append(note._replace(pitch=note.pitch - 1) if is_blue else note)
    return changed
