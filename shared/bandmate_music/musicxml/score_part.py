"""Reads what the part list says of a part: its name, and the instruments, program and drums that it is played with."""

from xml.etree.ElementTree import Element

from bandmate_music.instrument_names import NamedInstrument, is_drum_name, named_instrument
from bandmate_music.musicxml.values import text_of, whole_number

_SINGER = 52
_DRUM_CHANNEL = 10


class ScorePart:
    """A <score-part>. `drums`: pitches of unpitched instruments by their ids."""

    def __init__(self, described: Element) -> None:
        self.identifier = described.get("id", "")
        self.name = text_of(described.find("part-name"))
        self.drums: dict[str, int] = {}
        self._instrument = text_of(described.find("score-instrument/instrument-name"))
        self._sound = text_of(described.find("score-instrument/instrument-sound")).replace(".", " ")
        self._channel = 0
        self._program: int | None = None
        for midi in described.iter("midi-instrument"):
            self._channel = self._channel or whole_number(midi.find("midi-channel"), 0)
            if self._program is None:
                program = whole_number(midi.find("midi-program"), 0)
                self._program = program - 1 if 1 <= program <= 128 else None
            drum = whole_number(midi.find("midi-unpitched"), 0)
            if 1 <= drum <= 128:
                self.drums[midi.get("id", "")] = drum - 1

    @property
    def is_on_drum_channel(self) -> bool:
        return self._channel == _DRUM_CHANNEL

    @property
    def is_called_drums(self) -> bool:
        """Whether the name says drums, and no program or channel anything else."""
        return self._channel == 0 and self._program is None and is_drum_name(self.name)

    @property
    def is_register(self) -> bool:
        """Whether the part is called by a singer's register: soprano, alto, tenor."""
        named = named_instrument(self.name) if self.name else None
        return named is not None and named.kind == "register"

    def program(self, *, sings_bass: bool) -> int:
        """The program stated, else by what the part, its instrument and its sound are called.

        `sings_bass`: "Bass" is the name of a singer.
        """
        if self._program is not None:
            return self._program
        found = self._named()
        if found is not None and found.kind == "bass" and sings_bass:
            return _SINGER
        return 0 if found is None else found.program

    def _named(self) -> NamedInstrument | None:
        told = (named_instrument(text) for text in (self.name, self._instrument, self._sound) if text)
        return next((each for each in told if each is not None), None)
