"""Splits a part's notes into staves, voices and chords for notation.

Time is in grid units, 24 a quarter note (`note_values`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from bandmate_music.musicxml.note_values import UNITS_PER_QUARTER
from bandmate_music.score import Lyric, Part

_MIDDLE_C = 60
_TWO_HANDED = frozenset((*range(0, 9), *range(16, 22), 46))
_MAX_MELISMA_GAP = 3
"""Units of silence that do not end a syllable: a 32nd note."""
_MAX_MELISMA_NOTES = 16
"""More notes than this without words are not sung on one syllable."""


@dataclass(frozen=True, slots=True)
class Chord:
    """Notes that begin and end together. `pitches` ascend; `velocities` belong to them in order.

    A syllable sung on several notes begins on the chord whose `melisma` is "start", and ends on the one with "stop".
    """

    onset: int
    end: int
    pitches: tuple[int, ...]
    velocities: tuple[int, ...]
    syllable: Lyric | None = None
    continues_word: bool = False
    melisma: Literal["", "start", "stop"] = ""


Voice = list[Chord]
"""Chords that follow each other without overlap."""


def staves_of(part: Part, ticks_per_quarter: int) -> list[list[Voice]]:
    """The voices of each staff. Two staves, split at middle C, for a keyboard or harp that uses both hands."""
    chords = _chords(part, ticks_per_quarter)
    pitch = part.notes.pitch
    two = (
        not part.is_drum
        and part.program in _TWO_HANDED
        and len(pitch) > 0
        and int(pitch.min()) < _MIDDLE_C - 4
        and int(pitch.max()) > _MIDDLE_C + 4
    )
    if not two:
        return [_voices(chords)]
    upper = [side for chord in chords if (side := _hand_notes(chord, upper=True)) is not None]
    lower = [side for chord in chords if (side := _hand_notes(chord, upper=False)) is not None]
    return [_voices(upper), _voices(lower)]


def to_units(ticks: int, ticks_per_quarter: int) -> int:
    """The nearest grid unit."""
    return (2 * ticks * UNITS_PER_QUARTER + ticks_per_quarter) // (2 * ticks_per_quarter)


def _chords(part: Part, ticks_per_quarter: int) -> list[Chord]:
    """Sorted by onset; a note as short as the grid cannot say lasts one unit; a second note of a pitch stands alone."""
    notes = part.notes
    onsets = notes.onset.astype(np.int64)
    begins = [to_units(tick, ticks_per_quarter) for tick in onsets.tolist()]
    ends = [to_units(tick, ticks_per_quarter) for tick in (onsets + notes.duration).tolist()]
    groups: dict[tuple[int, int, int], dict[int, int]] = {}
    for begin, end, pitch, velocity in zip(begins, ends, notes.pitch.tolist(), notes.velocity.tolist(), strict=True):
        layer = 0
        while pitch in groups.setdefault((begin, max(end, begin + 1), layer), {}):
            layer += 1
        groups[begin, max(end, begin + 1), layer][pitch] = velocity
    chords = [
        Chord(begin, end, tuple(sorted(pitches)), tuple(pitches[pitch] for pitch in sorted(pitches)))
        for (begin, end, _), pitches in groups.items()
    ]
    chords.sort(key=lambda chord: (chord.onset, -chord.pitches[-1], -chord.end))
    return _with_syllables(chords, part.lyrics, ticks_per_quarter)


def _with_syllables(chords: list[Chord], lyrics: tuple[Lyric, ...], ticks_per_quarter: int) -> list[Chord]:
    """A syllable goes to the highest chord at its onset, or the next chord that begins after it."""
    onsets = [chord.onset for chord in chords]
    used: set[int] = set()
    continues = False
    for lyric in lyrics:
        index = int(np.searchsorted(onsets, to_units(lyric.onset, ticks_per_quarter)))
        while index in used:
            index += 1
        if index < len(chords):
            used.add(index)
            old = chords[index]
            chords[index] = Chord(old.onset, old.end, old.pitches, old.velocities, lyric, continues)
            continues = not lyric.word_end
    return chords


def _hand_notes(chord: Chord, upper: bool) -> Chord | None:
    """The notes of a chord that one hand plays; None where it rests."""
    pairs = [pair for pair in zip(chord.pitches, chord.velocities, strict=True) if (pair[0] >= _MIDDLE_C) == upper]
    if not pairs:
        return None
    pitches, velocities = zip(*pairs, strict=True)
    sung = chord.pitches[-1] in pitches
    return Chord(
        chord.onset,
        chord.end,
        pitches,
        velocities,
        chord.syllable if sung else None,
        chord.continues_word and sung,
    )


def _voices(chords: list[Chord]) -> list[Voice]:
    """As few voices as the overlaps need: each chord goes to the first voice that is free."""
    voices: list[Voice] = []
    for chord in chords:
        for voice in voices:
            if voice[-1].end <= chord.onset:
                voice.append(chord)
                break
        else:
            voices.append([chord])
    return [_with_melismas(voice) for voice in voices]


def _with_melismas(voice: Voice) -> Voice:
    """Notes without words that follow a syllable's without a rest carry it on."""
    marked = list(voice)
    for first, last in _melismas(voice):
        marked[first] = replace(marked[first], melisma="start")
        marked[last] = replace(marked[last], melisma="stop")
    return marked


def _melismas(voice: Voice) -> Iterator[tuple[int, int]]:
    """Indices of the first and the last chord of each syllable that is sung on several."""
    first = 0
    while first < len(voice):
        last = first
        while (
            voice[first].syllable is not None
            and last + 1 < len(voice)
            and voice[last + 1].syllable is None
            and voice[last + 1].onset - voice[last].end <= _MAX_MELISMA_GAP
        ):
            last += 1
        if first < last < first + _MAX_MELISMA_NOTES:
            yield first, last
        first = last + 1
