"""The state of a file's channels over time: which are rhythm parts and which program holds, over all tracks.

A channel's state belongs to the port, not to a track: a program change in one track holds for the notes of another.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence

from bandmate_music.midi.events import META, Event
from bandmate_music.midi.rhythm_parts import System, is_rhythm_bank, reset_to, rhythm_changes

DRUM_CHANNEL = 9
_PORT = 0x21
_SYSEX = (0xF0, 0xF7)
_Channel = tuple[int, int]
"""Port and channel."""


class ChannelStates:
    """Programs and rhythm parts of each (port, channel) by tick; what is set at a tick holds for the notes at it.

    A bank counts from the next program change on, as devices take it, or at once where the channel never has one.
    """

    def __init__(self, tracks: Sequence[Sequence[Event]]) -> None:
        self._programs: dict[_Channel, list[tuple[int, int]]] = defaultdict(list)
        self._kits: dict[_Channel, list[tuple[int, int]]] = defaultdict(list)
        self._modes: dict[_Channel, list[tuple[int, int]]] = defaultdict(list)
        self._played: dict[int, set[int]] = defaultdict(set)
        settings: list[tuple[int, int, Event]] = []
        for events in tracks:
            port = track_port(events)
            for event in events:
                if event.starts_note:
                    self._played[port].add(event.channel)
                elif event.kind == 0xC0 or event.message[0] in _SYSEX or _is_bank(event):
                    settings.append((port, 0 if event.message[0] in _SYSEX else 1, event))
        # A reset at a tick comes before what else is set there, whichever track it stands in.
        settings.sort(key=lambda each: (each[2].tick, each[1]))
        self._follow(settings)

    def _follow(self, settings: Sequence[tuple[int, int, Event]]) -> None:
        with_programs = {(port, event.channel) for port, _, event in settings if event.kind == 0xC0}
        system: System = ""
        banks: dict[_Channel, int] = {}
        for port, _, event in settings:
            place = (port, event.channel)
            if event.kind == 0xC0:
                self._programs[place].append((event.tick, event.message[1]))
            elif event.kind == 0xB0:
                banks[place] = event.message[2]
            elif reset := reset_to(event.message):
                system = reset
                banks.clear()
                for table in (self._kits, self._modes):
                    for changes in table.values():
                        changes.append((event.tick, -1))
                continue
            else:
                for channel, is_rhythm in rhythm_changes(event.message):
                    self._modes[port, channel].append((event.tick, int(is_rhythm)))
                continue
            if place in banks and (event.kind == 0xC0 or place not in with_programs):
                self._kits[place].append((event.tick, int(is_rhythm_bank(banks[place], event.channel, system))))

    def has_program(self, port: int, channel: int) -> bool:
        """Whether any track sets the channel's program."""
        return (port, channel) in self._programs

    def program(self, port: int, channel: int, tick: int) -> int:
        """The program that holds at a tick; 0 where none was set."""
        return _at(self._programs.get((port, channel), []), tick, 0)

    def is_rhythm(self, port: int, channel: int, tick: int) -> bool:
        """Whether notes at a tick are drums: by a system-exclusive message, else by bank, else on channel 10."""
        for table in (self._modes, self._kits):
            found = _at(table.get((port, channel), []), tick, -1)
            if found >= 0:
                return found == 1
        return channel == DRUM_CHANNEL

    def free_channel(self, port: int) -> int:
        """A channel on which nothing plays; the first one where all are taken."""
        return next((channel for channel in range(16) if channel not in self._played[port] | {DRUM_CHANNEL}), 0)


def _is_bank(event: Event) -> bool:
    """Whether it is the upper half of a bank number."""
    return event.kind == 0xB0 and event.message[1] == 0


def track_port(events: Sequence[Event]) -> int:
    """The port that a track plays on; 0 where it says none."""
    return next((event.message[3] for event in events if event.message[:3] == bytes((META, _PORT, 1))), 0)


def _at(changes: Sequence[tuple[int, int]], tick: int, default: int) -> int:
    index = bisect_right(changes, tick, key=lambda change: change[0])
    return changes[index - 1][1] if index else default
