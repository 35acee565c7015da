"""A chord progression laid out over the bars of a song, on the model's grid."""

from bandmate_shared.contracts.composition import ChordSpan
from bandmate_shared.errors import InvalidRequest
from bandmate_shared.music.bars import Bars
from bandmate_shared.music.chord_symbols import BadChord, parse_progression


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
        place = (bar - first_bar) % len(written)
        own, chords = frame[bar], written[place]
        if len(chords) > own.length // 3:
            raise InvalidRequest(f"bar {place + 1} has {len(chords)} chords, too many for a bar of {own.metre.name}")
        edges = [own.onset + number * own.length // len(chords) for number in range(len(chords) + 1)]
        for chord, start, end in zip(chords, edges, edges[1:], strict=False):
            spans.append(
                ChordSpan(
                    onset=start,
                    duration=end - start,
                    root=chord.root,
                    pitch_classes=list(chord.pitch_classes),
                    bass=chord.bass,
                    symbol=chord.symbol,
                )
            )
    return tuple(spans)
