"""Lay out a chord progression over the bars of a song, on the model's grid."""

from bandmate_music.theory.bars import Bars
from bandmate_music.theory.chord_symbols import BadChord, Chord, parse_progression
from bandmate_shared.contracts.composition import ChordSpan
from bandmate_shared.errors import InvalidRequest


def chord_spans(progression: str, frame: Bars, first_bar: int, bars: int) -> tuple[ChordSpan, ...]:
    """The chords of bars `first_bar`..`bars` - 1 (from 0). The chords of a bar share it evenly; the progression is
    repeated as often as it takes.

    Raises:
        InvalidRequest: a chord cannot be read, or a bar has more chords than it has room for.
    """
    try:
        written = parse_progression(progression)
    except BadChord as error:
        raise InvalidRequest(str(error)) from None
    spans = []
    for bar in range(first_bar, bars):
        index = (bar - first_bar) % len(written)
        bar_frame, chords = frame[bar], written[index]
        if len(chords) > bar_frame.length // 3:
            raise InvalidRequest(
                f"bar {index + 1} has {len(chords)} chords, too many for a bar of {bar_frame.metre.name}"
            )
        edges = [bar_frame.onset + number * bar_frame.length // len(chords) for number in range(len(chords) + 1)]
        for chord, start, end in zip(chords, edges, edges[1:], strict=False):
            spans.append(chord_span(chord, start, end))
    return tuple(spans)


def chord_span(chord: Chord, start: int, end: int) -> ChordSpan:
    """A chord from one grid tick to another."""
    return ChordSpan(
        onset=start,
        duration=end - start,
        root=chord.root,
        pitch_classes=list(chord.pitch_classes),
        bass=chord.bass,
        symbol=chord.symbol,
    )
