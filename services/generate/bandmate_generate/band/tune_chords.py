"""Where a hymn's chords are struck: with the tune."""

from collections.abc import Iterator, Sequence

from bandmate_music.theory.metrical_grid import beat_ticks

from bandmate_generate.band.chord_line import ChordLine
from bandmate_generate.band.rhythm import Stroke
from bandmate_generate.band.section_bars import SectionBars
from bandmate_generate.lead.notes import LeadNote


def tune_strokes(bars: SectionBars, chords: ChordLine, lead: Sequence[LeadNote]) -> Iterator[Stroke]:
    """A chord on each beat where the tune has a note or the chord changes, on every second beat where neither does."""
    onsets = {note.onset for note in lead if bars.start <= note.onset < bars.end}
    onsets |= {start for start, _, _ in chords.within(bars.start, bars.end)}
    starts: list[int] = []
    for bar in bars.bars:
        beat = beat_ticks(bar.metre)
        for number, tick in enumerate(range(bar.onset, bar.end, beat)):
            is_long = not starts or tick - starts[-1] >= 2 * beat
            if number == 0 or tick in onsets or is_long:
                starts.append(tick)
    for start, end in zip(starts, [*starts[1:], bars.end], strict=True):
        yield Stroke(start, end, "c")
