"""Place the chords of a bar on its beats."""

from bandmate_music.theory.bars import Bar
from bandmate_music.theory.chord_symbols import parse_chord
from bandmate_music.theory.metrical_grid import beat_ticks, strength
from bandmate_shared.contracts.composition import ChordSpan

from bandmate_generate.harmony.chord_spans import chord_span


def spans_of_bar(symbols: list[str], bar: Bar) -> list[ChordSpan]:
    """A span for each chord, changing on the strongest beats: two chords in 3/4 have two beats and one."""
    edges = [bar.onset, *(bar.onset + tick for tick in _changes(bar, len(symbols))), bar.end]
    return [
        chord_span(parse_chord(symbol), start, end)
        for symbol, start, end in zip(symbols, edges, edges[1:], strict=False)
        if end > start
    ]


def _changes(bar: Bar, count: int) -> list[int]:
    """The ticks in the bar at which chord 2, 3, … begin: the strongest beats, later ones first among equals, but near
    the middle for two chords."""
    if count < 2:
        return []
    beats = range(beat_ticks(bar.metre), bar.length, beat_ticks(bar.metre))
    middle = bar.length / 2
    ranked = sorted(beats, key=lambda tick: (-strength(tick, bar.metre), abs(tick - middle), -tick))
    chosen = sorted(ranked[: count - 1])
    if len(chosen) < count - 1:
        return [number * bar.length // count for number in range(1, count)]
    return chosen
