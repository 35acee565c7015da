"""The state of a file's channels over time: which are rhythm parts and which program holds, over all tracks.

A channel's state belongs to the port, not to a track: a program change in one track holds for the notes of another.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence

from bandmate_music.midi.events import META, Event
from bandmate_music.midi.rhythm_parts import RHYTHM_BANKS, rhythm_changes

DRUM_CHANNEL = 9
_PORT = 0x21


class ChannelStates:
    """Programs and rhythm parts of each (port, channel) by tick; what is set at a tick holds for the notes at it."""

    def __init__(self, tracks: Sequence[Sequence[Event]]) -> None:
        self._programs: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
        self._banks: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
        self._modes: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
        self._played: dict[int, set[int]] = defaultdict(set)
        for events in tracks:
            port = track_port(events)
            for event in events:
                self._add(port, event)
        for table in (self._programs, self._banks, self._modes):
            for changes in table.values():
                changes.sort(key=lambda change: change[0])

    def _add(self, port: int, event: Event) -> None:
        if event.kind == 0xC0:
            self._programs[port, event.channel].append((event.tick, event.message[1]))
        elif event.kind == 0xB0 and event.message[1] == 0:
            self._banks[port, event.channel].append((event.tick, int(event.message[2] in RHYTHM_BANKS)))
        elif event.starts_note:
            self._played[port].add(event.channel)
        elif event.message[0] in (0xF0, 0xF7):
            for channel, is_rhythm in rhythm_changes(event.message):
                self._modes[port, channel].append((event.tick, int(is_rhythm)))

    def program(self, port: int, channel: int, tick: int) -> int:
        """The program that holds at a tick; 0 where none was set."""
        return _at(self._programs.get((port, channel), []), tick, 0)

    def is_rhythm(self, port: int, channel: int, tick: int) -> bool:
        """Whether notes at a tick are drums: by a system-exclusive message, else by bank, else on channel 10."""
        mode = _at(self._modes.get((port, channel), []), tick, -1)
        if mode >= 0:
            return mode == 1
        return channel == DRUM_CHANNEL or _at(self._banks.get((port, channel), []), tick, 0) == 1

    def free_channel(self, port: int) -> int:
        """A channel on which nothing plays; the first one where all are taken."""
        return next((channel for channel in range(16) if channel not in self._played[port] | {DRUM_CHANNEL}), 0)


def track_port(events: Sequence[Event]) -> int:
    """The port that a track plays on; 0 where it says none."""
    return next((event.message[3] for event in events if event.message[:3] == bytes((META, _PORT, 1))), 0)


def _at(changes: Sequence[tuple[int, int]], tick: int, default: int) -> int:
    index = bisect_right(changes, tick, key=lambda change: change[0])
    return changes[index - 1][1] if index else default
