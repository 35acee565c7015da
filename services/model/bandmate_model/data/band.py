"""Band arrangements of songs with piano, so that a model learns to write for a whole band.

Free collections of songs with voice, bass and drums are rare; art songs for voice and piano and drum
performances are. A band piece keeps the voice, gives the piano's bass line to a bass, and lays a drummer's beat under
it: the bars most like all others of the performance, over and over, with a fill in every eighth bar and another
pattern in every second stretch of sixteen bars; one stroke closes. Bars that return exactly are written as
one token each, so that a model learns the pattern once and spends its notes on the song. The pieces form a style of
their own and are made in training only.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bandmate_model.data.pieces import PartInfo, Piece, instrument_of

BASS_PROGRAM = 33
BASS_CEILING = 55
"""The lowest note is not a bass note if it is above this (G3)."""
MIN_BEAT_BARS = 4
PHRASE_BARS = 8
"""Length of a phrase. Every phrase ends with a fill."""
SECTION_BARS = 16
"""After this many bars the other pattern begins."""
_ALIKE = 0.8
"""From this likeness on, two bars count as the same and the pattern is a single bar."""
_NEAREST = 3
"""A song takes one of the nearest third of the beats in tempo."""


@dataclass(frozen=True, slots=True)
class BandRecipe:
    """Which styles to combine, from a hyperparameter `songs+drums=band`."""

    songs: str
    drums: str
    band: str

    @staticmethod
    def parse(text: str) -> "BandRecipe | None":
        """None for an empty text.

        Raises:
            ValueError: the text is not of the form `songs+drums=band`.
        """
        if not text:
            return None
        styles, _, band = text.partition("=")
        songs, _, drums = styles.partition("+")
        if not (songs and drums and band):
            raise ValueError(f"band={text!r}; write songs+drums=band, for example song+groove=pop")
        return BandRecipe(songs, drums, band)


def with_band(pieces: Iterable[Piece], recipe: BandRecipe | None) -> Iterator[Piece]:
    """The pieces, and after them band arrangements of the songs that take drums, and of a third of the others.

    Songs get beats of their own split.
    """
    songs: list[Piece] = []
    beats: dict[str, list[Piece]] = {}
    for piece in pieces:
        if recipe is not None and piece.style == recipe.songs and _voice_and_piano(piece) is not None:
            songs.append(piece)
        if recipe is not None and piece.style == recipe.drums and _is_beat(piece):
            beats.setdefault(piece.split, []).append(piece)
        yield piece
    if recipe is None:
        return
    for number, song in enumerate(songs):
        choices = beats.get(song.split, [])
        takes_drums = bool(choices) and _in_common_time(song)
        if takes_drums or number % 3 == 0:
            yield arrange(song, _beat_for(song, choices, number) if takes_drums else None, recipe.band)


def arrange(song: Piece, beat: Piece | None, style: str) -> Piece:
    """Voice, piano without its bass line, bass, and the beat if there is one (then the song is in 4/4 throughout)."""
    voices_and_piano = _voice_and_piano(song)
    assert voices_and_piano is not None, "only called for songs with voice and piano"
    voices, piano = voices_and_piano
    rows = song.notes
    piano_rows, bass = split_bass(rows[rows[:, 0] == piano])
    number = 1 + max(part.part for part in song.parts)
    tables = [rows[np.isin(rows[:, 0], voices)], piano_rows]
    parts = [part for part in song.parts if part.part in voices or part.part == piano]
    if len(bass):
        bass[:, 0] = number
        tables.append(bass)
        parts.append(PartInfo(number, "Bass", BASS_PROGRAM, False, "bass"))
    if beat is not None:
        drums = _loop(beat, [length for length, _, _ in song.bars])
        drums[:, 0] = number + 1
        tables.append(drums)
        parts.append(PartInfo(number + 1, "Drums", 0, True, "drums"))
    notes = np.concatenate(tables)
    notes = notes[np.lexsort((notes[:, 3], notes[:, 1], notes[:, 0]))]
    return replace(song, name=f"{song.name} (band)", style=style, parts=tuple(parts), notes=notes)


def split_bass(rows: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """A keyboard part without its bass line, and the bass line, one note at a time.

    A bass note is the lowest of its onset and of everything that sounds then, and not above BASS_CEILING.
    """
    order = np.lexsort((rows[:, 3], rows[:, 1]))
    rows = rows[order]
    is_bass = np.zeros(len(rows), dtype=np.bool_)
    sounding: list[tuple[int, int]] = []
    previous_onset = -1
    for index, (_, onset, duration, pitch, _) in enumerate(rows.tolist()):
        if onset != previous_onset:
            sounding = [note for note in sounding if note[0] > onset]
            is_bass[index] = pitch <= BASS_CEILING and all(pitch <= sounding_pitch for _, sounding_pitch in sounding)
            previous_onset = onset
        sounding.append((onset + duration, pitch))
    bass = rows[is_bass].copy()
    if len(bass) > 1:
        bass[:-1, 2] = np.minimum(bass[:-1, 2], np.diff(bass[:, 1]))
    return rows[~is_bass], bass


def _beat_for(song: Piece, choices: list[Piece], number: int) -> Piece:
    """One of the beats nearest to the song in tempo, another for each number."""
    ordered = sorted(choices, key=lambda beat: abs(math.log(beat.tempo / song.tempo)))
    nearest = ordered[: max(1, -(-len(ordered) // _NEAREST))]
    return nearest[number * 7 % len(nearest)]


def _loop(beat: Piece, lengths: list[int]) -> NDArray[np.int32]:
    """A beat's patterns and fills for bars of these lengths, silent in a short first bar; the last bar keeps its first
    stroke only."""
    bars = [
        (beat.notes[beat.notes[:, 1] // 96 == number] - [0, 96 * number, 0, 0, 0]).astype(np.int32)
        for number in range(len(beat.bars))
    ]
    half = len(bars) // 2
    patterns = [pattern(bars), pattern(bars[half:] if half >= MIN_BEAT_BARS else bars)]
    fills = [fill(bars, bar_pattern) for bar_pattern in patterns]
    tables = []
    tick = bar_count = 0
    for number, length in enumerate(lengths):
        if number > 0 or length == 96:
            section = bar_count // SECTION_BARS % 2
            bar_pattern = patterns[section]
            copy = (
                fills[section]
                if bar_count % PHRASE_BARS == PHRASE_BARS - 1
                else bar_pattern[bar_count % len(bar_pattern)]
            ).copy()
            if number == len(lengths) - 1:
                copy = copy[copy[:, 1] == 0]
            copy[:, 1] += tick
            tables.append(copy)
            bar_count += 1
        tick += length
    return np.concatenate(tables)


def pattern(bars: Sequence[NDArray[np.int32]]) -> list[NDArray[np.int32]]:
    """Two neighbouring bars of a beat that are most like all its bars, or one of them if they are much alike.

    `bars`: rows as in Piece.notes, onsets from the bar's start.
    """
    strokes = [_strokes(bar) for bar in bars]
    likeness = np.array(
        [[_likeness(bar_strokes, other_strokes) for other_strokes in strokes] for bar_strokes in strokes]
    ).sum(axis=1)
    start = int(np.argmax(likeness[:-1] + likeness[1:])) if len(bars) > 1 else 0
    pair = list(range(start, min(start + 2, len(bars))))
    if _likeness(strokes[pair[0]], strokes[pair[-1]]) >= _ALIKE:
        pair = [max(pair, key=lambda index: likeness[index])]
    return [bars[index] for index in pair]


def fill(bars: Sequence[NDArray[np.int32]], bar_pattern: Sequence[NDArray[np.int32]]) -> NDArray[np.int32]:
    """The bar of a beat that is least like a pattern, among those that are about as full or fuller."""
    pattern_bars = [_strokes(bar) for bar in bar_pattern]
    min_notes = 0.75 * min(len(bar) for bar in bar_pattern)
    full = [bar for bar in bars if len(bar) >= min_notes]
    return min(
        full or bar_pattern,
        key=lambda bar: max(_likeness(_strokes(bar), pattern_strokes) for pattern_strokes in pattern_bars),
    )


def _strokes(bar: NDArray[np.int32]) -> frozenset[tuple[int, int]]:
    """Which drum on which sixteenth."""
    return frozenset(zip(((bar[:, 1] + 3) // 6).tolist(), bar[:, 3].tolist(), strict=True))


def _likeness(strokes: frozenset[tuple[int, int]], other_strokes: frozenset[tuple[int, int]]) -> float:
    """Jaccard's coefficient; two silent bars are alike."""
    union = len(strokes | other_strokes)
    return len(strokes & other_strokes) / union if union else 1.0


def _is_beat(piece: Piece) -> bool:
    return len(piece.bars) >= MIN_BEAT_BARS and all(part.is_drum for part in piece.parts) and _in_common_time(piece)


def _in_common_time(piece: Piece) -> bool:
    """In 4/4 throughout; a short first bar (an upbeat) or last bar does not count."""
    return all((n, d) == (4, 4) for _, n, d in piece.bars) and all(length == 96 for length, _, _ in piece.bars[1:-1])


def _voice_and_piano(piece: Piece) -> tuple[list[int], int] | None:
    """The singers' parts and the one piano part; None if the piece has not just these."""
    kinds = {part.part: instrument_of(part) for part in piece.parts}
    voices = [part for part, kind in kinds.items() if kind == "voice"]
    pianos = [part for part, kind in kinds.items() if kind == "piano"]
    if not voices or len(pianos) != 1 or len(voices) + 1 != len(kinds):
        return None
    return voices, pianos[0]
