"""Check that an edited file equals the given one outside the bars that were to be composed."""

from collections.abc import Sequence
from dataclasses import dataclass

from bandmate_music.midi.chord_texts import chord_at, chords_in
from bandmate_music.midi.edit import Span
from bandmate_music.midi.events import END_OF_TRACK, LYRIC, Event, parse_track, split_chunks

from bandmate_generate.planning.song_plan import EditPlan
from bandmate_generate.scoring.edit_midi import chord_spans_replaced, file_holes

_Holes = list[tuple[int, list[tuple[int, int]]]]
"""Channel and its holes in ticks, of one track chunk."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Whether everything outside the holes is unchanged, and in words what was compared."""

    unchanged: bool
    description: str


def compare_outside_holes(plan: EditPlan, after: bytes) -> Comparison:
    """Compare a file with the given one outside the holes.

    Header, resolution and every track chunk without a hole byte for byte, and in the others every event outside the
    holes by its tick and its bytes. Chord symbols of the first track may be others where chords were asked for.
    """
    old, new = split_chunks(plan.given.data), split_chunks(after)
    added = sum(index is None for index in plan.tracks)
    changed: dict[int, _Holes] = {}
    if chord_spans := chord_spans_replaced(plan):
        changed[0] = []
    for part, index in enumerate(plan.tracks):
        if index is not None and (holes := file_holes(plan, part)):
            track = plan.given.tracks[index]
            changed.setdefault(track.chunk, []).append((track.channel, holes))
    # A new track has to be counted in the header; the resolution stays.
    unchanged = old.header == new.header if not added else old.header[12:] == new.header[12:]
    unchanged = unchanged and old.tail == new.tail and len(new.tracks) == len(old.tracks) + added
    events = 0
    for number in range(min(len(old.tracks), len(new.tracks))):
        if number not in changed:
            unchanged = unchanged and old.track(number) == new.track(number)
        else:
            spans = chord_spans if number == 0 else []
            is_same, count = _same_outside(old.track(number), new.track(number), changed[number], spans)
            if spans:
                is_same = is_same and _same_chords_behind(old.track(0), new.track(0), spans, plan.given.bars[-1].end)
            unchanged, events = unchanged and is_same, events + count
    description = [f"{len(old.tracks) - len(changed)} track chunks equal byte for byte"]
    if changed:
        description.append(
            f"{events:,} events outside the bars composed in {len(changed)} more equal in time and bytes"
        )
    return Comparison(unchanged, ", ".join(description))


def _same_outside(before: bytes, after: bytes, changed: _Holes, chord_spans: Sequence[Span]) -> tuple[bool, int]:
    """Whether the events outside the holes are the same, and how many there are.

    Missing may only be what ended a replaced note behind the hole; later may only be the end of the track. In the
    chord spans chord symbols may be others, as long as behind them the same chord holds as before.
    """
    (old, old_tail), (new, new_tail) = parse_track(before), parse_track(after)
    first, second = _outside(old, changed, chord_spans), _outside(new, changed, chord_spans)
    position = 0
    for event in first:
        if position < len(second) and (second[position].tick, second[position].message) == (
            event.tick,
            event.message,
        ):
            position += 1
        elif not event.ends_note:
            return False, len(first)
    return position == len(second) and old_tail == new_tail, len(first)


def _same_chords_behind(before: bytes, after: bytes, spans: Sequence[Span], end: int) -> bool:
    """Whether the same chord holds behind each span as before, up to the end of the piece."""
    old, new = (list(chords_in(parse_track(track)[0]).values()) for track in (before, after))
    return all(chord_at(old, stop) == chord_at(new, stop) for _, stop in spans if stop < end)


def _outside(events: Sequence[Event], changed: _Holes, chord_spans: Sequence[Span]) -> list[Event]:
    chords = chords_in(events) if chord_spans else {}
    outside = []
    for index, event in enumerate(events):
        words = event.is_meta(LYRIC)
        inside = any(
            (words or event.channel == channel) and start <= event.tick < end
            for channel, holes in changed
            for start, end in holes
        )
        inside = inside or (index in chords and any(start <= event.tick <= end for start, end in chord_spans))
        if not inside and not event.is_meta(END_OF_TRACK):
            outside.append(event)
    return outside
