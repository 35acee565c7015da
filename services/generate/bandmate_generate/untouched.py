"""Whether a file is the given one but for the bars that were to be composed."""

from collections.abc import Sequence
from dataclasses import dataclass

from bandmate_shared.music.midi_events import END_OF_TRACK, LYRIC, Event, cut, parse_track

from bandmate_generate.edited import holes_of
from bandmate_generate.plan import SongPlan

_Holes = list[tuple[int, list[tuple[int, int]]]]
"""Channel and its holes in ticks, of one track chunk."""


@dataclass(frozen=True, slots=True)
class Untouched:
    """The verdict, and in words what was compared."""

    holds: bool
    compared: str


def untouched(plan: SongPlan, after: bytes) -> Untouched:
    """Compares a file with the given one: header and resolution, every track chunk without a hole byte for byte, and in
    the others every event outside the holes by its tick and its bytes."""
    assert plan.edit is not None, "only called for plans over a given piece"
    one, two = cut(plan.edit.given.data), cut(after)
    new = sum(index is None for index in plan.edit.tracks)
    changed: dict[int, _Holes] = {}
    for part, index in enumerate(plan.edit.tracks):
        if index is not None and (holes := holes_of(plan, part)):
            track = plan.edit.given.tracks[index]
            changed.setdefault(track.chunk, []).append((track.channel, holes))
    # A new track has to be counted in the header; the resolution stays.
    holds = one.header == two.header if not new else one.header[12:] == two.header[12:]
    holds = holds and one.tail == two.tail and len(two.tracks) == len(one.tracks) + new
    events = 0
    for number in range(min(len(one.tracks), len(two.tracks))):
        if number not in changed:
            holds = holds and one.track(number) == two.track(number)
        else:
            same, count = _same_outside(one.track(number), two.track(number), changed[number])
            holds, events = holds and same, events + count
    said = [f"{len(one.tracks) - len(changed)} track chunks equal byte for byte"]
    if changed:
        said.append(f"{events:,} events outside the bars composed in {len(changed)} more equal in time and bytes")
    return Untouched(holds, ", ".join(said))


def _same_outside(before: bytes, after: bytes, changed: _Holes) -> tuple[bool, int]:
    """Whether the events outside the holes are the same, and how many there are.

    Missing may only be what ended a replaced note behind the hole; later may only be the end of the track.
    """
    (old, old_tail), (new, new_tail) = parse_track(before), parse_track(after)
    first, second = _outside(old, changed), _outside(new, changed)
    place = 0
    for event in first:
        if place < len(second) and (second[place].tick, second[place].message) == (event.tick, event.message):
            place += 1
        elif not event.ends_note:
            return False, len(first)
    return place == len(second) and old_tail == new_tail, len(first)


def _outside(events: Sequence[Event], changed: _Holes) -> list[Event]:
    kept = []
    for event in events:
        words = event.is_meta(LYRIC)
        inside = any(
            (words or event.channel == channel) and start <= event.tick < end
            for channel, holes in changed
            for start, end in holes
        )
        if not inside and not event.is_meta(END_OF_TRACK):
            kept.append(event)
    return kept
